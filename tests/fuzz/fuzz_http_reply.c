// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_http_reply.c - what a server may send to the client, in pieces whose size the first byte says: the same as in
 * one. Reads what strangers send. */
#include <stdlib.h>
#include <string.h>

#include "http/reply.h"
#include "http/url.h"

struct outcome {
	int err, status;
	struct cb_http_reply reply;
};

static struct outcome feed(const uint8_t *data, size_t size, size_t step, bool no_body)
{
	struct outcome out = {0};
	struct cb_reply_reader r = {.reply = &out.reply, .no_body = no_body, .max_body = 1000};
	struct cb_url base, next;
	size_t used = 0;

	for (size_t at = 0; at < size && !out.err && !r.done; at += used) {
		out.err = cb_reply_feed(&r, (const char *)data + at, size - at < step ? size - at : step, &used, NULL);
		if (!out.err && !used)
			abort();
	}
	if (!out.err)
		out.err = cb_reply_end(&r, NULL);
	if (!out.err && !r.done)
		abort();
	if (out.reply.body.len > 1000)
		abort();
	if (r.location && !cb_url_parse(&base, "http://a/b?c", NULL)) {
		if (!cb_url_follow(&next, &base, r.location, NULL) &&
		    (strpbrk(next.target, "\r\n ") || *next.target != '/'))
			abort();
		cb_url_free(&next);
		cb_url_free(&base);
	}
	cb_reply_reader_free(&r);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	bool no_body;

	if (!size)
		return 0;
	no_body = data[0] & 0x80;
	whole = feed(data + 1, size - 1, size, no_body);
	pieces = feed(data + 1, size - 1, 1 + data[0] % 16, no_body);
	if (whole.err != pieces.err ||
	    (!whole.err &&
	     (whole.reply.status != pieces.reply.status || whole.reply.body.len != pieces.reply.body.len ||
	      (whole.reply.body.len && memcmp(whole.reply.body.data, pieces.reply.body.data, whole.reply.body.len)))))
		abort();
	cb_http_reply_free(&whole.reply);
	cb_http_reply_free(&pieces.reply);
	return 0;
}
