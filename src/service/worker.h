/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * worker.h - the process that does the work: reads a frame, compiles, answers with a frame, one at a time.
 *
 * It is started by the server as "coolbpf serve --worker" with a socket as its descriptor 3, holds a zygote of clang, and
 * inherits nothing else: no connection, no key, no token. When its socket closes it ends.
 */
#ifndef CB_SERVICE_WORKER_H
#define CB_SERVICE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "service/api.h"

/* What the rooms above can make of an object. */
struct cb_makers {
	/* What inspect says of it, as JSON. */
	int (*describe)(const char *name, const void *object, size_t size, struct cb_buf *json, struct cb_err *e);
	/* A header (CB_FORMAT_H, CB_FORMAT_SKEL). */
	int (*header)(enum cb_format format, const char *name, const void *object, size_t size, struct cb_buf *out,
		      struct cb_err *e);
};

/* The first frame. */
struct cb_worker_config {
	const char *clang;     /* "": found */
	const char *cache_dir; /* for headers, indexes of BTF */
	const char *answers;   /* directory in which outcomes are kept, or "" */
	uint64_t answers_max;
	const char *uploads; /* directory in which BTF that clients send is kept, or "" */
	const char *archive; /* URL, or "" */
	unsigned fetch_ms;   /* that a kernel's BTF may take to come from there */
	bool isolated;
};

void cb_worker_config_write(struct cb_buf *out, const struct cb_worker_config *c);
int cb_worker_config_read(struct cb_worker_config *c, const void *data, size_t len);

/* Returns the exit status, when the server has gone. */
int cb_worker_main(const struct cb_makers *makers);

#endif
