// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * server.c - see server.h: listening, accepting, time, stopping. What happens on a connection is in conn.c.
 *
 * libevent gives the loop, its timers and the readiness of sockets. Its evhttp is not used: docs/decisions.md says why.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/conn.h"
#include "http/tls.h"

enum {
	BACKLOG = 4096,	     /* clients that wait unaccepted; the kernel's somaxconn may be less */
	ACCEPT_AT_ONCE = 64, /* then the connections that are there get their turn */
	RETRY_MS = 100,	     /* after descriptors or memory ran out */
	CLOCK_STEP_MS = 20,  /* the clock goes off no more often: that late a time-out may be */
};

/* --- time --- */

uint64_t cb_server_now(struct cb_http_server *s)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	s->now_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return s->now_ns;
}

static void set_timer(struct event *timer, uint64_t ns)
{
	struct timeval tv = {(time_t)(ns / 1000000000), (suseconds_t)(ns % 1000000000 / 1000)};

	event_add(timer, &tv);
}

void cb_server_watch(struct cb_http_server *s, uint64_t until_ns)
{
	uint64_t earliest = s->now_ns + CLOCK_STEP_MS * 1000000ull;

	if (until_ns < earliest)
		until_ns = earliest;
	if (s->clock_ns && s->clock_ns <= until_ns)
		return;
	s->clock_ns = until_ns;
	set_timer(&s->clock, until_ns - s->now_ns);
}

static void on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct cb_http_server *s = arg;
	uint64_t now = cb_server_now(s);
	struct cb_conn *c;

	s->clock_ns = 0;
	for (int wait = 0; wait < WAITS; wait++) {
		while ((c = TAILQ_FIRST(&s->conns[wait])) && c->until_ns <= now)
			cb_conn_timeout(c);
		if (c)
			cb_server_watch(s, c->until_ns);
	}
}

/* --- accepting --- */

static void accept_again(struct cb_http_server *s)
{
	if (s->accepting || s->stopping)
		return;
	s->accepting = true;
	evtimer_del(&s->retry);
	for (size_t i = 0; i < s->n_listeners; i++)
		event_add(&s->listeners[i].event, NULL);
}

/* Clients wait in the kernel's queue. */
static void accept_no_more(struct cb_http_server *s)
{
	s->accepting = false;
	for (size_t i = 0; i < s->n_listeners; i++)
		event_del(&s->listeners[i].event);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct cb_http_server *s = arg;

	if (s->connections < s->opts.max_connections)
		accept_again(s);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct cb_http_server *s = ((struct cb_listener *)arg)->server;
	struct sockaddr_storage peer;

	cb_server_now(s);
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		socklen_t len = sizeof(peer);
		int fd;

		if (s->connections >= s->opts.max_connections) {
			accept_no_more(s);
			return;
		}
		fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			cb_conn_new(s, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* the listener stays readable: to ask again at once would only burn time */
			accept_no_more(s);
			set_timer(&s->retry, RETRY_MS * 1000000ull);
			return;
		} else if (errno == EAGAIN) {
			return;
		} /* any other error is of that one client, who is gone */
	}
}

void cb_server_less(struct cb_http_server *s)
{
	if (s->connections < s->opts.max_connections)
		accept_again(s);
	if (s->stopping && !s->connections && LIST_EMPTY(&s->requests))
		event_active(&s->drained, EV_TIMEOUT, 1);
}

/* --- listening --- */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
	bool both; /* IPv4 as well */
};

static int parse_address(const char *text, struct address *a, struct cb_err *e)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN + 2] = "";
	uint64_t port;

	*a = (struct address){.len = sizeof(a->v6)};
	if (!colon || len >= sizeof(host) || !cb_wire_number(colon + 1, 65535, &port))
		return cb_fail(e, EINVAL, "%s: an address to listen on is ADDRESS:PORT, [IPV6]:PORT or :PORT", text);
	memcpy(host, text, len);
	if (!len) {
		a->both = true;
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons((uint16_t)port);
		return 0;
	}
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1)
			return 0;
	} else {
		a->len = sizeof(a->v4);
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1)
			return 0;
	}
	return cb_fail(e, EINVAL, "%s: %s is not a numeric address", text, host);
}

static int open_listener(const struct address *a)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, only6 = !a->both,
	    err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* inherited by what is accepted: the end of an answer does not wait for the client's acknowledgements */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6));
	if (!bind(fd, &a->any, a->len) && !listen(fd, BACKLOG))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static int listen_on(struct cb_http_server *s, struct cb_listener *l, const char *text, struct cb_err *e)
{
	struct address a;
	int err = parse_address(text, &a, e), fd;

	if (err)
		return err;
	fd = open_listener(&a);
	if (a.both && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		/* a kernel without IPv6 */
		a.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = a.v6.sin6_port};
		a.len = sizeof(a.v4);
		fd = open_listener(&a);
	}
	if (fd < 0)
		return cb_fail(e, -fd, "cannot listen on %s: %s", text, strerror(-fd));
	getsockname(fd, &a.any, &a.len);
	l->fd = fd;
	l->port = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	l->server = s;
	event_assign(&l->event, s->base, fd, EV_READ | EV_PERSIST, on_accept, l);
	return event_add(&l->event, NULL) ? cb_fail(e, ENOMEM, "no memory to listen on %s", text) : 0;
}

static void close_listeners(struct cb_http_server *s)
{
	accept_no_more(s);
	for (size_t i = 0; i < s->n_listeners; i++)
		close(s->listeners[i].fd);
	s->n_listeners = 0;
}

