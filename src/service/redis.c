// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * redis.c - see redis.h.
 *
 *   AWAY --resolve--> --connect, PING--> UP --error, or no answer for a second--> AWAY (tried again after the back-off)
 *
 * Commands are answered in their order, so that the first of those that wait is the oldest.
 */
#include "service/redis.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PORT = 6379,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_LAST_MS = 5000,
	CONNECT_MS = 2000,
	LOOK_MS = 100, /* at whether the oldest question is too old */
	PUTS_MAX = 64, /* that wait for Redis; others are dropped */
};

struct command {
	struct cb_redis *redis;
	void (*got)(void *ctx, const void *data, size_t len); /* NULL: a put */
	void *ctx;
	uint64_t since_ms;
	struct command *next, *prev;
};

struct cb_redis {
	struct event_base *base;
	char *url, *host, *user, *password; /* the last three within url; user and password may be NULL */
	unsigned port, database;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *resolving;
	redisAsyncContext *ac; /* NULL: away */
	bool up;
	unsigned backoff_ms, puts;
	uint64_t since_ms; /* connecting */
	struct event *timer;
	struct command *oldest, *newest;
	uint64_t *errors;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void set_timer(struct cb_redis *r, unsigned ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	event_add(r->timer, &tv);
}

/* ---- The URL ---------------------------------------------------------------------------------------------------- */

static int parse_number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v > max)
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

/* "[v6]:port" or "host:port". */
static int parse_host(struct cb_redis *r, char *text)
{
	char *port;

	if (*text == '[') {
		r->host = text + 1;
		port = strchr(text, ']');
		if (!port)
			return -EINVAL;
		*port++ = '\0';
	} else {
		r->host = text;
		port = text + strcspn(text, ":");
	}
	if (*port && *port != ':')
		return -EINVAL;
	if (*port) {
		*port++ = '\0';
		if (parse_number(port, 65535, &r->port))
			return -EINVAL;
	}
	return *r->host ? 0 : -EINVAL;
}

static int parse_url(struct cb_redis *r)
{
	char *rest = r->url + strlen("redis://"), *at = strrchr(rest, '@'), *slash;

	if (at) {
		*at = '\0';
		r->password = strchr(rest, ':');
		if (r->password)
			*r->password++ = '\0';
		r->user = *rest ? rest : NULL;
		rest = at + 1;
	}
	slash = strchr(rest, '/');
	if (slash) {
		*slash++ = '\0';
		if (*slash && parse_number(slash, 65535, &r->database))
			return -EINVAL;
	}
	r->port = PORT;
	return parse_host(r, rest);
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

static struct command *command_new(struct cb_redis *r)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->redis = r;
	c->since_ms = now_ms();
	c->prev = r->newest;
	*(r->newest ? &r->newest->next : &r->oldest) = c;
	r->newest = c;
	return c;
}

static void command_end(struct command *c, const void *data, size_t len)
{
	struct cb_redis *r = c->redis;

	*(c->prev ? &c->prev->next : &r->oldest) = c->next;
	*(c->next ? &c->next->prev : &r->newest) = c->prev;
	if (c->got)
		c->got(c->ctx, data, len);
	else
		r->puts--;
	free(c);
}

/* reply: NULL when the connection has ended. */
static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct command *c = arg;
	const redisReply *is = reply;

	if (is && is->type == REDIS_REPLY_ERROR)
		*c->redis->errors += 1;
	if (is && c->got && is->type == REDIS_REPLY_STRING)
		command_end(c, is->str, is->len);
	else
		command_end(c, NULL, 0);
}

void cb_redis_get(struct cb_redis *r, const char *key, void (*got)(void *ctx, const void *data, size_t len), void *ctx)
{
	struct command *c = r->up ? command_new(r) : NULL;

	if (!c) {
		got(ctx, NULL, 0);
		return;
	}
	c->got = got;
	c->ctx = ctx;
	if (redisAsyncCommand(r->ac, on_reply, c, "GET coolbpf:%s", key) != REDIS_OK)
		command_end(c, NULL, 0);
}

void cb_redis_put(struct cb_redis *r, const char *key, const void *data, size_t len)
{
	struct command *c;

	if (!r->up || len > CB_REDIS_ENTRY_MAX || r->puts >= PUTS_MAX)
		return;
	c = command_new(r);
	if (!c)
		return;
	r->puts++;
	if (redisAsyncCommand(r->ac, on_reply, c, "SET coolbpf:%s %b EX %d", key, data, len,
			      CB_REDIS_DAYS * 24 * 3600) != REDIS_OK)
		command_end(c, NULL, 0);
}

bool cb_redis_is_up(const struct cb_redis *r)
{
	return r->up;
}

/* ---- The connection --------------------------------------------------------------------------------------------- */

static void connect_to(struct cb_redis *r, const char *address);

