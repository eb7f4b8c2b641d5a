/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * store.h - outcomes by key, for longer than this process lives: a directory of this machine, or a Redis that several
 * servers share.
 *
 * The second level of the cache. What is in it carries its own digest, so that what is damaged counts as absent. A Redis that
 * is gone is an empty cache that keeps nothing, until it is back: nobody waits for it.
 */
#ifndef CB_SERVICE_STORE_H
#define CB_SERVICE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "compile/cache.h"

struct event_base;
struct cb_redis;

struct cb_store_counts {
	uint64_t hits, misses, damaged, errors /* of the connection */;
};

struct cb_store {
	struct cb_cache dir;	/* .dir is "" when there is none */
	struct cb_redis *redis; /* NULL: none */
	struct cb_store_counts counts;
};

/* data: NULL when there is no such entry. */
typedef void (*cb_store_got)(void *ctx, const void *data, size_t len);

/* where: a directory, "redis://[USER][:PASSWORD]@HOST[:PORT][/DATABASE]", or NULL: nothing is kept. */
int cb_store_open(struct cb_store *s, struct event_base *base, const char *where, uint64_t max_bytes, struct cb_err *e);
void cb_store_close(struct cb_store *s);
/* got() is called once, perhaps before this returns. */
void cb_store_get(struct cb_store *s, const char *key, cb_store_got got, void *ctx);
/* Into Redis. Into the directory workers write, because that may take a while. */
void cb_store_put(struct cb_store *s, const char *key, const void *data, size_t len);
/* Can it be asked just now? */
bool cb_store_is_up(const struct cb_store *s);

#endif