static int listen_all(struct cb_http_server *s, const char *const *listen, struct cb_err *e)
{
	size_t n = 0;
	int err = 0;

	while (listen && listen[n])
		n++;
	if (!n)
		return cb_fail(e, EINVAL, "no address to listen on");
	s->listeners = calloc(n, sizeof(*s->listeners));
	if (!s->listeners)
		return cb_fail(e, ENOMEM, "no memory for a server");
	s->accepting = true;
	for (size_t i = 0; i < n && !err; i++) {
		s->listeners[i].fd = -1;
		err = listen_on(s, &s->listeners[i], listen[i], e);
		s->n_listeners += s->listeners[i].fd >= 0;
	}
	return err;
}

/* --- the server --- */

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct cb_http_server *s = arg;
	void (*call)(void *) = s->on_drained;

	s->on_drained = NULL;
	if (call)
		call(s->drained_ctx);
}

static void set_defaults(struct cb_http_server_opts *o)
{
	o->listen = NULL;
	o->max_body = o->max_body ? o->max_body : 8 << 20;
	o->max_bodies = o->max_bodies ? o->max_bodies : 256 << 20;
	o->max_head = o->max_head ? o->max_head : 16 << 10;
	o->max_connections = o->max_connections ? o->max_connections : 10000;
	o->request_timeout_ms = o->request_timeout_ms ? o->request_timeout_ms : 10000;
	o->idle_timeout_ms = o->idle_timeout_ms ? o->idle_timeout_ms : 60000;
	o->write_timeout_ms = o->write_timeout_ms ? o->write_timeout_ms : 30000;
}

static bool keep_path(char **copy, const char **path)
{
	if (*path)
		*copy = strdup(*path);
	if (*path && !*copy)
		return false;
	*path = *copy;
	return true;
}

static int set_up_tls(struct cb_http_server *s, struct cb_err *e)
{
	struct cb_http_server_opts *o = &s->opts;

	if (!keep_path(&s->tls_cert, &o->tls_cert) || !keep_path(&s->tls_key, &o->tls_key) ||
	    !keep_path(&s->tls_client_ca, &o->tls_client_ca))
		return cb_fail(e, ENOMEM, "no memory for a server");
	if (!o->tls_cert)
		return o->tls_key || o->tls_client_ca ? cb_fail(e, EINVAL, "TLS needs a certificate of the server's")
						      : 0;
	s->bio = cb_stream_bio_new();
	if (!s->bio)
		return cb_fail(e, ENOMEM, "no memory for a server");
	s->tls = cb_tls_server(o->tls_cert, o->tls_key, o->tls_client_ca, e);
	return s->tls ? 0 : -EINVAL;
}

struct cb_http_server *cb_http_server_new(struct event_base *base, const struct cb_http_server_opts *opts,
					  struct cb_err *e)
{
	struct cb_http_server *s = calloc(1, sizeof(*s));

	if (!s) {
		cb_fail(e, ENOMEM, "no memory for a server");
		return NULL;
	}
	s->base = base;
	s->opts = *opts;
	set_defaults(&s->opts);
	for (int i = 0; i <= WAITS; i++)
		TAILQ_INIT(&s->conns[i]);
	LIST_INIT(&s->requests);
	evtimer_assign(&s->clock, base, on_clock, s);
	evtimer_assign(&s->retry, base, on_retry, s);
	evtimer_assign(&s->drained, base, on_drained, s);
	if (!set_up_tls(s, e) && !listen_all(s, opts->listen, e))
		return s;
	cb_http_server_free(s);
	return NULL;
}

int cb_http_server_reload(struct cb_http_server *s, struct cb_err *e)
{
	SSL_CTX *tls;

	if (!s->tls)
		return 0;
	tls = cb_tls_server(s->tls_cert, s->tls_key, s->tls_client_ca, e);
	if (!tls)
		return -EINVAL;
	/* connections hold the one that they began with */
	SSL_CTX_free(s->tls);
	s->tls = tls;
	return 0;
}

unsigned cb_http_server_port(const struct cb_http_server *s, size_t i)
{
	return i < s->n_listeners ? s->listeners[i].port : 0;
}

unsigned cb_http_server_connections(const struct cb_http_server *s)
{
	return s->connections;
}

void cb_http_server_stop(struct cb_http_server *s, void (*drained)(void *ctx), void *ctx)
{
	struct cb_conn *c;

	s->on_drained = drained;
	s->drained_ctx = ctx;
	if (!s->stopping) {
		/* who connected before is there too */
		for (size_t i = 0; i < s->n_listeners; i++)
			on_accept(s->listeners[i].fd, EV_READ, &s->listeners[i]);
		s->stopping = true;
		close_listeners(s);
	}
	do {
		TAILQ_FOREACH(c, &s->conns[WAIT_IDLE], link)
		if (!c->busy)
			break;
		if (c)
			cb_conn_stop(c);
	} while (c);
	cb_server_less(s);
}

void cb_http_server_free(struct cb_http_server *s)
{
	struct cb_http_request *rq;
	struct cb_conn *c;

	if (!s)
		return;
	s->stopping = true;
	close_listeners(s);
	for (int wait = 0; wait <= WAITS; wait++)
		while ((c = TAILQ_FIRST(&s->conns[wait])))
			cb_conn_kill(c);
	while ((rq = LIST_FIRST(&s->requests))) {
		LIST_REMOVE(rq, link);
		rq->server = NULL;
	}
	event_del(&s->clock);
	event_del(&s->retry);
	event_del(&s->drained);
	SSL_CTX_free(s->tls);
	BIO_meth_free(s->bio);
	free(s->listeners);
	free(s->tls_cert);
	free(s->tls_key);
	free(s->tls_client_ca);
	free(s);
}