static void try_later(struct cb_redis *r)
{
	*r->errors += 1;
	r->up = false;
	r->ac = NULL;
	set_timer(r, r->backoff_ms);
	r->backoff_ms *= 2;
	if (r->backoff_ms > BACKOFF_LAST_MS)
		r->backoff_ms = BACKOFF_LAST_MS;
}

static void on_setup(redisAsyncContext *ac, void *reply, void *arg)
{
	struct cb_redis *r = ac->data;
	const redisReply *is = reply;

	if (!r || !is || is->type != REDIS_REPLY_ERROR)
		return;
	*r->errors += 1;
	fprintf(stderr, "coolbpf: redis %s:%u: %s\n", r->host, r->port, is->str);
}

/* One that takes connections but does not answer is not up. */
static void on_pong(redisAsyncContext *ac, void *reply, void *arg)
{
	struct cb_redis *r = ac->data;

	if (!r || !reply)
		return;
	r->up = true;
	r->backoff_ms = BACKOFF_FIRST_MS;
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct cb_redis *r = ac->data;

	if (!r)
		return;
	if (status != REDIS_OK) { /* hiredis frees it */
		try_later(r);
		return;
	}
	if (r->password && r->user)
		redisAsyncCommand(r->ac, on_setup, NULL, "AUTH %s %s", r->user, r->password);
	else if (r->password)
		redisAsyncCommand(r->ac, on_setup, NULL, "AUTH %s", r->password);
	if (r->database)
		redisAsyncCommand(r->ac, on_setup, NULL, "SELECT %u", r->database);
	redisAsyncCommand(r->ac, on_pong, NULL, "PING");
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct cb_redis *r = ac->data;

	if (r)
		try_later(r);
}

static void connect_to(struct cb_redis *r, const char *address)
{
	redisAsyncContext *ac = redisAsyncConnect(address, (int)r->port);

	if (!ac || ac->err || redisLibeventAttach(ac, r->base) != REDIS_OK) {
		if (ac)
			redisAsyncFree(ac);
		try_later(r);
		return;
	}
	ac->data = r;
	r->ac = ac;
	r->since_ms = now_ms();
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	set_timer(r, LOOK_MS);
}

static void on_address(int result, struct evutil_addrinfo *list, void *arg)
{
	struct cb_redis *r = arg;
	char address[64];

	if (result == EVUTIL_EAI_CANCEL)
		return;
	r->resolving = NULL;
	if (result || getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST))
		try_later(r);
	else
		connect_to(r, address);
	if (list)
		evutil_freeaddrinfo(list);
}

static void resolve(struct cb_redis *r)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

	if (!r->dns)
		r->dns = evdns_base_new(r->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	/* a machine without a name server knows addresses and /etc/hosts still */
	if (!r->dns)
		r->dns = evdns_base_new(r->base, 0);
	/* NULL when it was answered at once */
	r->resolving = evdns_getaddrinfo(r->dns, r->host, NULL, &hints, on_address, r);
}

/* Away: try again. Otherwise: is there a question that has waited too long? */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cb_redis *r = arg;
	uint64_t now = now_ms();

	if (!r->ac) {
		resolve(r);
		return;
	}
	if ((!r->up && now - r->since_ms > CONNECT_MS) ||
	    (r->oldest && now - r->oldest->since_ms > CB_REDIS_TIMEOUT_MS)) {
		redisAsyncContext *ac = r->ac;

		ac->data = NULL; /* its end is no news */
		try_later(r);
		redisAsyncFree(ac); /* all that wait are told */
		return;
	}
	set_timer(r, LOOK_MS);
}

struct cb_redis *cb_redis_new(struct event_base *base, const char *url, uint64_t *errors, struct cb_err *e)
{
	struct cb_redis *r = calloc(1, sizeof(*r));

	if (r) {
		r->base = base;
		r->url = strdup(url);
		r->timer = evtimer_new(base, on_timer, r);
		r->backoff_ms = BACKOFF_FIRST_MS;
		r->errors = errors;
	}
	if (!r || !r->url || !r->timer) {
		cb_fail(e, ENOMEM, "out of memory");
		cb_redis_free(r);
		return NULL;
	}
	if (parse_url(r)) {
		cb_fail(e, EINVAL, "\"%s\" is no redis://[USER][:PASSWORD]@HOST[:PORT][/DATABASE]", url);
		cb_redis_free(r);
		return NULL;
	}
	resolve(r);
	return r;
}

void cb_redis_free(struct cb_redis *r)
{
	if (!r)
		return;
	if (r->ac) {
		r->up = false;
		r->ac->data = NULL;
		redisAsyncFree(r->ac);
	}
	if (r->resolving)
		evdns_getaddrinfo_cancel(r->resolving);
	if (r->dns)
		evdns_base_free(r->dns, 0);
	if (r->timer)
		event_free(r->timer);
	free(r->url);
	free(r);
}
