// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* table.c - see table.h. */
#include "service/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST = 64 };

static struct cb_node **head(const struct cb_table *t, const unsigned char *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	/* the high bits of a product with an odd secret */
	return &t->heads[((h * t->seed) >> 32) & (t->cap - 1)];
}

struct cb_node *cb_table_get(const struct cb_table *t, const unsigned char key[CB_SHA256])
{
	struct cb_node *n = t->cap ? *head(t, key) : NULL;

	while (n && memcmp(n->key, key, CB_SHA256))
		n = n->next;
	return n;
}

static int grow(struct cb_table *t)
{
	struct cb_table bigger = {.cap = t->cap ? 2 * t->cap : FIRST, .used = t->used, .seed = t->seed};

	bigger.heads = calloc(bigger.cap, sizeof(struct cb_node *));
	if (!bigger.heads)
		return -ENOMEM;
	if (!bigger.seed && getrandom(&bigger.seed, sizeof(bigger.seed), 0) < 0)
		bigger.seed = 0x9e3779b97f4a7c15;
	bigger.seed |= 1;
	for (size_t i = 0; i < t->cap; i++)
		for (struct cb_node *n = t->heads[i], *next; n; n = next) {
			struct cb_node **to = head(&bigger, n->key);

			next = n->next;
			n->next = *to;
			*to = n;
		}
	free(t->heads);
	*t = bigger;
	return 0;
}

int cb_table_put(struct cb_table *t, struct cb_node *n)
{
	struct cb_node **to;

	/* a table that cannot grow has longer chains */
	if (t->used >= t->cap && grow(t) && !t->cap)
		return -ENOMEM;
	to = head(t, n->key);
	n->next = *to;
	*to = n;
	t->used++;
	return 0;
}

void cb_table_del(struct cb_table *t, struct cb_node *n)
{
	struct cb_node **at = head(t, n->key);

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->next = NULL;
	t->used--;
}

struct cb_node *cb_table_any(const struct cb_table *t)
{
	for (size_t i = 0; t->used && i < t->cap; i++)
		if (t->heads[i])
			return t->heads[i];
	return NULL;
}

void cb_table_free(struct cb_table *t)
{
	free(t->heads);
	*t = (struct cb_table){0};
}
