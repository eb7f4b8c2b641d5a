// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* hmap.c - open addressing with linear probing; nothing is ever deleted, so there are no tombstones. */
#include "base/hmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cb_hmap_slot {
	uint64_t hash;
	void *key; /* NULL: the slot is free */
	size_t len;
	void *value;
};

uint64_t cb_hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h ^ h >> 32;
}

/* The slot of this key, or the free slot where it would go. The map has at least one free slot. */
static struct cb_hmap_slot *find(const struct cb_hmap *m, uint64_t hash, const void *key, size_t len)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].key) {
		struct cb_hmap_slot *s = &m->slots[i];

		if (s->hash == hash && s->len == len && !memcmp(s->key, key, len))
			break;
		i = (i + 1) & (m->cap - 1);
	}
	return &m->slots[i];
}

static int grow(struct cb_hmap *m)
{
	struct cb_hmap bigger = {.used = m->used, .cap = m->cap ? m->cap * 2 : 16};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		const struct cb_hmap_slot *s = &m->slots[i];

		if (s->key)
			*find(&bigger, s->hash, s->key, s->len) = *s;
	}
	free(m->slots);
	*m = bigger;
	return 0;
}

void *cb_hmap_get(const struct cb_hmap *m, const void *key, size_t len)
{
	return m->cap ? find(m, cb_hash(key, len), key, len)->value : NULL;
}

int cb_hmap_put(struct cb_hmap *m, const void *key, size_t len, void *value)
{
	uint64_t hash = cb_hash(key, len);
	struct cb_hmap_slot *s;

	if ((m->used + 1) * 4 > m->cap * 3 && grow(m))
		return -ENOMEM;
	s = find(m, hash, key, len);
	if (!s->key) {
		s->key = malloc(len ? len : 1);
		if (!s->key)
			return -ENOMEM;
		memcpy(s->key, key, len);
		s->hash = hash;
		s->len = len;
		m->used++;
	}
	s->value = value;
	return 0;
}

void *cb_hmap_next(const struct cb_hmap *m, size_t *pos, const void **key, size_t *len)
{
	while (*pos < m->cap) {
		const struct cb_hmap_slot *s = &m->slots[(*pos)++];

		if (!s->key)
			continue;
		if (key)
			*key = s->key;
		if (len)
			*len = s->len;
		return s->value;
	}
	return NULL;
}

void cb_hmap_free(struct cb_hmap *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct cb_hmap){0};
}
