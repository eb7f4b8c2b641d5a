// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* store.c - see store.h. */
#include "service/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/redis.h"

struct question {
	struct cb_store *store;
	cb_store_got got;
	void *ctx;
};

int cb_store_open(struct cb_store *s, struct event_base *base, const char *where, uint64_t max_bytes, struct cb_err *e)
{
	*s = (struct cb_store){.dir = {.max_bytes = max_bytes}};
	if (!where)
		return 0;
	if (!strncmp(where, "redis://", 8)) {
		s->redis = cb_redis_new(base, where, &s->counts.errors, e);
		return s->redis ? 0 : -EINVAL;
	}
	snprintf(s->dir.dir, sizeof(s->dir.dir), "%s", where);
	return 0;
}

void cb_store_close(struct cb_store *s)
{
	cb_redis_free(s->redis);
	s->redis = NULL;
}

static void get_file(struct cb_store *s, const char *key, cb_store_got got, void *ctx)
{
	struct cb_buf b = {0};
	int err = cb_cache_get(&s->dir, key, &b, NULL);

	s->counts.damaged = s->dir.damaged;
	*(err ? &s->counts.misses : &s->counts.hits) += 1;
	got(ctx, err ? NULL : b.data, err ? 0 : b.len);
	cb_buf_free(&b);
}

static void on_redis(void *ctx, const void *entry, size_t entry_len)
{
	struct question *q = ctx;
	struct cb_store_counts *counts = &q->store->counts;
	size_t len = 0;
	const void *data = entry ? cb_cache_unwrap(entry, entry_len, &len) : NULL;

	counts->damaged += entry && !data;
	*(data ? &counts->hits : &counts->misses) += 1;
	q->got(q->ctx, data, len);
	free(q);
}

void cb_store_get(struct cb_store *s, const char *key, cb_store_got got, void *ctx)
{
	struct question *q;

	if (*s->dir.dir) {
		get_file(s, key, got, ctx);
		return;
	}
	q = s->redis ? malloc(sizeof(*q)) : NULL;
	if (!q) {
		got(ctx, NULL, 0);
		return;
	}
	*q = (struct question){s, got, ctx};
	cb_redis_get(s->redis, key, on_redis, q);
}

void cb_store_put(struct cb_store *s, const char *key, const void *data, size_t len)
{
	struct cb_buf entry = {0};

	if (!s->redis)
		return;
	cb_cache_wrap(&entry, data, len);
	if (!entry.failed)
		cb_redis_put(s->redis, key, entry.data, entry.len);
	cb_buf_free(&entry);
}

bool cb_store_is_up(const struct cb_store *s)
{
	return *s->dir.dir || (s->redis && cb_redis_is_up(s->redis));
}
