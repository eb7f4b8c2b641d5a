/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * server.h - an HTTP/1.1 server: one event loop, one thread, any number of connections. Knows nothing of BPF.
 *
 * A request reaches the handler when it is whole. The handler answers at once or keeps the request and answers later;
 * each must be answered exactly once. A client that goes away meanwhile is no matter of the handler's: its answer is
 * dropped.
 */
#ifndef CB_HTTP_SERVER_H
#define CB_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct event_base;
struct cb_http_server;
struct cb_http_request;

enum cb_http_method { CB_HTTP_GET, CB_HTTP_HEAD, CB_HTTP_POST, CB_HTTP_PUT, CB_HTTP_DELETE, CB_HTTP_OTHER };

struct cb_http_server_opts {
	const char *const *listen; /* "ADDR:PORT", "[V6]:PORT", ":PORT" (every address); ends with NULL. PORT 0: any */
	const char *tls_cert, *tls_key; /* PEM files; NULL: plain HTTP */
	const char *tls_client_ca; /* PEM file; only clients with a certificate signed by it are let in; NULL: all */
	/* Limits; 0 takes what stands in brackets. */
	size_t max_body;	     /* bytes; 413 past it, before the body is read where its length is told [8 MB] */
	size_t max_bodies;	     /* bytes, of all requests that have not ended; 503 past it [256 MB] */
	size_t max_head;	     /* bytes of request line and headers; 431 past it [16 KB] */
	unsigned max_connections;    /* further ones wait unaccepted [10,000] */
	unsigned request_timeout_ms; /* from a request's first byte to its last, however they trickle; 408 [10 s] */
	unsigned idle_timeout_ms;    /* of a connection on which no request has begun, or TLS not ended [60 s] */
	unsigned write_timeout_ms;   /* in which a client must take 64 KB of its answer, or the rest of it [30 s] */
	/* Called when the head of a request is there, before its body; NULL: all may go on. Returns 0, or the status to
	 * refuse with (401, 429, ...), having set *why, and *retry_after_s for 429 and 503. */
	int (*admit)(void *ctx, const struct cb_http_request *rq, const char **why, unsigned *retry_after_s);
	/* A whole request. Must lead to one cb_http_answer(). */
	void (*handle)(void *ctx, struct cb_http_request *rq);
	/* A request has ended: answered (also by the server itself: 400, 408, 413, ...), or its client is gone (status
	 * 0). Once for each request, after its answer if the handler has it. Of one that could not be read, method and
	 * path may be "". For access logs and counters. NULL: nobody wants to know. */
	void (*done)(void *ctx, const struct cb_http_request *rq, int status, size_t sent_bytes, uint64_t took_ns);
	/* The body of an error that the server itself answers or admit() wants: add it to body, return its type. NULL:
	 * "REASON: WHY" as plain text. */
	const char *(*explain)(void *ctx, int status, const char *why, struct cb_buf *body);
	void *ctx;
};

/* Listens; served by event_base_dispatch(). NULL with the sentence. The base stays the caller's. */
struct cb_http_server *cb_http_server_new(struct event_base *base, const struct cb_http_server_opts *opts,
					  struct cb_err *e);
/* The port of the i-th address (for PORT 0). */
unsigned cb_http_server_port(const struct cb_http_server *s, size_t i);
unsigned cb_http_server_connections(const struct cb_http_server *s);
/* Stop listening, close idle connections; requests that are there go on and are answered with "Connection: close".
 * drained is called, from the event loop, once none is left, neither with a client nor with the handler. */
void cb_http_server_stop(struct cb_http_server *s, void (*drained)(void *ctx), void *ctx);
/* Close everything at once. Not from admit(), handle() or done(). A request that is the handler's stays valid until it
 * is answered, which has no effect then, nor is done() called. */
void cb_http_server_free(struct cb_http_server *s);
/* Read the files of TLS anew, for connections from now on. When that fails, all stays as it was. */
int cb_http_server_reload(struct cb_http_server *s, struct cb_err *e);

/* What a request says. Text is valid until it is answered. */
enum cb_http_method cb_http_request_method(const struct cb_http_request *rq);
const char *cb_http_request_method_name(const struct cb_http_request *rq);
/* Percent-decoded, without the query; always begins with '/'. A NUL or a bad escape never gets here (400). */
const char *cb_http_request_path(const struct cb_http_request *rq);
/* The value of NAME in ?NAME=value, decoded; NULL when there is none. */
const char *cb_http_request_query(const struct cb_http_request *rq, const char *name);
/* A header's value, or NULL; names in any case. Of several with one name the first, or the last. */
const char *cb_http_request_header(const struct cb_http_request *rq, const char *name);
const char *cb_http_request_last_header(const struct cb_http_request *rq, const char *name);
const void *cb_http_request_body(const struct cb_http_request *rq, size_t *len);
/* The numeric address of the peer, without its port. */
const char *cb_http_request_peer(const struct cb_http_request *rq);
/* The subject of the client's certificate ("CN=..."), or NULL. */
const char *cb_http_request_subject(const struct cb_http_request *rq);
/* For the handler: anything that belongs to this request. */
void cb_http_request_set_data(struct cb_http_request *rq, void *data);
void *cb_http_request_data(const struct cb_http_request *rq);

/* An answer's further headers: name, value, name, value, ..., NULL; or NULL. */
typedef const char *const *cb_http_headers;

/* Answer, and give the request up. body is copied; HEAD gets its length only. type may be NULL where there is no body.
 *  */
void cb_http_answer(struct cb_http_request *rq, int status, const char *type, cb_http_headers more, const void *body,
		    size_t len);
/* The same without a copy: release(arg) is called when the last byte is sent or the client is gone. */
void cb_http_answer_ref(struct cb_http_request *rq, int status, const char *type, cb_http_headers more,
			const void *body, size_t len, void (*release)(void *arg), void *arg);
/* "Bad Request" for 400. */
const char *cb_http_reason(int status);

#endif
