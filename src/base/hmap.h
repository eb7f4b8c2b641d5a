/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * hmap.h - a hash map from byte strings to pointers.
 *
 * A zeroed struct cb_hmap is an empty map. Keys are copied; values belong to the caller, who frees them while walking
 * with cb_hmap_next() before cb_hmap_free().
 */
#ifndef CB_HMAP_H
#define CB_HMAP_H

#include <stddef.h>
#include <stdint.h>

struct cb_hmap_slot;

struct cb_hmap {
	struct cb_hmap_slot *slots;
	size_t used, cap; /* cap is zero or a power of two; at most 3/4 of it is used */
};

/* The value of this key, or NULL. */
void *cb_hmap_get(const struct cb_hmap *m, const void *key, size_t len);
/* Set; a value that was there is replaced. Returns 0 or -ENOMEM, which leaves the map as it was. value must not be
 * NULL. */
int cb_hmap_put(struct cb_hmap *m, const void *key, size_t len, void *value);
/* Walk: *pos starts at 0; returns the next value or NULL at the end. key and len may be NULL. */
void *cb_hmap_next(const struct cb_hmap *m, size_t *pos, const void **key, size_t *len);
void cb_hmap_free(struct cb_hmap *m);

/* FNV-1a, 64 bits: good enough to spread keys, not a digest against anybody. */
uint64_t cb_hash(const void *data, size_t len);

#endif
