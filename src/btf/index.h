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

struct cb_btf_index_name;

/* What is known of a type beforehand. */
enum {
	CB_BTF_ALIGN = 0x0f,	   /* its alignment in bytes: see cb_btf_check() */
	CB_BTF_NOT_FIRST = 0x40,   /* there is a type of a lower id that has its name, in the same space of names */
	CB_BTF_VALUE_TWICE = 0x80, /* the same for one of an enum's values */
};

/* C keeps struct foo apart from a typedef foo. */
enum cb_btf_space {
	CB_BTF_TAGS,	/* structs, unions, enums; not what is only declared */
	CB_BTF_IDENTS,	/* typedefs, enumerators */
	CB_BTF_FORWARD, /* structs and unions that are only declared */
};

struct cb_btf_index {
	struct cb_btf_view view;
	const void *btf; /* btf_size bytes, in this machine's byte order */
	size_t btf_size;
	char digest[CB_SHA256_HEX]; /* of the raw BTF as it came */
	uint32_t count;		    /* of types, with void */
	const uint32_t *offsets;    /* of a type in view.types, by id; [0] is not used */
	const uint8_t *marks;	    /* CB_BTF_*, by id */
	/* private */
	const void *map;
	size_t map_size;
	const uint32_t *buckets; /* nbuckets + 1 positions in names */
	const struct cb_btf_index_name *names;
	uint32_t nbuckets; /* a power of two */
};

/* Of the BTF at path (as cb_btf_kernel_path() gives it). cache_dir: where index files are kept (see cb_cache_dir()); where it
 * cannot be written, the index is made in memory. -ENOENT the kernel has no BTF; -EINVAL corrupt; -ENOMEM. */
int cb_btf_index_open(const char *path, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
/* Of raw BTF in memory (aligned to 4), kept in the cache as well; NULL for cache_dir: not kept. */
int cb_btf_index_make(const void *btf, size_t size, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
/* One that is in the cache by its digest; -ENOENT. */
int cb_btf_index_find_digest(const char *digest, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e);
void cb_btf_index_close(struct cb_btf_index *ix);

static inline const struct btf_type *cb_btf_index_type(const struct cb_btf_index *ix, uint32_t id)
{
	static const struct btf_type nothing; /* void */

	return id ? (const struct btf_type *)(ix->view.types + ix->offsets[id]) : &nothing;
}

/* The types that are called name (len bytes, not terminated), of any kind, in the order of their ids: the first with an id
 * above `after` (0: the first of all); 0 when there are no more. Enumerators are names too: their enum is found by them.
 * Functions and variables are not looked for. */
uint32_t cb_btf_index_named(const struct cb_btf_index *ix, const char *name, size_t len, uint32_t after);

/* The first of this name in one space: the one that C written from this BTF means by it, the others being called NAME___2,
 * NAME___3; 0 when there is none. hash is that of cb_btf_name_hash(). */
uint32_t cb_btf_index_first(const struct cb_btf_index *ix, uint32_t hash, const char *name, size_t len,
			    enum cb_btf_space space);

/* How many types of lower ids have this name in this space (enumerators: their enums). */
uint32_t cb_btf_index_before(const struct cb_btf_index *ix, const char *name, enum cb_btf_space space, uint32_t id);

static inline unsigned cb_btf_index_align(const struct cb_btf_index *ix, uint32_t id)
{
	return id ? ix->marks[id] & CB_BTF_ALIGN : 1;
}

/* In bytes; see cb_btf_size(). */
uint64_t cb_btf_index_size(const struct cb_btf_index *ix, uint32_t id);

/* FNV-1a, 32 bits. */
static inline uint32_t cb_btf_name_hash(const char *name, size_t len)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619;
	return hash;
}

#endif
