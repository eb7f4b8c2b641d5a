/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * index.h - the BTF of one kernel with an index of its names, in one file that is mapped and not read.
 *
 * Made once for each digest and kept in the cache; opening one that is there takes microseconds. The BTF inside has been
 * checked: every id, name and chain, so that whoever uses it need not.
 */
#ifndef CB_BTF_INDEX_H
#define CB_BTF_INDEX_H

#include <linux/btf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "btf/bytes.h"

struct cb_btf_index {
	struct cb_btf_view view;
	const void *btf; /* the raw BTF: btf_size bytes */
	size_t btf_size;
	char digest[CB_SHA256_HEX]; /* of the raw BTF */
	uint32_t count; /* of types, with void */
	const uint32_t *offsets; /* of a type in view.types, by id */
	/* private */
	const void *map;
	size_t map_size;
	const uint32_t *buckets, *next;
	uint32_t nbuckets;
};

/* Of the BTF at path (as cb_btf_kernel_path() gives it). cache_dir: where index files are kept (see cb_cache_dir()); where it
 * cannot be written, the index is made in memory. -ENOENT the kernel has no BTF; -EINVAL corrupt; -ENOMEM. */
int cb_btf_index_open(const char *path, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
/* Of raw BTF in memory, kept in the cache as well. */
int cb_btf_index_make(const void *btf, size_t size, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
/* One that is in the cache by its digest; -ENOENT. */
int cb_btf_index_find_digest(const char *digest, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
void cb_btf_index_close(struct cb_btf_index *ix);

static inline const struct btf_type *cb_btf_index_type(const struct cb_btf_index *ix, uint32_t id)
{
	return (const struct btf_type *)(ix->view.types + ix->offsets[id]);
}

/* The types that are called name (len bytes, not terminated), of any kind, in the order of their ids: the first with an id
 * above `after` (0: the first of all); 0 when there are no more. Enumerators are names too: their enum is found by them. */
uint32_t cb_btf_index_named(const struct cb_btf_index *ix, const char *name, size_t len, uint32_t after);

#endif
