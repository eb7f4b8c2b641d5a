// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * conn.c - one connection of the server: bytes in, requests, answers out.
 *
 *	HANDSHAKE -> HEAD -> BODY -> HANDLING -> WRITING -> HEAD ...
 *	                \______\________________/^    \---> LINGER -> DEAD
 *
 * One request at a time: the next of a pipeline begins when the answer before it is sent. Whatever happens on a
 * connection ends in conn_run(), which goes on as far as it can and then says what to wait for. Callbacks of the user's
 * may come back into this file (an answer, a stop) while it runs; `busy` makes such a call leave the rest to it.
 */
#include "http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/tls.h"

enum {
	MAX_AHEAD = 64 << 10,	/* bytes of further requests that are kept while one is answered */
	MAX_DISCARD = 16 << 20, /* bytes read away of a client that does not stop sending */
	WRITE_STEP = 64 << 10,	/* bytes that a client takes in the time for writing, at least */
	LINGER_MS = 2000,
	READS_AT_ONCE = 16, /* then the other connections get their turn */
};

static bool reads_requests(const struct cb_conn *c)
{
	return c->state == CONN_HEAD || c->state == CONN_BODY;
}

/* --- ends --- */

static void conn_free(struct cb_conn *c)
{
	struct cb_http_server *s = c->server;

	TAILQ_REMOVE(&s->conns[c->wait], c, link);
	event_del(&c->event);
	cb_stream_close(&c->stream);
	cb_buf_free(&c->in);
	free(c->subject);
	free(c);
	s->connections--;
	cb_server_less(s);
}

/* The client is gone. Its request ends, or goes on without it if the handler has it. */
static void conn_lost(struct cb_conn *c)
{
	struct cb_http_request *rq = c->rq;

	c->rq = NULL;
	if (rq) {
		rq->conn = NULL;
		if (c->state != CONN_HANDLING) {
			rq->status = 0;
			cb_request_end(rq);
		}
	}
	c->state = CONN_DEAD;
}

static void conn_close(struct cb_conn *c)
{
	cb_stream_end(&c->stream);
	c->state = c->eof ? CONN_DEAD : CONN_LINGER;
	c->taken = 0;
	cb_buf_free(&c->in);
}

/* The answer is sent, and the connection ready for the next request or closed. */
static void conn_answered(struct cb_conn *c)
{
	struct cb_http_request *rq = c->rq;
	bool keep = rq->keep_alive;

	c->rq = NULL;
	c->began_ns = 0;
	c->renew = true;
	c->forgiven = false;
	cb_request_end(rq);
	if (keep && !c->server->stopping)
		c->state = CONN_HEAD;
	else
		conn_close(c);
}

/* --- answers --- */

/* True: a part of the answer has to wait. */
static bool conn_write(struct cb_conn *c)
{
	struct cb_http_request *rq = c->rq;
	size_t total = rq->head.len + rq->out_len;

	while (rq->sent < total) {
		size_t head = rq->sent < rq->head.len ? rq->head.len - rq->sent : 0;
		size_t body = rq->out_len - (rq->sent - (rq->head.len - head));
		struct iovec iov[2] = {
			{rq->head.data + rq->head.len - head, head},
			{body ? (char *)rq->out + rq->out_len - body : NULL, body},
		};
		ssize_t n = cb_stream_write(&c->stream, iov, body ? 2 : 1);

		if (n == -EAGAIN)
			return true;
		if (n < 0) {
			conn_lost(c);
			return false;
		}
		rq->sent += (size_t)n;
		c->taken += (size_t)n;
		if (c->taken >= WRITE_STEP) {
			c->taken = 0;
			c->renew = true;
		}
	}
	conn_answered(c);
	return false;
}

/* A request of this connection's: from now on it ends by cb_request_end(). */
static void conn_adopt(struct cb_conn *c)
{
	struct cb_http_request *rq = c->rq;

	rq->server = c->server;
	rq->conn = c;
	rq->began_ns = c->began_ns;
	memcpy(rq->peer, c->peer, sizeof(rq->peer));
	LIST_INSERT_HEAD(&c->server->requests, rq, link);
}

/* Something is wrong with the request, or the server will not have it: answered here, and then closed. */
static void conn_refuse(struct cb_conn *c, int status, const char *why, unsigned retry_after_s)
{
	const char *unused;

	if (!c->rq) {
		if (cb_request_new("", 0, 0, &c->rq, &unused)) {
			c->state = CONN_DEAD;
			return;
		}
		conn_adopt(c);
	}
	c->rq->keep_alive = false;
	c->state = CONN_HANDLING;
	cb_answer_error(c->rq, status, why, retry_after_s);
}

/* --- requests --- */

