// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * client.c - see client.h: one attempt after the other until there is an answer.
 *
 * An attempt is a connection of its own. Everything is on the stack of the caller, so that any number of threads may
 * call.
 */
#include "http/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "http/dial.h"
#include "http/reply.h"
#include "http/tls.h"
#include "http/url.h"

enum {
	MAX_REDIRECTIONS = 5,
	FIRST_PAUSE_MS = 100,
	MAX_BODY = 64 << 20,
	CONNECT_MS = 5000,
	TIMEOUT_MS = 60000,
	RETRY_MAX_MS = 10000,
	READ = 65536,
};

struct call {
	const struct cb_http_call *what;
	struct cb_http_reply *reply;
	struct cb_err *e;
	struct cb_url url; /* where it leads by now */
	bool moved;	   /* to another server than the one that was asked for */
	uint64_t deadline_ns;
	struct cb_dial_tls tls;
	/* of the last attempt */
	bool sent;	/* bytes of the request */
	bool delivered; /* bytes of the answer, to on_data */
	char *location; /* it wants to be asked for elsewhere */
};

static bool is_method(const struct call *c, const char *name)
{
	return !strcmp(c->what->method, name);
}

static bool may_repeat(const struct call *c)
{
	return c->what->idempotent || is_method(c, "GET") || is_method(c, "HEAD") || is_method(c, "PUT") ||
	       is_method(c, "DELETE");
}

/* --- the request --- */

static int check_call(const struct cb_http_call *what, struct cb_err *e)
{
	/* those that say how a message is to be read are made here */
	static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect"};

	if (!what->method || !cb_wire_is_token(what->method) || !what->url)
		return cb_fail(e, EINVAL, "a request needs a method and a URL");
	for (const char *const *h = what->headers; h && *h; h += 2) {
		if (!cb_wire_is_token(h[0]) || !h[1] || h[1][strcspn(h[1], "\r\n")])
			return cb_fail(e, EINVAL, "%s: not a header that can be sent", h[0]);
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			if (!strcasecmp(h[0], ours[i]))
				return cb_fail(e, EINVAL, "%s: this header is not the caller's to send", h[0]);
	}
	return 0;
}

static bool has_header(const struct call *c, const char *name)
{
	for (const char *const *h = c->what->headers; h && *h; h += 2)
		if (!strcasecmp(h[0], name))
			return true;
	return false;
}

/* What proves who the caller is goes to nobody but the server that it was meant for. */
static bool is_secret(const char *name)
{
	return !strcasecmp(name, "Authorization") || !strcasecmp(name, "Cookie");
}

static void add_auth(struct cb_buf *head, const char *name, const char *user)
{
	char *value = cb_basic_auth(user);

	if (value)
		cb_buf_printf(head, "%s: %s\r\n", name, value);
	else
		head->failed = true;
	free(value);
}

/* via: a proxy that reads the request itself, or NULL. */
static int make_head(const struct call *c, const struct cb_url *via, struct cb_buf *head)
{
	const struct cb_http_call *what = c->what;
	char *host = cb_url_authority(&c->url, true);

	if (!host)
		return -ENOMEM;
	cb_buf_printf(head, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", what->method,
		      via ? "http://" : "", via ? host : "", c->url.target, host);
	free(host);
	if (!has_header(c, "User-Agent"))
		cb_buf_str(head, "User-Agent: coolbpf/" COOLBPF_VERSION "\r\n");
	if (what->body_len || is_method(c, "POST") || is_method(c, "PUT"))
		cb_buf_printf(head, "Content-Length: %zu\r\n", what->body_len);
	if (via && via->user)
		add_auth(head, "Proxy-Authorization", via->user);
	if (c->url.user && !has_header(c, "Authorization"))
		add_auth(head, "Authorization", c->url.user);
	for (const char *const *h = what->headers; h && *h; h += 2)
		if (!c->moved || !is_secret(h[0]))
			cb_buf_printf(head, "%s: %s\r\n", h[0], h[1]);
	cb_buf_str(head, "\r\n");
	return head->failed ? -ENOMEM : 0;
}

/* --- one attempt --- */

/* Read once and take it; *over: the answer is complete, or the connection has ended. */
static int read_some(struct call *c, struct cb_stream *s, struct cb_reply_reader *r, char *buffer)
{
	ssize_t n = cb_stream_read(s, buffer, READ);
	size_t used;

	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < 0)
		return cb_stream_failed(&c->url, (int)n, "reading the answer", c->e);
	c->reply->reached = true;
	return n ? cb_reply_feed(r, buffer, (size_t)n, &used, c->e) : cb_reply_end(r, c->e);
}

