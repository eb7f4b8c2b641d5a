// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_cache.c - what is put comes back, damaged entries do not, and the size is kept. */
#include "cache_fixture.h"

#include <fcntl.h>
#include <time.h>
#include <utime.h>

static void what_is_put_comes_back(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 65536, 1 << 20};

	for (int i = 0; i < 5; i++)
		assert_int_equal(put(i, sizes[i]), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(get(i, sizes[i]), 0);
	assert_int_equal(get(5, 1), -ENOENT);
	assert_int_equal(count_files(), 5);
	assert_int_equal(access(file_of(1), F_OK), 0);
}

/* get() appends */
static void the_buffer_keeps_what_it_has(void **state)
{
	struct cb_buf b = {0};

	cb_cache_put(&cache, key_of(1), "world", 5, NULL);
	cb_buf_str(&b, "hello ");
	assert_int_equal(cb_cache_get(&cache, key_of(1), &b, NULL), 0);
	assert_string_equal(cb_buf_cstr(&b), "hello world");
	assert_int_equal(cb_cache_get(&cache, key_of(2), &b, NULL), -ENOENT);
	assert_string_equal(cb_buf_cstr(&b), "hello world");
	cb_buf_free(&b);
}

static void a_key_is_64_digits(void **state)
{
	static const char *const bad[] = {
		"",
		"ab",
		"../../../../../../../../../../../../../../../../../../../etc/passw",
		"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
	};
	struct cb_buf b = {0};
	struct cb_err e = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(cb_cache_get(&cache, bad[i], &b, &e), -EINVAL);
		assert_non_null(strstr(e.text, "is not a key"));
		assert_int_equal(cb_cache_put(&cache, bad[i], "x", 1, &e), -EINVAL);
	}
	assert_int_equal(count_files(), 0);
}

/* sha256sum says what the header must hold */
static void an_entry_is_header_and_content(void **state)
{
	struct cb_buf b = {0};
	char hex[CB_SHA256_HEX];
	size_t len;

	cb_cache_wrap(&b, "abc", 3);
	assert_int_equal(b.len, 8 + 32 + 3);
	assert_memory_equal(b.data, "CBcache1", 8);
	cb_hex(b.data + 8, 32, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_memory_equal(cb_cache_unwrap(b.data, b.len, &len), "abc", 3);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < b.len; i++) {
		assert_null(cb_cache_unwrap(b.data, i, &len));
		b.data[i] ^= 1;
		assert_null(cb_cache_unwrap(b.data, b.len, &len));
		b.data[i] ^= 1;
	}
	assert_non_null(cb_cache_unwrap(b.data, b.len, &len));
	cb_buf_free(&b);
}

static void write_at(const char *path, off_t at, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | flags);

	assert_true(fd >= 0 && pwrite(fd, text, strlen(text), at) == (ssize_t)strlen(text));
	close(fd);
}

static void a_damaged_entry_is_removed_and_counted(void **state)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(put(i, 1000), 0);
	write_at(file_of(0), 500, "?", 0);
	write_at(file_of(1), 0, "?", 0);
	assert_int_equal(truncate(file_of(2), 600), 0);
	assert_int_equal(truncate(file_of(3), 0), 0);
	write_at(file_of(4), 1040, "more", 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(get(i, 1000), -ENOENT);
		assert_int_equal(cache.damaged, i + 1);
		assert_int_equal(access(file_of(i), F_OK), -1);
		assert_int_equal(put(i, 1000), 0);
		assert_int_equal(get(i, 1000), 0);
	}
	assert_int_equal(cache.damaged, 5);
}

/* What an entry's name leads to may be anything when others can write there. */
static void only_files_of_our_own_are_read(void **state)
{
	char elsewhere[PATH_MAX];

	assert_int_equal(put(1, 10), 0);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", cache.dir);
	assert_int_equal(rename(file_of(1), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, file_of(1)), 0);
	assert_int_equal(get(1, 10), -ELOOP);
	assert_int_equal(unlink(file_of(1)), 0);
	assert_int_equal(mkfifo(file_of(1), 0600), 0);
	assert_int_equal(get(1, 10), -ENOENT); /* and does not wait for a writer */
}

static void entries_of_others_are_not_believed(void **state)
{
	if (geteuid())
		skip_because("only root can give a file to another user");
	assert_int_equal(put(1, 10), 0);
	assert_int_equal(chown(file_of(1), 65534, 65534), 0);
	assert_int_equal(get(1, 10), -ENOENT);
	assert_int_equal(cache.damaged, 0);
	assert_int_equal(put(1, 10), 0);
	assert_int_equal(get(1, 10), 0);
}