static void conn_handle(struct cb_conn *c)
{
	c->state = CONN_HANDLING;
	c->server->opts.handle(c->server->opts.ctx, c->rq);
}

/* The client waits for a word before it sends the body. Nothing else is on its way, so 25 bytes can only be refused by
 * a socket that is broken. */
static bool conn_continue(struct cb_conn *c)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = {(char *)line, sizeof(line) - 1};

	return cb_stream_write(&c->stream, &iov, 1) == (ssize_t)iov.iov_len;
}

/* What to do with a request of which the head is there. ahead: bytes behind the head that are there too. */
static void conn_admit(struct cb_conn *c, size_t ahead)
{
	struct cb_http_server_opts *o = &c->server->opts;
	struct cb_http_request *rq = c->rq;
	bool has_body = rq->framing.chunked || rq->framing.length;
	unsigned retry_after_s = 0;
	const char *why = NULL;
	int status;

	/* a refusal is told before the size: who may not be here need not know */
	status = o->admit ? o->admit(o->ctx, rq, &why, &retry_after_s) : 0;
	if (!status && rq->framing.length > o->max_body) {
		status = 413;
		why = "the body is larger than this server takes";
	}
	if (status && !has_body) {
		c->state = CONN_HANDLING;
		cb_answer_error(rq, status, why, retry_after_s);
	} else if (status) {
		conn_refuse(c, status, why, retry_after_s);
	} else if (!has_body) {
		conn_handle(c);
	} else if (rq->expects && !ahead && !conn_continue(c)) {
		conn_lost(c);
	} else {
		c->state = CONN_BODY;
		c->chunks = (struct cb_chunks){0};
	}
}

/* The head that is there, of so many bytes: a request. */
static void conn_begin(struct cb_conn *c, const char *data, size_t head, size_t ahead)
{
	const char *why = NULL;
	int status = cb_request_new(data, head, c->scan.lines, &c->rq, &why);

	c->scan = (struct cb_head_scan){0};
	if (c->rq) {
		conn_adopt(c);
		if (c->subject && !(c->rq->subject = strdup(c->subject)))
			status = -ENOMEM;
	}
	if (status == -ENOMEM)
		conn_refuse(c, 503, "no memory", 1);
	else if (status)
		conn_refuse(c, status, why, 0);
	else
		conn_admit(c, ahead);
}

/* Each of the next two takes what it can use and returns how much that is; 0: more must come first. */

static size_t conn_take_head(struct cb_conn *c, const char *data, size_t len)
{
	size_t max = c->server->opts.max_head;
	ssize_t head;

	if (!c->began_ns) {
		c->began_ns = c->server->now_ns;
		c->scan = (struct cb_head_scan){0};
	}
	head = cb_wire_head(&c->scan, data, len);
	if (head == 2) {
		/* one empty line in front of a request is forgiven (RFC 9112, 2.2): some clients end a body with it */
		if (c->forgiven)
			conn_refuse(c, 400, "empty lines in place of a request", 0);
		c->forgiven = true;
		c->began_ns = 0;
		c->scan = (struct cb_head_scan){0};
		return 2;
	}
	if (head < 0)
		conn_refuse(c, 400, "a line that does not end with CR LF, or a zero byte", 0);
	else if ((size_t)head > max || (!head && len > max))
		conn_refuse(c, 431, "the request line and the headers are larger than this server takes", 0);
	else if (head)
		conn_begin(c, data, (size_t)head, len - (size_t)head);
	return head > 0 ? (size_t)head : 0;
}

static size_t conn_take_body(struct cb_conn *c, const char *data, size_t len)
{
	struct cb_http_request *rq = c->rq;
	const char *piece = data;
	size_t piece_len, used;
	ssize_t n;

	if (rq->framing.chunked) {
		n = cb_chunks_next(&c->chunks, data, len, &piece, &piece_len);
		if (n < 0) {
			conn_refuse(c, 400, "the body is not in chunks as HTTP has them", 0);
			return 0;
		}
		used = (size_t)n;
	} else {
		size_t left = (size_t)rq->framing.length - rq->body.len;

		piece_len = used = len < left ? len : left;
	}
	if (piece_len > c->server->opts.max_body - rq->body.len) {
		conn_refuse(c, 413, "the body is larger than this server takes", 0);
		return 0;
	}
	if (piece_len > c->server->opts.max_bodies - c->server->bodies) {
		conn_refuse(c, 503, "too much is being sent to this server at once", 1);
		return 0;
	}
	cb_buf_add(&rq->body, piece, piece_len);
	if (rq->body.failed) {
		conn_refuse(c, 503, "no memory", 1);
		return 0;
	}
	c->server->bodies += piece_len;
	if (rq->framing.chunked ? cb_chunks_done(&c->chunks) : rq->body.len == rq->framing.length)
		conn_handle(c);
	return used;
}

