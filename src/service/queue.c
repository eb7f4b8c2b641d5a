// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * queue.c - see queue.h.
 *
 *   first_turn -> client A -> client C -> client F		a client stands here once, while it may run something:
 *                   |            |           |		its line is not empty and fewer than client_jobs run
 *                  head         head        head
 *                   |
 *                   ...
 *
 * cb_queue_next() takes the first client's head and puts the client behind the last.
 */
#include "service/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MAX = 4096 /* clients without requests that are remembered */ };

/* ---- Clients ---------------------------------------------------------------------------------------------------- */

static void idle_add(struct cb_queue *q, struct cb_client *c)
{
	c->newer = NULL;
	c->older = q->newest;
	*(q->newest ? &q->newest->newer : &q->oldest) = c;
	q->newest = c;
	q->idle++;
}

static void idle_del(struct cb_queue *q, struct cb_client *c)
{
	*(c->newer ? &c->newer->older : &q->newest) = c->older;
	*(c->older ? &c->older->newer : &q->oldest) = c->newer;
	q->idle--;
}

static void forget(struct cb_queue *q, struct cb_client *c)
{
	idle_del(q, c);
	cb_table_del(&q->clients, &c->node);
	free(c);
}

struct cb_client *cb_client_get(struct cb_queue *q, char kind, const char *name)
{
	char id[1024];
	unsigned char key[CB_SHA256];
	struct cb_node *n;
	struct cb_client *c;

	snprintf(id, sizeof(id), "%c%s", kind, name);
	cb_sha256(id, strlen(id), key);
	n = cb_table_get(&q->clients, key);
	if (n) {
		c = CB_CONTAINER(n, struct cb_client, node);
		if (!c->users++)
			idle_del(q, c);
		return c;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	memcpy(c->node.key, key, sizeof(key));
	if (cb_table_put(&q->clients, &c->node)) {
		free(c);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->tokens = q->limits.burst;
	c->users = 1;
	return c;
}

void cb_client_put(struct cb_queue *q, struct cb_client *c)
{
	if (--c->users)
		return;
	idle_add(q, c);
	if (q->idle > IDLE_MAX)
		forget(q, q->oldest);
}

uint64_t cb_queue_take_token(struct cb_queue *q, struct cb_client *c, uint64_t now_ms)
{
	const struct cb_limits *l = &q->limits;

	if (l->rate <= 0)
		return 0;
	if (c->counted_ms && now_ms > c->counted_ms)
		c->tokens += (double)(now_ms - c->counted_ms) / 1000 * l->rate;
	if (c->tokens > l->burst)
		c->tokens = l->burst;
	c->counted_ms = now_ms;
	if (c->tokens >= 1) {
		c->tokens -= 1;
		return 0;
	}
	return (uint64_t)((1 - c->tokens) / l->rate * 1000) + 1;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

/* Give the client a turn if it may run something and has none. */
static void want_turn(struct cb_queue *q, struct cb_client *c)
{
	if (c->has_turn || !c->head || (q->limits.client_jobs && c->running >= q->limits.client_jobs))
		return;
	c->has_turn = true;
	c->next_turn = NULL;
	*(q->last_turn ? &q->last_turn->next_turn : &q->first_turn) = c;
	q->last_turn = c;
}

static void lose_turn(struct cb_queue *q, struct cb_client *c)
{
	struct cb_client **at = &q->first_turn, *before = NULL;

	while (*at != c) {
		before = *at;
		at = &before->next_turn;
	}
	*at = c->next_turn;
	if (q->last_turn == c)
		q->last_turn = before;
	c->has_turn = false;
}

static void line_del(struct cb_queue *q, struct cb_place *p)
{
	struct cb_client *c = p->client;

	*(p->prev ? &p->prev->next : &c->head) = p->next;
	*(p->next ? &p->next->prev : &c->tail) = p->prev;
	c->waiting--;
	q->waiting--;
	q->bytes -= p->bytes;
}

enum cb_verdict cb_queue_add(struct cb_queue *q, struct cb_client *c, struct cb_place *p, size_t bytes)
{
	const struct cb_limits *l = &q->limits;

	if (c->waiting >= l->client_queue)
		return CB_CLIENT_FULL;
	if (q->waiting >= l->queue || bytes > l->queue_bytes - q->bytes)
		return CB_SERVER_FULL;
	*p = (struct cb_place){.prev = c->tail, .client = c, .bytes = bytes, .state = CB_WAITING};
	*(c->tail ? &c->tail->next : &c->head) = p;
	c->tail = p;
	c->waiting++;
	q->waiting++;
	q->bytes += bytes;
	want_turn(q, c);
	return CB_ADMITTED;
}

struct cb_place *cb_queue_next(struct cb_queue *q)
{
	struct cb_client *c = q->first_turn;
	struct cb_place *p;

	if (!c)
		return NULL;
	lose_turn(q, c);
	p = c->head;
	line_del(q, p);
	p->state = CB_RUNNING;
	c->running++;
	q->running++;
	want_turn(q, c);
	return p;
}

void cb_queue_leave(struct cb_queue *q, struct cb_place *p)
{
	struct cb_client *c = p->client;

	if (p->state == CB_WAITING) {
		line_del(q, p);
		if (!c->head && c->has_turn)
			lose_turn(q, c);
	} else if (p->state == CB_RUNNING) {
		c->running--;
		q->running--;
		want_turn(q, c);
	}
	p->state = CB_OUTSIDE;
}

void cb_queue_free(struct cb_queue *q)
{
	while (q->oldest)
		forget(q, q->oldest);
	cb_table_free(&q->clients);
}
