// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* ready.c - see ready.h. */
#include "service/ready.h"

#include <stdlib.h>
#include <string.h>

enum { SHARE = 4 /* one answer may fill at most this part of the room */ };

static size_t cost(const struct cb_answer *a)
{
	return a->len + sizeof(*a) + sizeof(struct cb_node *);
}

struct cb_answer *cb_answer_new(int status, const char *type, char *body, size_t len)
{
	struct cb_answer *a = body ? calloc(1, sizeof(*a)) : NULL;

	if (!a) {
		free(body);
		return NULL;
	}
	a->status = status;
	a->type = type;
	a->body = body;
	a->len = len;
	a->users = 1;
	return a;
}

struct cb_answer *cb_answer_use(struct cb_answer *a)
{
	a->users++;
	return a;
}

void cb_answer_drop(void *answer)
{
	struct cb_answer *a = answer;

	if (--a->users)
		return;
	free(a->body);
	free(a);
}

static void link_newest(struct cb_ready *r, struct cb_answer *a)
{
	a->newer = NULL;
	a->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = a;
	r->newest = a;
}

static void unlink_answer(struct cb_ready *r, struct cb_answer *a)
{
	*(a->newer ? &a->newer->older : &r->newest) = a->older;
	*(a->older ? &a->older->newer : &r->oldest) = a->newer;
}

static void forget(struct cb_ready *r, struct cb_answer *a)
{
	cb_table_del(&r->table, &a->node);
	unlink_answer(r, a);
	r->bytes -= cost(a);
	r->entries--;
	cb_answer_drop(a);
}

struct cb_answer *cb_ready_get(struct cb_ready *r, const unsigned char key[CB_SHA256], uint64_t now_ms)
{
	struct cb_node *n = cb_table_get(&r->table, key);
	struct cb_answer *a = n ? CB_CONTAINER(n, struct cb_answer, node) : NULL;

	if (a && a->until_ms && now_ms >= a->until_ms) {
		forget(r, a);
		a = NULL;
	}
	if (!a) {
		r->misses++;
		return NULL;
	}
	r->hits++;
	unlink_answer(r, a);
	link_newest(r, a);
	return cb_answer_use(a);
}

void cb_ready_put(struct cb_ready *r, const unsigned char key[CB_SHA256], struct cb_answer *a)
{
	struct cb_node *old;

	if (cost(a) > r->max_bytes / SHARE)
		return;
	old = cb_table_get(&r->table, key);
	if (old)
		forget(r, CB_CONTAINER(old, struct cb_answer, node));
	memcpy(a->node.key, key, CB_SHA256);
	if (cb_table_put(&r->table, &a->node))
		return;
	link_newest(r, cb_answer_use(a));
	r->bytes += cost(a);
	r->entries++;
	while (r->bytes > r->max_bytes) {
		forget(r, r->oldest);
		r->evicted++;
	}
}

void cb_ready_clear(struct cb_ready *r)
{
	while (r->oldest)
		forget(r, r->oldest);
	cb_table_free(&r->table);
	r->cleared++;
}
