/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * table.h - a hash table of things that hold their own node, by keys of 32 bytes (SHA-256); entries can go again.
 *
 * The table owns nothing: a node is a member of the caller's struct. Chains are spread by a random seed, so that nobody
 * can choose digests that fall into one.
 */
#ifndef CB_SERVICE_TABLE_H
#define CB_SERVICE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct cb_node {
	struct cb_node *next;
	unsigned char key[CB_SHA256];
};

struct cb_table {
	struct cb_node **heads;
	size_t cap, used; /* cap is zero or a power of two */
	uint64_t seed;
};

#define CB_CONTAINER(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

struct cb_node *cb_table_get(const struct cb_table *t, const unsigned char key[CB_SHA256]);
/* Put a node whose key is set and in no table; 0 or -ENOMEM. */
int cb_table_put(struct cb_table *t, struct cb_node *n);
/* Take it out; it must be in. */
void cb_table_del(struct cb_table *t, struct cb_node *n);
/* Any node, or NULL when there is none: for emptying a table. */
struct cb_node *cb_table_any(const struct cb_table *t);
/* Frees the table's own memory. */
void cb_table_free(struct cb_table *t);

#endif
