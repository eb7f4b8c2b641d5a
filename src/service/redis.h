/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * redis.h - blobs in a Redis, without waiting.
 *
 * While there is no connection, everything is absent; it is tried again after 100 ms, then ever later, up to 5 s. Entries go
 * after CB_REDIS_DAYS, or before when Redis has a maxmemory-policy that says so (allkeys-lru is right for it).
 */
#ifndef CB_SERVICE_REDIS_H
#define CB_SERVICE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct cb_redis;

enum { CB_REDIS_DAYS = 7, CB_REDIS_TIMEOUT_MS = 1000, CB_REDIS_ENTRY_MAX = 16 << 20 };

/* errors: counts connections that failed or broke, and answers that are errors. NULL with the sentence when url is none. */
struct cb_redis *cb_redis_new(struct event_base *base, const char *url, uint64_t *errors, struct cb_err *e);
void cb_redis_free(struct cb_redis *r);
bool cb_redis_is_up(const struct cb_redis *r);
/* got() is called once; data is NULL when there is none, or no Redis. */
void cb_redis_get(struct cb_redis *r, const char *key, void (*got)(void *ctx, const void *data, size_t len), void *ctx);
void cb_redis_put(struct cb_redis *r, const char *key, const void *data, size_t len);

#endif
