/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* server.h - the compile server: everything behind "coolbpf serve". */
#ifndef CB_SERVICE_SERVER_H
#define CB_SERVICE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "service/queue.h"

struct cb_serve_opts {
	const char *const *listen;     /* as cb_http_server_opts.listen */
	const char *const *lbc_listen; /* the same, for POST /lbc alone: plain HTTP, no token; NULL: none */
	const char *tls_cert, *tls_key, *tls_client_ca; /* PEM files; NULL */
	const char *tokens;				/* file; NULL: everybody may */
	bool open_metrics;				/* /metrics needs no token */
	const char *key;				/* file to sign with, or NULL */
	const char *cache;	 /* directory, redis://..., or NULL: answers are kept in memory only */
	const char *cache_dir;	 /* local files: headers, BTF, indexes */
	uint64_t cache_bytes;	 /* of a directory */
	size_t memory_bytes;	 /* of ready answers */
	const char *btf_dir;	 /* or NULL */
	const char *archive;	 /* URL of one with BTF of other kernels (archive.h), or NULL */
	bool accept_btf;	 /* PUT /v1/btf/DIGEST */
	uint64_t sent_btf_bytes; /* that is kept of it, raw */
	const char *clang;	 /* or NULL: found */
	bool sandbox;
	unsigned jobs;
	unsigned job_ms, drain_ms;
	struct cb_limits limits;
	size_t max_body;
	unsigned max_connections;
	bool behind_proxy;	/* a client's address is the last one in X-Forwarded-For */
	const char *access_log; /* file; "-": standard output; NULL: none */
	char *const *worker_argv;
};

/* Serve until a signal ends it: SIGTERM and SIGINT let what is in hand be done, for drain_ms at most; another ends at once.
 * SIGHUP reads tokens, certificates, the directory of BTF and the archive's index anew, and opens the access log again. 0, or the reason why it
 * could not start. */
int cb_serve(const struct cb_serve_opts *opts, struct cb_err *e);

#endif
