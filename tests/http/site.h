/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * site.h - a server of ours with something on it, in a thread of the test, and plain sockets to talk to it.
 *
 * The thread owns the event loop and the server; the test tells it what to do by a byte through a pipe (site_do()), and
 * reads what it counts under a lock (site_seen()).
 */
#ifndef CB_TESTS_HTTP_SITE_H
#define CB_TESTS_HTTP_SITE_H

#include "check.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/server.h"

enum {
	HUGE_BODY = 8 << 20,
	PATIENCE_MS = 10000,
	SLACK_MS = 5000, /* that a machine with much else to do may be late */
};

struct seen {
	unsigned admitted, handled, ended, gone, released, drained;
	int status; /* of the last that ended */
	char method[16], path[64];
	size_t sent;
	uint64_t took_ns;
	unsigned connections;
	int reload; /* what the last reload gave */
};

struct site {
	struct cb_http_server_opts opts;
	struct event_base *base;
	struct cb_http_server *server;
	unsigned port, port2;
	int to_thread[2], to_test[2];
	struct event *orders;
	pthread_t thread;
	pthread_mutex_t lock;
	struct seen seen;
	struct cb_http_request *kept[64]; /* for /keep */
	unsigned n_kept;
	char *huge;
};

static inline uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- what it serves --- */

static inline void site_released(void *arg)
{
	struct site *s = arg;

	pthread_mutex_lock(&s->lock);
	s->seen.released++;
	pthread_mutex_unlock(&s->lock);
}

struct later {
	struct cb_http_request *rq;
	struct event *timer;
};

static inline void site_later(evutil_socket_t fd, short what, void *arg)
{
	struct later *l = arg;

	cb_http_answer(l->rq, 200, "text/plain", NULL, "later", 5);
	event_free(l->timer);
	free(l);
}

static inline void answer_later(struct site *s, struct cb_http_request *rq)
{
	const char *ms = cb_http_request_query(rq, "ms");
	struct later *l = calloc(1, sizeof(*l));
	int wait = ms ? atoi(ms) : 50;
	struct timeval tv = {wait / 1000, wait % 1000 * 1000};

	l->rq = rq;
	l->timer = evtimer_new(s->base, site_later, l);
	evtimer_add(l->timer, &tv);
}

static inline void answer_text(struct cb_http_request *rq, const char *text)
{
	cb_http_answer(rq, text ? 200 : 404, "text/plain", NULL, text ? text : "none", strlen(text ? text : "none"));
}

static inline void site_handle(void *ctx, struct cb_http_request *rq)
{
	static const char *const allow[] = {"Allow", "GET, HEAD", NULL}, *const evil[] = {"X-A", "b\r\nX-Evil: c",
											  NULL};
	const char *path = cb_http_request_path(rq);
	struct site *s = ctx;
	size_t len;
	const void *body = cb_http_request_body(rq, &len);

	pthread_mutex_lock(&s->lock);
	s->seen.handled++;
	pthread_mutex_unlock(&s->lock);
	cb_http_request_set_data(rq, s);
	if (!strcmp(path, "/echo"))
		cb_http_answer(rq, 200, "application/octet-stream", NULL, body, len);
	else if (!strcmp(path, "/huge"))
		cb_http_answer_ref(rq, 200, "application/octet-stream", NULL, s->huge, HUGE_BODY, site_released, s);
	else if (!strcmp(path, "/copied"))
		cb_http_answer(rq, 200, "application/octet-stream", NULL, s->huge, HUGE_BODY);
	else if (!strcmp(path, "/page"))
		cb_http_answer_ref(rq, 200, "text/plain", NULL, s->huge, 20480, NULL, NULL);
	else if (!strcmp(path, "/later"))
		answer_later(s, rq);
	else if (!strcmp(path, "/keep") && s->n_kept < 64)
		s->kept[s->n_kept++] = rq;
	else if (!strcmp(path, "/release")) { /* one handler answers the requests of others, and then its own */
		while (s->n_kept)
			answer_text(s->kept[--s->n_kept], "released");
		answer_text(rq, "done");
	} else if (!strcmp(path, "/get") && cb_http_request_method(rq) != CB_HTTP_GET &&
		   cb_http_request_method(rq) != CB_HTTP_HEAD)
		cb_http_answer(rq, 405, "text/plain", allow, "no", 2);
	else if (!strcmp(path, "/evil"))
		cb_http_answer(rq, 200, "text/plain", evil, "x", 1);
	else if (!strcmp(path, "/nothing"))
		cb_http_answer(rq, 204, NULL, NULL, NULL, 0);
	else if (!strcmp(path, "/away"))
		cb_http_answer(rq, 302, NULL, (const char *[]){"Location", cb_http_request_query(rq, "to"), NULL}, NULL,
			       0);
	else if (!strcmp(path, "/query"))
		answer_text(rq, cb_http_request_query(rq, "q"));
	else if (!strcmp(path, "/header"))
		answer_text(rq, cb_http_request_header(rq, "x-TEST"));
	else if (!strcmp(path, "/peer"))
		answer_text(rq, cb_http_request_peer(rq));
	else if (!strcmp(path, "/subject"))
		answer_text(rq, cb_http_request_subject(rq));
	else if (!strcmp(path, "/method"))
		answer_text(rq, cb_http_request_method_name(rq));
	else
		answer_text(rq, path);
}

