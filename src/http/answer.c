// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * answer.c - what the server sends: heads of answers, and its own errors.
 *
 * A body is not copied where that can be avoided: what the socket takes at once goes out of the caller's memory, and
 * only a rest that has to wait is kept.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/conn.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{425, "Too Early"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
};

const char *cb_http_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* IMF-fixdate (RFC 9110, 5.6.7), made once a second; by hand, because strftime() asks the locale. */
static const char *date(struct cb_http_server *s)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;

	if (now != s->date_at && gmtime_r(&now, &tm)) {
		snprintf(s->date, sizeof(s->date), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
			 months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
		s->date_at = now;
	}
	return s->date;
}

static void add_field(struct cb_buf *b, const char *name, const char *value)
{
	size_t at;

	cb_buf_str(b, name);
	cb_buf_str(b, ": ");
	at = b->len;
	cb_buf_str(b, value);
	/* a value must not be able to begin a header, or a body, of its own */
	for (; at < b->len; at++)
		if (b->data[at] == '\r' || b->data[at] == '\n')
			b->data[at] = ' ';
	cb_buf_str(b, "\r\n");
}

static void add_head(struct cb_http_request *rq, const char *type, cb_http_headers more, size_t len)
{
	struct cb_buf *b = &rq->head;

	cb_buf_str(b, "HTTP/1.1 ");
	cb_buf_u64(b, (uint64_t)rq->status);
	cb_buf_ch(b, ' ');
	cb_buf_str(b, cb_http_reason(rq->status));
	cb_buf_str(b, "\r\nDate: ");
	cb_buf_str(b, date(rq->server));
	cb_buf_str(b, "\r\n");
	if (type)
		add_field(b, "Content-Type", type);
	/* a 204 has no body and a 304 would have the one of a 200, of which nothing is known here (RFC 9110, 8.6) */
	if (rq->status != 204 && rq->status != 304) {
		cb_buf_str(b, "Content-Length: ");
		cb_buf_u64(b, len);
		cb_buf_str(b, "\r\n");
	}
	for (; more && *more; more += 2)
		add_field(b, more[0], more[1]);
	if (!rq->keep_alive)
		cb_buf_str(b, "Connection: close\r\n");
	else if (rq->http10)
		cb_buf_str(b, "Connection: keep-alive\r\n");
	cb_buf_str(b, "\r\n");
}

/* Begin to send. True: the request is still there with a part of the answer unsent. */
static bool answer(struct cb_http_request *rq, int status, const char *type, cb_http_headers more, const void *body,
		   size_t len)
{
	struct cb_conn *c = rq->conn;

	if (!rq->server || !c) {
		cb_request_end(rq);
		return false;
	}
	rq->status = status;
	rq->keep_alive &= !rq->server->stopping;
	add_head(rq, type, more, len);
	if (rq->head.failed) {
		/* not even a head: the client learns of it by the end of the connection */
		cb_conn_fail(c);
		return false;
	}
	if (rq->method != CB_HTTP_HEAD && status != 204 && status != 304) {
		rq->out = body;
		rq->out_len = len;
	}
	return cb_conn_answer(c);
}

void cb_http_answer_ref(struct cb_http_request *rq, int status, const char *type, cb_http_headers more,
			const void *body, size_t len, void (*release)(void *arg), void *arg)
{
	rq->release = release;
	rq->arg = arg;
	answer(rq, status, type, more, body, len);
}

void cb_http_answer(struct cb_http_request *rq, int status, const char *type, cb_http_headers more, const void *body,
		    size_t len)
{
	char *copy;

	if (!answer(rq, status, type, more, body, len))
		return;
	copy = malloc(rq->out_len ? rq->out_len : 1);
	if (!copy) {
		cb_conn_fail(rq->conn);
		return;
	}
	if (rq->out_len)
		memcpy(copy, rq->out, rq->out_len);
	rq->out = copy;
	rq->release = free;
	rq->arg = copy;
}

void cb_answer_error(struct cb_http_request *rq, int status, const char *why, unsigned retry_after_s)
{
	struct cb_http_server_opts *o = &rq->server->opts;
	const char *reason = cb_http_reason(status), *type = "text/plain; charset=utf-8";
	const char *retry[] = {"Retry-After", NULL, NULL};
	struct cb_buf body = {0};
	char seconds[16];

	if (!why)
		why = reason;
	if (o->explain)
		type = o->explain(o->ctx, status, why, &body);
	else
		cb_buf_printf(&body, "%s: %s\n", reason, why);
	snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
	retry[1] = seconds;
	cb_http_answer(rq, status, type, retry_after_s ? retry : NULL, body.data, body.failed ? 0 : body.len);
	cb_buf_free(&body);
}

void cb_request_end(struct cb_http_request *rq)
{
	struct cb_http_server *s = rq->server;
	struct cb_http_server_opts *o = s ? &s->opts : NULL;

	if (s) {
		LIST_REMOVE(rq, link);
		s->bodies -= rq->body.len;
		if (o->done)
			o->done(o->ctx, rq, rq->status, rq->sent, cb_server_now(s) - rq->began_ns);
	}
	cb_request_free(rq);
	if (s)
		cb_server_less(s);
}
