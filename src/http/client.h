/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * client.h - one HTTP/1.1 request over HTTP or HTTPS, and its answer. Blocking; for any number of threads.
 *
 * Goes through the proxy that http_proxy, https_proxy and no_proxy name. Follows redirections (GET and HEAD only, at
 * most 5, never from https to http; an Authorization header is for the first server only). Retries what is safe to be
 * repeated: when the server could not be reached, or answered 429 or 503, or 502 or 504 to what may be repeated; after
 * 100 ms, 200 ms, 400 ms, ... with random variation, or what Retry-After asks for. An answer that asks for more than
 * retry_max_ms, or for more than is left of timeout_ms, comes back as it is.
 */
#ifndef CB_HTTP_CLIENT_H
#define CB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct cb_http_call {
	const char *method;	    /* "GET", "POST", "PUT" */
	const char *url;	    /* http://HOST[:PORT]/PATH or https:// */
	const char *const *headers; /* name, value, ..., NULL; or NULL */
	const void *body;
	size_t body_len;
	const char *ca_file;			 /* PEM; NULL: the system's */
	const char *cert_file, *key_file;	 /* of this client, PEM; or NULL */
	unsigned connect_timeout_ms, timeout_ms; /* 0: 5 s; 60 s. timeout: of the whole call with retries */
	unsigned retries;			 /* further attempts */
	unsigned retry_max_ms;			 /* of waiting before one; 0: 10 s */
	bool idempotent;			 /* also after bytes were sent; GET, HEAD, PUT and DELETE always */
	size_t max_body;			 /* of the answer; 0: 64 MB; -EFBIG past it */
	/* Instead of keeping the body of a 2xx answer: called as it comes. A negative value ends the call and comes
	 * back. */
	int (*on_data)(void *ctx, const void *data, size_t len);
	void *ctx;
};

struct cb_http_reply {
	int status;
	struct cb_buf body;
	char type[128]; /* Content-Type, without parameters */
	unsigned retry_after_s;
	bool reached; /* a server answered or took the request: going on to another may do the work twice */
};

/* 0 whenever an answer came, whatever its status. -ECONNREFUSED, -ETIMEDOUT, -ENOENT (no such host), -EPROTO (not HTTP;
 * a certificate that is not to be trusted: the sentence says why), -EINVAL a bad URL, ... cb_http_reply_free() after
 * any. */
int cb_http_do(const struct cb_http_call *call, struct cb_http_reply *reply, struct cb_err *e);
void cb_http_reply_free(struct cb_http_reply *reply);

#endif