/* Until all is sent, or an answer comes that does not wait for it (a server that will not have the body). An error in
 * sending is only told when there is no answer that says more. */
static int send_request(struct call *c, struct cb_stream *s, const struct cb_buf *head, struct cb_reply_reader *r,
			char *buffer)
{
	size_t total = head->len + c->what->body_len, sent = 0;

	while (sent < total && !r->done && !r->has_head) {
		size_t first = sent < head->len ? head->len - sent : 0, rest = total - sent - first;
		struct iovec iov[2] = {
			{head->data + head->len - first, first},
			{rest ? (char *)c->what->body + c->what->body_len - rest : NULL, rest},
		};
		ssize_t n = cb_stream_write(s, iov, rest ? 2 : 1);
		int ready, err;

		if (n > 0) {
			sent += (size_t)n;
			c->sent = c->reply->reached = true;
			continue;
		}
		if (n == -EPIPE || n == -ECONNRESET)
			return (int)n;
		if (n != -EAGAIN)
			return cb_stream_failed(&c->url, (int)n, "sending the request", c->e);
		ready = cb_wait_ready(s->fd, s->want | POLLIN, c->deadline_ns);
		if (ready < 0)
			return cb_stream_failed(&c->url, ready, "sending the request", c->e);
		if (!(ready & POLLIN))
			continue;
		err = read_some(c, s, r, buffer);
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}

static int read_reply(struct call *c, struct cb_stream *s, struct cb_reply_reader *r, char *buffer)
{
	int err = 0;

	while (!err && !r->done) {
		err = read_some(c, s, r, buffer);
		if (err != -EAGAIN)
			continue;
		err = cb_wait_ready(s->fd, s->want, c->deadline_ns);
		if (err < 0)
			return cb_stream_failed(&c->url, err, "waiting for the answer", c->e);
		err = 0;
	}
	return err;
}

static int exchange(struct call *c, struct cb_stream *s, const struct cb_url *via)
{
	const struct cb_http_call *what = c->what;
	struct cb_reply_reader r = {
		.reply = c->reply,
		.no_body = is_method(c, "HEAD"),
		.max_body = what->max_body ? what->max_body : MAX_BODY,
		.on_data = what->on_data,
		.ctx = what->ctx,
	};
	struct cb_buf head = {0};
	char *buffer = malloc(READ);
	int err = buffer ? make_head(c, via, &head) : -ENOMEM, sending = 0;

	if (err)
		cb_fail(c->e, -err, "no memory for a request");
	else
		sending = send_request(c, s, &head, &r, buffer);
	/* a server that has closed its side may have said why before */
	if (sending == -EPIPE || sending == -ECONNRESET || !sending)
		err = err ? err : read_reply(c, s, &r, buffer);
	else
		err = sending;
	c->delivered = r.delivered;
	c->location = r.location;
	r.location = NULL;
	cb_reply_reader_free(&r);
	cb_buf_free(&head);
	free(buffer);
	return err;
}

static int prepare_tls(struct call *c)
{
	int err = 0;

	if (!c->url.tls || c->tls.ctx)
		return 0;
	c->tls.bio = cb_stream_bio_new();
	if (!c->tls.bio)
		return cb_fail(c->e, ENOMEM, "no memory for TLS");
	c->tls.ctx = cb_tls_client(c->what->ca_file, c->what->cert_file, c->what->key_file, &err, c->e);
	if (!c->tls.ctx) {
		BIO_meth_free(c->tls.bio);
		c->tls.bio = NULL;
	}
	return err;
}

static int find_proxy(struct call *c, struct cb_url *via, bool *has)
{
	const char *proxy = cb_url_proxy(&c->url);
	char *text;
	int err;

	*has = proxy != NULL;
	if (!proxy)
		return 0;
	/* "host:port" is usual too */
	if (asprintf(&text, "%s%s", strstr(proxy, "://") ? "" : "http://", proxy) < 0)
		return cb_fail(c->e, ENOMEM, "no memory for a URL");
	err = cb_url_parse(via, text, c->e);
	if (!err && via->tls)
		err = cb_fail(c->e, EINVAL, "%s: a proxy is spoken to by http://", text);
	free(text);
	return err < 0 ? cb_fail_in(c->e, err, "the proxy that the environment names") : 0;
}

static int attempt(struct call *c)
{
	uint64_t connect_ms = c->what->connect_timeout_ms ? c->what->connect_timeout_ms : CONNECT_MS;
	uint64_t deadline = cb_now_ns() + connect_ms * 1000000;
	struct cb_url via = {0};
	struct cb_stream s;
	bool has_proxy;
	int err;

	cb_http_reply_free(c->reply);
	c->sent = c->delivered = false;
	free(c->location);
	c->location = NULL;
	err = find_proxy(c, &via, &has_proxy);
	if (!err)
		err = prepare_tls(c);
	if (!err)
		err = cb_dial(&c->url, has_proxy ? &via : NULL, &c->tls,
			      deadline < c->deadline_ns ? deadline : c->deadline_ns, &s, c->e);
	if (!err) {
		err = exchange(c, &s, has_proxy && !c->url.tls ? &via : NULL);
		if (!err)
			cb_stream_end(&s);
		cb_stream_close(&s);
	}
	cb_url_free(&via);
	return err;
}

/* --- attempts --- */

/* Whether the same may be tried again, by what came of it. */
static bool worth_another(const struct call *c, int err)
{
	int status = c->reply->status;

	if (!err)
		return status == 429 || status == 503 || ((status == 502 || status == 504) && may_repeat(c));
	if (c->delivered || (c->sent && !may_repeat(c)))
		return false;
	switch (-err) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	case EPROTO: /* cut short; but a certificate will be no better */
		return c->sent;
	default:
		return false;
	}
}