/* Bytes from the client. What is not used of them is kept for later. */
static void conn_take(struct cb_conn *c, const char *data, size_t len)
{
	size_t used = 0, n = 1;

	while (n && used < len && reads_requests(c)) {
		n = c->state == CONN_HEAD ? conn_take_head(c, data + used, len - used)
					  : conn_take_body(c, data + used, len - used);
		used += n;
	}
	if (c->state == CONN_DEAD || c->state == CONN_LINGER)
		return;
	if (c->in.len) {
		c->in.len -= used;
		memmove(c->in.data, c->in.data + used, c->in.len);
		if (!c->in.len)
			cb_buf_free(&c->in);
	} else if (used < len) {
		cb_buf_add(&c->in, data + used, len - used);
	}
}

/* --- what happens --- */

/* The client sends no more. A client may close its side and wait for the answer to what it has sent. */
static void conn_eof(struct cb_conn *c)
{
	c->eof = true;
	if (c->state == CONN_LINGER || c->state == CONN_HANDSHAKE || (c->state == CONN_HEAD && !c->began_ns))
		c->state = CONN_DEAD;
	else if (reads_requests(c))
		conn_refuse(c, 400, "the request ended early", 0);
}

/* Read once. False: no more is to be had now. */
static bool conn_fill(struct cb_conn *c)
{
	struct cb_http_server *s = c->server;
	size_t want = sizeof(s->scratch);
	ssize_t n = cb_stream_read(&c->stream, s->scratch, want);

	c->read_want = n == -EAGAIN ? c->stream.want : POLLIN;
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		conn_lost(c);
		return false;
	}
	if (!n) {
		conn_eof(c);
		return false;
	}
	if (c->state == CONN_LINGER) {
		c->taken += (size_t)n;
		if (c->taken > MAX_DISCARD)
			c->state = CONN_DEAD;
	} else if (c->in.len || !reads_requests(c)) {
		cb_buf_add(&c->in, s->scratch, (size_t)n);
		if (reads_requests(c))
			conn_take(c, c->in.data, c->in.len);
	} else {
		conn_take(c, s->scratch, (size_t)n);
	}
	if (c->in.failed)
		conn_lost(c);
	/* the socket tells of what is left in it, but not of what TLS holds */
	return c->state != CONN_DEAD && (c->stream.ssl ? cb_stream_pending(&c->stream) : (size_t)n == want);
}

static void conn_handshake(struct cb_conn *c)
{
	bool failed = false;
	int err = cb_stream_handshake(&c->stream);

	if (err == -EAGAIN)
		return;
	if (err == -EPROTO) {
		/* the alert that says why is on its way, and a client of TLS 1.3 may have sent its request already */
		cb_stream_drop_tls(&c->stream);
		conn_close(c);
		return;
	}
	if (!err && c->server->opts.tls_client_ca)
		c->subject = cb_tls_subject(c->stream.ssl, &failed);
	c->state = err || failed ? CONN_DEAD : CONN_HEAD;
}

static bool conn_may_read(const struct cb_conn *c)
{
	if (c->eof)
		return false;
	return reads_requests(c) || c->state == CONN_LINGER || (c->state == CONN_HANDLING && c->in.len < MAX_AHEAD);
}

static enum cb_wait waits_for(const struct cb_conn *c)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
		return WAIT_IDLE;
	case CONN_HEAD:
		return c->began_ns ? WAIT_REQUEST : WAIT_IDLE;
	case CONN_BODY:
		return WAIT_REQUEST;
	case CONN_WRITING:
		return WAIT_WRITE;
	case CONN_LINGER:
		return WAIT_LINGER;
	default:
		return WAIT_NOTHING;
	}
}

static void conn_queue(struct cb_conn *c)
{
	struct cb_http_server *s = c->server;
	enum cb_wait wait = waits_for(c);
	uint64_t ms[WAITS + 1] = {
		[WAIT_IDLE] = s->opts.idle_timeout_ms,
		[WAIT_REQUEST] = s->opts.request_timeout_ms,
		[WAIT_WRITE] = s->opts.write_timeout_ms,
		[WAIT_LINGER] = LINGER_MS,
	};

	if (wait == c->wait && !c->renew)
		return;
	TAILQ_REMOVE(&s->conns[c->wait], c, link);
	c->wait = wait;
	c->renew = false;
	c->until_ns = s->now_ns + ms[wait] * 1000000;
	TAILQ_INSERT_TAIL(&s->conns[wait], c, link);
	if (wait != WAIT_NOTHING)
		cb_server_watch(s, c->until_ns);
}

static void conn_event(evutil_socket_t fd, short what, void *arg);