/* "X-Refuse: STATUS" asks for it. */
static inline int site_admit(void *ctx, const struct cb_http_request *rq, const char **why, unsigned *retry_after_s)
{
	const char *refuse = cb_http_request_header(rq, "X-Refuse");
	struct site *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->seen.admitted++;
	pthread_mutex_unlock(&s->lock);
	*why = "as you asked";
	*retry_after_s = 7;
	return refuse ? atoi(refuse) : 0;
}

static inline void site_done(void *ctx, const struct cb_http_request *rq, int status, size_t sent, uint64_t took_ns)
{
	struct site *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->seen.ended++;
	s->seen.gone += !status;
	s->seen.status = status;
	s->seen.sent = sent;
	s->seen.took_ns = took_ns;
	snprintf(s->seen.method, sizeof(s->seen.method), "%s", cb_http_request_method_name(rq));
	snprintf(s->seen.path, sizeof(s->seen.path), "%s", cb_http_request_path(rq));
	pthread_mutex_unlock(&s->lock);
}

/* --- its thread --- */

static inline void site_drained(void *ctx)
{
	struct site *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->seen.drained++;
	pthread_mutex_unlock(&s->lock);
}

/* k: answer what /keep has kept; s: stop; f: free the server; r: reload; c: look; q: end */
static inline void site_order(evutil_socket_t fd, short what, void *arg)
{
	struct site *s = arg;
	char order = 0;

	if (read(fd, &order, 1) != 1)
		return;
	if (order == 'k')
		while (s->n_kept)
			answer_text(s->kept[--s->n_kept], "kept");
	else if (order == 's')
		cb_http_server_stop(s->server, site_drained, s);
	else if (order == 'r')
		s->seen.reload = cb_http_server_reload(s->server, NULL);
	else if (order == 'q')
		event_base_loopbreak(s->base);
	if (order == 'f') {
		cb_http_server_free(s->server);
		s->server = NULL;
	}
	s->seen.connections = s->server ? cb_http_server_connections(s->server) : 0;
	if (write(s->to_test[1], &order, 1) != 1)
		abort();
}

static inline void *site_thread(void *arg)
{
	struct site *s = arg;

	event_base_dispatch(s->base);
	return NULL;
}

static inline void site_do(struct site *s, char order)
{
	assert_int_equal(write(s->to_thread[1], &order, 1), 1);
	assert_int_equal(read(s->to_test[0], &order, 1), 1);
}

static inline struct seen site_seen(struct site *s)
{
	struct seen seen;

	pthread_mutex_lock(&s->lock);
	seen = s->seen;
	pthread_mutex_unlock(&s->lock);
	return seen;
}

/* Wait until so many requests have ended. */
static inline struct seen site_ended(struct site *s, unsigned n)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	while (site_seen(s).ended < n && now_ms() < until)
		usleep(1000);
	assert_true(site_seen(s).ended >= n);
	return site_seen(s);
}

