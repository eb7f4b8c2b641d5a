/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* metrics.h - what the server counts, and how Prometheus reads it (its text format 0.0.4). */
#ifndef CB_SERVICE_METRICS_H
#define CB_SERVICE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum cb_route {
	CB_ROUTE_NONE, /* no such path, or no path could be read */
	CB_ROUTE_COMPILE,
	CB_ROUTE_LBC,
	CB_ROUTE_KERNELS,
	CB_ROUTE_TYPE,
	CB_ROUTE_FUNCTIONS,
	CB_ROUTE_BTF,
	CB_ROUTE_UPLOAD,
	CB_ROUTE_METRICS,
	CB_ROUTE_HEALTH,
	CB_ROUTE_OPENAPI,
	CB_ROUTES
};

const char *cb_route_name(enum cb_route r);

enum { CB_STATUS_MAX = 600, CB_BUCKETS = 13 };

struct cb_metrics {
	uint64_t requests[CB_ROUTES][CB_STATUS_MAX]; /* status 0: the client went away */
	uint64_t buckets[CB_ROUTES][CB_BUCKETS + 1];
	uint64_t took_ns[CB_ROUTES];
	uint64_t received_bytes, sent_bytes;
	uint64_t compiles, failed_compiles, fell_back, coalesced, retried, refused_client, refused_server;
	uint64_t slice_ns, clang_ns;
	uint64_t dir_evicted;
	uint64_t log_lost; /* lines */
};

/* A request has ended. */
void cb_metrics_request(struct cb_metrics *m, enum cb_route route, int status, uint64_t took_ns);

struct cb_service;
/* All of it as text. */
void cb_metrics_print(const struct cb_service *s, struct cb_buf *out);

#endif
