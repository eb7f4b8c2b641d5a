/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* reply.h - an answer's bytes, as they come (internal to the client). */
#ifndef CB_HTTP_REPLY_H
#define CB_HTTP_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "http/client.h"
#include "http/wire.h"

/* Starts with the first group set and the rest zeroed. */
struct cb_reply_reader {
	struct cb_http_reply *reply;
	bool no_body; /* of HEAD, CONNECT */
	size_t max_body;
	int (*on_data)(void *ctx, const void *data, size_t len); /* of a 2xx; NULL: into reply->body */
	void *ctx;

	bool has_head, done;
	unsigned interim; /* 1xx answers so far */
	bool delivered;	  /* on_data was called */
	struct cb_buf head;
	struct cb_head_scan scan;
	struct cb_framing framing;
	struct cb_chunks chunks;
	uint64_t got;	/* bytes of the body */
	char *location; /* of a redirection; or NULL */
};

/* Take len bytes, or what there is up to the answer's end: the number in *used. 0 or -EPROTO (not HTTP), -EFBIG,
 * -ENOMEM, what on_data returned. */
int cb_reply_feed(struct cb_reply_reader *r, const char *data, size_t len, size_t *used, struct cb_err *e);
/* The connection has ended: 0 if that ends the answer, -EPROTO if it cuts it short. */
int cb_reply_end(struct cb_reply_reader *r, struct cb_err *e);
void cb_reply_reader_free(struct cb_reply_reader *r);

#endif