static void conn_listen(struct cb_conn *c)
{
	short want = 0, events;

	if (c->state == CONN_WRITING || c->state == CONN_HANDSHAKE)
		want = c->stream.want;
	else if (conn_may_read(c))
		want = c->read_want;
	events = want == POLLOUT ? EV_WRITE : want ? EV_READ : 0;
	if (events == c->listening)
		return;
	event_del(&c->event);
	c->listening = events;
	event_assign(&c->event, c->server->base, c->stream.fd, (short)(events | EV_PERSIST), conn_event, c);
	if (events && event_add(&c->event, NULL))
		conn_lost(c);
}

/* Says what to wait for; or frees, and returns false. */
static bool conn_settle(struct cb_conn *c)
{
	if (c->state != CONN_DEAD)
		conn_listen(c);
	c->busy = false;
	if (c->state == CONN_DEAD) {
		conn_free(c);
		return false;
	}
	conn_queue(c);
	return true;
}

/* Go on as far as it goes. readable: there may be something to read. */
static void conn_run(struct cb_conn *c, bool readable)
{
	struct cb_http_server *s = c->server;
	bool again = false;

	c->busy = true;
	s->running++;
	if (c->state == CONN_HANDSHAKE)
		conn_handshake(c);
	if (c->state == CONN_WRITING)
		readable = !conn_write(c) && cb_stream_pending(&c->stream);
	/* what came ahead, before what comes now */
	if (c->in.len && reads_requests(c))
		conn_take(c, c->in.data, c->in.len);
	if (c->eof && reads_requests(c))
		conn_eof(c);
	for (int i = 0; readable && !again && conn_may_read(c); i++) {
		readable = conn_fill(c);
		again = i == READS_AT_ONCE;
	}
	if (s->stopping && waits_for(c) == WAIT_IDLE) {
		cb_stream_end(&c->stream);
		c->state = CONN_DEAD;
	}
	if (conn_settle(c) && again)
		event_active(&c->event, EV_READ, 1);
	s->running--;
}

static void conn_event(evutil_socket_t fd, short what, void *arg)
{
	struct cb_conn *c = arg;

	cb_server_now(c->server);
	conn_run(c, true);
}

bool cb_conn_answer(struct cb_conn *c)
{
	struct cb_http_server *s = c->server;
	bool waits;

	c->state = CONN_WRITING;
	c->stream.want = POLLOUT;
	c->taken = 0;
	cb_server_now(s);
	if (c->busy)
		return conn_write(c);
	if (s->running) {
		/* out of another connection's handler: later, or a chain of them could use up the stack */
		event_active(&c->event, EV_WRITE, 1);
		return true;
	}
	c->busy = true;
	s->running++;
	waits = conn_write(c);
	s->running--;
	if (waits)
		return conn_settle(c);
	conn_run(c, cb_stream_pending(&c->stream));
	return false;
}

void cb_conn_fail(struct cb_conn *c)
{
	c->state = CONN_WRITING;
	conn_lost(c);
	if (!c->busy)
		conn_settle(c);
}

void cb_conn_timeout(struct cb_conn *c)
{
	c->busy = true;
	if (c->wait == WAIT_REQUEST) {
		conn_refuse(c, 408, "the request did not come in time", 0);
	} else {
		if (c->wait == WAIT_IDLE)
			cb_stream_end(&c->stream);
		conn_lost(c);
	}
	c->busy = false;
	conn_run(c, false);
}

void cb_conn_stop(struct cb_conn *c)
{
	/* a request that has come meanwhile is one that is there */
	if (!c->busy && c->wait == WAIT_IDLE)
		conn_run(c, true);
}

void cb_conn_kill(struct cb_conn *c)
{
	conn_lost(c);
	conn_free(c);
}

static void peer_text(char *out, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in6 *v6 = (const void *)peer;
	const struct sockaddr_in *v4 = (const void *)peer;

	*out = '\0';
	if (peer->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) /* an IPv4 client on a socket for both */
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN);
}

void cb_conn_new(struct cb_http_server *s, int fd, const struct sockaddr_storage *peer)
{
	struct cb_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->stream.fd = fd;
	c->state = s->tls ? CONN_HANDSHAKE : CONN_HEAD;
	c->stream.want = c->read_want = POLLIN;
	event_assign(&c->event, s->base, fd, EV_PERSIST, conn_event, c);
	c->wait = WAIT_NOTHING;
	peer_text(c->peer, peer);
	TAILQ_INSERT_TAIL(&s->conns[WAIT_NOTHING], c, link);
	s->connections++;
	if (s->tls && cb_stream_tls(&c->stream, s->tls, s->bio, NULL)) {
		conn_free(c);
		return;
	}
	conn_settle(c);
}
