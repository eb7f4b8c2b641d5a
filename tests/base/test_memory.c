// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - no memory: the first, second, ... n-th allocation fails, until the work gets through without one
 * failing. Each time the error must be -ENOMEM (or the buffer's failed flag), what was there must still be there, and
 * nothing may leak (the sanitizer build sees to that).
 */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hmap.h"
#include "fail_alloc.h"

/* Returns 0, or -ENOMEM after checking that the content is a prefix of what was added. */
static int fill_buffer(void)
{
	struct cb_buf b = {0};
	int err;

	for (int i = 0; i < 1000; i++)
		cb_buf_printf(&b, "%04d", i);
	fail_at = 0;
	err = b.failed ? -ENOMEM : 0;
	for (size_t i = 0; i + 4 <= b.len; i += 4) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%04zu", i / 4);
		assert_memory_equal(b.data + i, expected, 4);
	}
	assert_true(err || b.len == 4000);
	if (err)
		assert_string_equal(cb_buf_cstr(&b), "");
	cb_buf_free(&b);
	return err;
}

static int fill_map(void)
{
	struct cb_hmap m = {0};
	int value, err = 0, i;

	for (i = 0; i < 200 && !err; i++)
		err = cb_hmap_put(&m, &i, sizeof(i), &value);
	fail_at = 0;
	i -= err != 0;
	assert_int_equal(m.used, i);
	for (int k = 0; k < 200; k++)
		assert_ptr_equal(cb_hmap_get(&m, &k, sizeof(k)), k < i ? &value : NULL);
	cb_hmap_free(&m);
	return err;
}

static int read_file(void)
{
	struct cb_err e = {0};
	char *data = NULL;
	size_t len;
	int err = cb_file_read("/proc/kallsyms", INT_MAX, &data, &len, &e);

	fail_at = 0;
	if (err)
		assert_non_null(strstr(e.text, "out of memory"));
	else
		free(data);
	return err;
}

static void until_it_works(int (*work)(void), long at_least)
{
	long n = 0;
	int err;

	do {
		fail_at = ++n;
		err = work();
		assert_true(err == 0 || err == -ENOMEM);
		assert_true(n < 10000);
	} while (err);
	assert_true(n > at_least); /* or nothing was tested */
}

static void a_buffer_keeps_what_it_has(void **state)
{
	until_it_works(fill_buffer, 4); /* 256 bytes, doubled four times */
}

static void a_map_keeps_what_it_has(void **state)
{
	until_it_works(fill_map, 200); /* each key is a copy */
}

static void a_file_is_read_whole_or_not(void **state)
{
	if (access("/proc/kallsyms", R_OK))
		skip_because("this kernel has no /proc/kallsyms");
	until_it_works(read_file, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_keeps_what_it_has),
		cmocka_unit_test(a_map_keeps_what_it_has),
		cmocka_unit_test(a_file_is_read_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
