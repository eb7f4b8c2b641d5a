/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * ready.h - answers that are ready to be sent, in memory: by the digest of the request as it came, newest use first.
 *
 * The first level of the cache. What is asked for again in the same bytes is answered by one look-up and without a copy: an
 * answer is counted by its users and outlives its place here while it is being sent.
 */
#ifndef CB_SERVICE_READY_H
#define CB_SERVICE_READY_H

#include <stddef.h>
#include <stdint.h>

#include "service/table.h"

struct cb_answer {
	int status;
	const char *type; /* of the content; static text */
	char *body;	  /* malloc'd */
	size_t len;
	uint64_t until_ms; /* not used after (cb_now_ms()); 0: always good */
	/* private */
	unsigned users;
	struct cb_node node;
	struct cb_answer *newer, *older;
};

struct cb_ready {
	size_t max_bytes;
	/* private, but for reading */
	size_t bytes, entries;
	uint64_t hits, misses, evicted, cleared;
	struct cb_table table;
	struct cb_answer *newest, *oldest;
};

/* Takes the body over, with one user: the caller. NULL when there is no memory; body is freed then. */
struct cb_answer *cb_answer_new(int status, const char *type, char *body, size_t len);
struct cb_answer *cb_answer_use(struct cb_answer *a);
/* For cb_http_answer_ref() too. */
void cb_answer_drop(void *answer);

/* With one more user, or NULL. */
struct cb_answer *cb_ready_get(struct cb_ready *r, const unsigned char key[CB_SHA256], uint64_t now_ms);
/* Keep it if it is worth it; the caller stays a user. An answer stands under one key at most. */
void cb_ready_put(struct cb_ready *r, const unsigned char key[CB_SHA256], struct cb_answer *a);
/* Forget all. Who has begun before `cleared` changed is not to put what comes of it. */
void cb_ready_clear(struct cb_ready *r);

#endif
