/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* cache_fixture.h - a cache in a directory of its own, with keys and contents by number. */
#ifndef CB_TESTS_CACHE_FIXTURE_H
#define CB_TESTS_CACHE_FIXTURE_H

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "compile/cache.h"

static struct cb_cache cache;

static inline const char *key_of(int n)
{
	static char key[CB_SHA256_HEX];

	cb_sha256_hex(&n, sizeof(n), key);
	return key;
}

/* Where the entry of key_of(n) lies: written down here once more, because other programs may read it. */
static inline const char *file_of(int n)
{
	static char path[PATH_MAX];
	const char *key = key_of(n);

	snprintf(path, sizeof(path), "%s/%.2s/%s", cache.dir, key, key + 2);
	return path;
}

/* size bytes that belong to n */
static inline void content_of(int n, char *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (char)((size_t)n * 31 + i * 7 + (i >> 8));
}

static inline int put(int n, size_t size)
{
	char *data = malloc(size + 1);
	int err;

	assert_non_null(data);
	content_of(n, data, size);
	err = cb_cache_put(&cache, key_of(n), data, size, NULL);
	free(data);
	return err;
}

/* 0: it is there and right; -ENOENT */
static inline int get(int n, size_t size)
{
	struct cb_buf out = {0};
	char *data = malloc(size + 1);
	int err = cb_cache_get(&cache, key_of(n), &out, NULL);

	assert_non_null(data);
	content_of(n, data, size);
	if (!err) {
		assert_int_equal(out.len, size);
		assert_memory_equal(out.data, data, size);
	}
	free(data);
	cb_buf_free(&out);
	return err;
}

static size_t files;
static uint64_t file_bytes;

static inline int count_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	files += type == FTW_F;
	file_bytes += type == FTW_F ? (uint64_t)st->st_size : 0;
	return 0;
}

/* Of everything in the cache's directory, entries or not. */
static inline size_t count_files(void)
{
	files = 0;
	file_bytes = 0;
	nftw(cache.dir, count_file, 8, FTW_PHYS);
	return files;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int make_cache(void **state)
{
	char dir[] = "/tmp/coolbpf-cache-test.XXXXXX";

	assert_non_null(mkdtemp(dir));
	cache = (struct cb_cache){0};
	strcpy(cache.dir, dir);
	return 0;
}

static inline int remove_cache(void **state)
{
	return nftw(cache.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define cache_test(f) cmocka_unit_test_setup_teardown(f, make_cache, remove_cache)

#endif
