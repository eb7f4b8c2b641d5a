/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* request.h - one request on its way through the server (internal to it): made of its head, answered, ended. */
#ifndef CB_HTTP_REQUEST_H
#define CB_HTTP_REQUEST_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "http/server.h"
#include "http/wire.h"

struct cb_conn;

struct cb_http_request {
	LIST_ENTRY(cb_http_request) link; /* of the server's */
	struct cb_http_server *server;	  /* NULL: freed meanwhile */
	struct cb_conn *conn;		  /* NULL: the client is gone */
	uint64_t began_ns;

	enum cb_http_method method;
	const char *method_name, *path;
	char *query; /* what the pairs point into */
	struct cb_field *fields, *pairs;
	unsigned n_fields, n_pairs;
	struct cb_framing framing;
	bool http10, keep_alive, expects; /* "Expect: 100-continue" */
	char peer[INET6_ADDRSTRLEN];
	char *subject;
	struct cb_buf body;
	void *data;

	/* the answer: its head, then out_len bytes at out; sent counts both */
	int status;
	struct cb_buf head;
	const char *out;
	size_t out_len, sent;
	void (*release)(void *arg);
	void *arg;

	char text[]; /* the head, cut into its words; the fields behind it */
};

/* Make a request of a head that cb_wire_head() has measured; len 0: of nothing, for an error that comes before one.
 * Returns 0, an HTTP status with the reason in *why (the request is there as far as it could be read), or -ENOMEM. */
int cb_request_new(const char *head, size_t len, unsigned lines, struct cb_http_request **out, const char **why);
/* Lets the answer's body go as well. */
void cb_request_free(struct cb_http_request *rq);

#endif