static inline bool site_connections_become(struct site *s, unsigned n)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	do {
		site_do(s, 'c');
		if (s->seen.connections == n)
			return true;
		usleep(2000);
	} while (now_ms() < until);
	return false;
}

/* opts: what differs from the defaults; NULL: nothing. */
static inline struct site *site_start(const struct cb_http_server_opts *opts)
{
	static const char *const local[] = {"127.0.0.1:0", NULL};
	struct site *s = calloc(1, sizeof(*s));
	struct cb_err e = {0};

	assert_non_null(s);
	if (opts)
		s->opts = *opts;
	s->opts.listen = s->opts.listen ? s->opts.listen : local;
	s->opts.admit = site_admit;
	s->opts.handle = site_handle;
	s->opts.done = site_done;
	s->opts.ctx = s;
	s->huge = malloc(HUGE_BODY);
	for (size_t i = 0; i < HUGE_BODY; i++)
		s->huge[i] = (char)('a' + i % 23);
	pthread_mutex_init(&s->lock, NULL);
	s->base = event_base_new();
	s->server = cb_http_server_new(s->base, &s->opts, &e);
	if (!s->server)
		fail_msg("%s", e.text);
	s->port = cb_http_server_port(s->server, 0);
	s->port2 = cb_http_server_port(s->server, 1);
	assert_int_equal(pipe(s->to_thread) | pipe(s->to_test), 0);
	s->orders = event_new(s->base, s->to_thread[0], EV_READ | EV_PERSIST, site_order, s);
	event_add(s->orders, NULL);
	assert_int_equal(pthread_create(&s->thread, NULL, site_thread, s), 0);
	return s;
}

static inline void site_end(struct site *s)
{
	site_do(s, 'k');
	site_do(s, 'q');
	pthread_join(s->thread, NULL);
	cb_http_server_free(s->server);
	event_free(s->orders);
	event_base_free(s->base);
	for (int i = 0; i < 2; i++) {
		close(s->to_thread[i]);
		close(s->to_test[i]);
	}
	pthread_mutex_destroy(&s->lock);
	free(s->huge);
	free(s);
}

/* --- plain sockets --- */

static inline int call_port(unsigned port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {PATIENCE_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All until the other side closes; -1 in *len: it broke off. */
static inline char *hear_all(int fd, ssize_t *len)
{
	size_t cap = 1 << 16, used = 0;
	char *text = malloc(cap + 1);
	ssize_t n;

	while ((n = recv(fd, text + used, cap - used, 0)) > 0) {
		used += (size_t)n;
		if (used == cap)
			text = realloc(text, (cap *= 2) + 1);
	}
	text[used] = '\0';
	*len = n < 0 ? -1 : (ssize_t)used;
	return text;
}

/* One answer: its head, and as many bytes as Content-Length says; into out as one text. Returns its status, 0 when the
 * connection ended. */
static inline int hear_answer(int fd, bool head_only, char *out, size_t size)
{
	size_t used = 0, want = SIZE_MAX;
	char *body = NULL, *length;

	while (used < want && used < size - 1) {
		/* not a byte of the next answer */
		ssize_t n = recv(fd, out + used, body ? want - used : 1, 0);

		if (n <= 0)
			return 0;
		used += (size_t)n;
		out[used] = '\0';
		if (body || !(body = strstr(out, "\r\n\r\n")))
			continue;
		length = strstr(out, "Content-Length: ");
		want = used + (length && !head_only ? (size_t)atol(length + 16) : 0);
	}
	return atoi(out + strlen("HTTP/1.1 "));
}

/* Send a text on a connection of its own; what comes back until its end. The status, or 0. */
static inline int ask(unsigned port, const char *text, char *out, size_t size)
{
	int fd = call_port(port), status = 0;
	ssize_t len;
	char *answer;

	say(fd, text);
	answer = hear_all(fd, &len);
	close(fd);
	if (len > 0)
		status = atoi(answer + strlen("HTTP/1.1 "));
	if (out)
		snprintf(out, size, "%s", answer);
	free(answer);
	return status;
}

#endif