/* Half to one and a half of 100 ms, 200 ms, 400 ms, ...: so that many clients do not come back together. */
static uint64_t pause_ms(const struct call *c, unsigned tries, unsigned max_ms)
{
	uint64_t ms = (uint64_t)FIRST_PAUSE_MS << (tries < 16 ? tries : 16);
	uint32_t random = 0;

	if (ms > max_ms)
		ms = max_ms;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)cb_now_ns();
	ms = ms / 2 + random % (ms + 1);
	if ((uint64_t)c->reply->retry_after_s * 1000 > ms)
		ms = (uint64_t)c->reply->retry_after_s * 1000;
	return ms;
}

static int with_retries(struct call *c)
{
	unsigned max_ms = c->what->retry_max_ms ? c->what->retry_max_ms : RETRY_MAX_MS;

	for (unsigned tries = 0;; tries++) {
		int err = attempt(c);
		uint64_t ms;

		if (tries >= c->what->retries || !worth_another(c, err))
			return err;
		ms = pause_ms(c, tries, max_ms);
		if ((uint64_t)c->reply->retry_after_s * 1000 > max_ms || cb_now_ns() + ms * 1000000 >= c->deadline_ns)
			return err;
		nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}, NULL);
	}
}

/* The answer says where to go on: 1 when that is done; 0: it is the answer; or a negative errno. */
static int redirect(struct call *c, int done)
{
	int status = c->reply->status, err;
	struct cb_url next;

	if (!c->location || (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) ||
	    !(is_method(c, "GET") || is_method(c, "HEAD")))
		return 0;
	if (done >= MAX_REDIRECTIONS)
		return cb_fail(c->e, ELOOP, "%s: more than %d redirections", c->what->url, MAX_REDIRECTIONS);
	err = cb_url_follow(&next, &c->url, c->location, c->e);
	if (!err && c->url.tls && !next.tls)
		err = cb_fail(c->e, EPROTO, "%s leads from https to http, to %s", c->what->url, c->location);
	if (err) {
		cb_url_free(&next);
		return err;
	}
	c->moved |= !cb_url_same_origin(&next, &c->url);
	cb_url_free(&c->url);
	c->url = next;
	return 1;
}

int cb_http_do(const struct cb_http_call *what, struct cb_http_reply *reply, struct cb_err *e)
{
	uint64_t ms = what->timeout_ms ? what->timeout_ms : TIMEOUT_MS;
	struct call c = {.what = what, .reply = reply, .e = e, .deadline_ns = cb_now_ns() + ms * 1000000};
	int err = check_call(what, e), more = 1;

	*reply = (struct cb_http_reply){0};
	if (!err)
		err = cb_url_parse(&c.url, what->url, e);
	for (int done = 0; !err && more > 0; done++) {
		err = with_retries(&c);
		more = err ? 0 : redirect(&c, done);
		if (more < 0)
			err = more;
	}
	SSL_CTX_free(c.tls.ctx);
	BIO_meth_free(c.tls.bio);
	free(c.location);
	cb_url_free(&c.url);
	return err;
}

void cb_http_reply_free(struct cb_http_reply *reply)
{
	cb_buf_free(&reply->body);
	*reply = (struct cb_http_reply){0};
}
