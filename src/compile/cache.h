/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cache.h - blobs by key, in a directory that several processes share.
 *
 * A key is 64 hexadecimal digits (a SHA-256 over everything that the blob depends on), so an entry is never old. Each entry
 * carries the digest of its content: one that is damaged is removed and counts as absent. When the directory holds more
 * than max_bytes, the entries that have not been used for longest go.
 *
 * A struct cb_cache is used by one thread at a time; several may be open on one directory.
 */
#ifndef CB_COMPILE_CACHE_H
#define CB_COMPILE_CACHE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct cb_cache {
	char dir[PATH_MAX - 128]; /* made when the first entry is put */
	uint64_t max_bytes;	  /* 0: no limit */
	uint64_t damaged;	  /* entries that were found damaged */
	uint64_t evicted;
	/* private */
	uint64_t bytes;	    /* in the directory when it was last measured */
	uint64_t put_bytes; /* since then, by us */
	bool measured;
};

/* 0 and the content appended to out; -ENOENT; -EINVAL not a key; -EIO and what else reading gives. Entries of other users than
 * this process's and root are taken for absent: who can plant an object in root's cache would have it loaded. */
int cb_cache_get(struct cb_cache *c, const char *key, struct cb_buf *out, struct cb_err *e);
/* Whole or not at all, whoever is killed when. A full disk is an error that leaves nothing behind. -EFBIG: alone it is larger
 * than max_bytes. */
int cb_cache_put(struct cb_cache *c, const char *key, const void *data, size_t len, struct cb_err *e);

/* An entry as bytes: a header with a magic and the SHA-256 of the content, then the content. Shared by all stores. */
void cb_cache_wrap(struct cb_buf *out, const void *data, size_t len);
/* The content inside, or NULL when it is damaged. */
const void *cb_cache_unwrap(const void *entry, size_t entry_len, size_t *len);

#endif
