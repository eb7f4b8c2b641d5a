// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* reply.c - see reply.h. As strict as the server: an answer that can be understood in two ways is refused. */
#include "http/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	MAX_HEAD = 64 << 10,
	MAX_INTERIM = 16, /* 1xx answers in front of the real one */
};

static int not_http(struct cb_err *e, const char *why)
{
	return cb_fail(e, EPROTO, "the server's answer is not HTTP: %s", why);
}

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "no memory for the server's answer");
}

/* "HTTP/1.1 200 OK" */
static int read_status(const char *line, int *status)
{
	if (strncmp(line, "HTTP/1.", 7) || line[7] < '0' || line[7] > '9' || line[8] != ' ' ||
	    strspn(line + 9, "0123456789") != 3 || (line[12] && line[12] != ' '))
		return -EPROTO;
	*status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	return *status >= 100 ? 0 : -EPROTO;
}

/* Seconds, or until when (RFC 9110, 10.2.3). What cannot be read asks for nothing. */
static unsigned read_retry_after(const char *value)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4];
	struct tm tm = {0};
	const char *at;
	uint64_t n;
	time_t wait;

	if (cb_wire_number(value, UINT32_MAX, &n))
		return (unsigned)n;
	if (sscanf(value, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec) != 6 ||
	    !(at = strstr(months, month)))
		return 0;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	wait = timegm(&tm) - time(NULL);
	return wait > 0 && wait < UINT32_MAX ? (unsigned)wait : 0;
}

static int read_fields(struct cb_reply_reader *r, const struct cb_field *fields, size_t n, struct cb_err *e)
{
	const char *type = cb_wire_find(fields, n, "Content-Type"), *retry = cb_wire_find(fields, n, "Retry-After"),
		   *location = cb_wire_find(fields, n, "Location"), *why = "";
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (r->no_body || r->reply->status == 204 || r->reply->status == 304)
		r->done = true;
	else if (cb_wire_framing(fields, n, &r->framing, &why))
		return not_http(e, why);
	if (len < sizeof(r->reply->type))
		memcpy(r->reply->type, type ? type : "", len);
	if (retry)
		r->reply->retry_after_s = read_retry_after(retry);
	if (location && !(r->location = strdup(location)))
		return no_memory(e);
	if (r->framing.has_length && r->framing.length > r->max_body)
		return cb_fail(e, EFBIG, "the server's answer has %llu bytes, more than the %zu that are taken",
			       (unsigned long long)r->framing.length, r->max_body);
	r->done |= r->framing.has_length && !r->framing.length;
	return 0;
}

/* The head is complete, in r->head. */
static int read_head(struct cb_reply_reader *r, struct cb_err *e)
{
	struct cb_field *fields = calloc(r->scan.lines, sizeof(*fields));
	char *at = r->head.data, *line = cb_wire_line(&at);
	int err = fields ? 0 : no_memory(e);
	unsigned n = 0;

	if (!err && read_status(line, &r->reply->status))
		err = not_http(e, "its first line is no status line");
	for (unsigned i = 2; i < r->scan.lines && !err; i++)
		if (cb_wire_field(cb_wire_line(&at), &fields[n++]))
			err = not_http(e, "a line that is no header");
	if (!err && r->reply->status < 200) {
		/* 101 would be another protocol, which nobody has asked for */
		if (r->reply->status == 101 || ++r->interim > MAX_INTERIM)
			err = not_http(e, "interim answers without end");
	} else if (!err) {
		r->has_head = true;
		err = read_fields(r, fields, n, e);
	}
	r->head.len = 0;
	r->scan = (struct cb_head_scan){0};
	free(fields);
	return err;
}

/* Collects bytes until the head is whole; *used of them are its. */
static int feed_head(struct cb_reply_reader *r, const char *data, size_t len, size_t *used, struct cb_err *e)
{
	size_t before = r->head.len;
	ssize_t head;

	cb_buf_add(&r->head, data, len);
	if (r->head.failed)
		return no_memory(e);
	head = cb_wire_head(&r->scan, r->head.data, r->head.len);
	if (head < 0)
		return not_http(e, "a line that does not end with CR LF, or a zero byte");
	if (head > MAX_HEAD || (!head && r->head.len > MAX_HEAD))
		return not_http(e, "headers without end");
	*used = head ? (size_t)head - before : len;
	if (!head)
		return 0;
	return head == 2 ? not_http(e, "an empty line in place of a status line") : read_head(r, e);
}

static int deliver(struct cb_reply_reader *r, const char *data, size_t len, struct cb_err *e)
{
	int err;

	if (!len)
		return 0;
	r->got += len;
	if (r->got > r->max_body)
		return cb_fail(e, EFBIG, "the server's answer has more than the %zu bytes that are taken", r->max_body);
	if (r->on_data && r->reply->status / 100 == 2) {
		r->delivered = true;
		err = r->on_data(r->ctx, data, len);
		return err < 0 ? cb_fail(e, -err, "the answer was not taken: %s", strerror(-err)) : 0;
	}
	cb_buf_add(&r->reply->body, data, len);
	return r->reply->body.failed ? no_memory(e) : 0;
}

static int feed_body(struct cb_reply_reader *r, const char *data, size_t len, size_t *used, struct cb_err *e)
{
	const char *piece = data;
	size_t piece_len = len;
	ssize_t n;
	int err;

	if (r->framing.chunked) {
		n = cb_chunks_next(&r->chunks, data, len, &piece, &piece_len);
		if (n < 0)
			return not_http(e, "its chunks are none");
		*used = (size_t)n;
	} else {
		if (r->framing.has_length && r->framing.length - r->got < piece_len)
			piece_len = (size_t)(r->framing.length - r->got);
		*used = piece_len;
	}
	err = deliver(r, piece, piece_len, e);
	r->done =
		r->framing.chunked ? cb_chunks_done(&r->chunks) : r->framing.has_length && r->got == r->framing.length;
	return err;
}

int cb_reply_feed(struct cb_reply_reader *r, const char *data, size_t len, size_t *used, struct cb_err *e)
{
	int err = 0;

	*used = 0;
	while (*used < len && !r->done && !err) {
		size_t n = 0;

		err = r->has_head ? feed_body(r, data + *used, len - *used, &n, e)
				  : feed_head(r, data + *used, len - *used, &n, e);
		*used += n;
	}
	return err;
}

int cb_reply_end(struct cb_reply_reader *r, struct cb_err *e)
{
	if (r->done)
		return 0;
	if (!r->has_head)
		return cb_fail(e, EPROTO, "the server closed the connection before its answer was there");
	if (r->framing.has_length)
		return cb_fail(e, EPROTO, "the server's answer ended after %llu of %llu bytes",
			       (unsigned long long)r->got, (unsigned long long)r->framing.length);
	if (r->framing.chunked)
		return cb_fail(e, EPROTO, "the server's answer ended after %llu bytes, before its last chunk",
			       (unsigned long long)r->got);
	r->done = true;
	return 0;
}

void cb_reply_reader_free(struct cb_reply_reader *r)
{
	cb_buf_free(&r->head);
	free(r->location);
	r->location = NULL;
}