static void set_age(int n, time_t seconds)
{
	struct utimbuf t = {.actime = time(NULL) - seconds, .modtime = time(NULL) - seconds};

	assert_int_equal(utime(file_of(n), &t), 0);
}

static time_t age(int n)
{
	struct stat st;

	assert_int_equal(stat(file_of(n), &st), 0);
	return time(NULL) - st.st_mtime;
}

static void a_use_is_noted_once_a_minute(void **state)
{
	assert_int_equal(put(1, 10), 0);
	set_age(1, 30);
	assert_int_equal(get(1, 10), 0);
	assert_true(age(1) >= 30);
	set_age(1, 100);
	assert_int_equal(get(1, 10), 0);
	assert_true(age(1) < 30);
}

/* Ten entries of 1000 bytes fit into 10,400, as each has a header of 40. */
static void the_least_recently_used_go(void **state)
{
	cache.max_bytes = 10400;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(put(i, 1000), 0);
		set_age(i, 1000 - i);
	}
	assert_int_equal(cache.evicted, 0);
	assert_int_equal(get(0, 1000), 0); /* used now, so that 1 and 2 are the oldest */
	assert_int_equal(put(10, 1000), 0);
	assert_int_equal(cache.evicted, 2); /* 11,440 bytes to at most 9360: 9 entries */
	assert_int_equal(count_files(), 9);
	assert_int_equal(get(1, 1000), -ENOENT);
	assert_int_equal(get(2, 1000), -ENOENT);
	assert_int_equal(get(0, 1000), 0);
	for (int i = 3; i <= 10; i++)
		assert_int_equal(get(i, 1000), 0);
}

/* What was there before this process counts too. */
static void a_cache_that_is_full_already(void **state)
{
	for (int i = 0; i < 50; i++)
		assert_int_equal(put(i, 1000), 0);
	cache.max_bytes = 10400;
	assert_int_equal(put(50, 1000), 0);
	assert_int_equal(cache.evicted, 42);
	count_files();
	assert_true(file_bytes <= 9360);
	assert_int_equal(get(50, 1000), 0);
}

static void what_is_larger_than_the_cache_is_refused(void **state)
{
	struct cb_err e = {0};
	char data[200] = "";

	cache.max_bytes = 200;
	assert_int_equal(cb_cache_put(&cache, key_of(1), data, sizeof(data), &e), -EFBIG);
	assert_non_null(strstr(e.text, "too large"));
	assert_int_equal(cb_cache_put(&cache, key_of(1), data, 160, &e), 0);
}

/* A file as cb_file_write() has it for a moment where files cannot be without a name. */
static void what_killed_processes_left_goes(void **state)
{
	char old[PATH_MAX + 16], young[PATH_MAX + 16];
	struct utimbuf t = {.actime = time(NULL) - 4000, .modtime = time(NULL) - 4000};

	assert_int_equal(put(1, 10), 0);
	snprintf(old, sizeof(old), "%s.123-0", file_of(1));
	snprintf(young, sizeof(young), "%s.124-0", file_of(1));
	close(open(old, O_CREAT | O_WRONLY, 0600));
	close(open(young, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(utime(old, &t), 0);
	cache.max_bytes = 1 << 20;
	assert_int_equal(put(2, 10), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(young, F_OK), 0);
	assert_int_equal(get(1, 10), 0);
}

static void a_place_that_cannot_be(void **state)
{
	struct cb_err e = {0};
	struct cb_cache c = {.dir = "/proc/nowhere"};

	assert_true(cb_cache_put(&c, key_of(1), "x", 1, &e) < 0);
	assert_non_null(strstr(e.text, "/proc/nowhere"));
	assert_int_equal(cb_cache_get(&c, key_of(1), NULL, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cache_test(what_is_put_comes_back),
		cache_test(the_buffer_keeps_what_it_has),
		cache_test(a_key_is_64_digits),
		cache_test(an_entry_is_header_and_content),
		cache_test(a_damaged_entry_is_removed_and_counted),
		cache_test(only_files_of_our_own_are_read),
		cache_test(entries_of_others_are_not_believed),
		cache_test(a_use_is_noted_once_a_minute),
		cache_test(the_least_recently_used_go),
		cache_test(a_cache_that_is_full_already),
		cache_test(what_is_larger_than_the_cache_is_refused),
		cache_test(what_killed_processes_left_goes),
		cache_test(a_place_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
