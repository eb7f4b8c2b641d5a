// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_keep.c - the first and the last part of a stream. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lab/keep.h"

/* What the receiver has in the end, with "<N>" where N bytes are cut out. step: bytes added at a time; pass: passed on between. */
static char *through(size_t limit, const char *text, size_t step, bool pass)
{
	struct cb_keep k = {.limit = limit};
	struct cb_buf first = {0}, last = {0};
	size_t len = strlen(text), n;
	uint64_t cut;

	for (size_t i = 0; i < len; i += step) {
		cb_keep_add(&k, text + i, i + step < len ? step : len - i);
		if (pass) {
			const char *p = cb_keep_pass(&k, &n);

			cb_buf_add(&first, p, n);
		}
	}
	cut = cb_keep_rest(&k, &first, &last);
	if (cut)
		cb_buf_printf(&first, "<%llu>", (unsigned long long)cut);
	cb_buf_add(&first, last.data, last.len);
	cb_buf_cstr(&first);
	cb_buf_free(&last);
	cb_keep_free(&k);
	return first.data;
}

/* However it comes, and whether it is passed on meanwhile or not. */
static void check(size_t limit, const char *text, const char *want)
{
	for (size_t step = 1; step <= strlen(text) + 1; step++)
		for (int pass = 0; pass < 2; pass++) {
			char *got = through(limit, text, step, pass);

			assert_string_equal(got, want);
			free(got);
		}
}

static void what_fits_is_all_there(void **state)
{
	check(20, "", "");
	check(20, "a\nbc\ndef", "a\nbc\ndef");
	check(20, "1234567890123456789\n", "1234567890123456789\n");
	check(20, "12345678901234567890", "12345678901234567890");
}

static void whole_lines_are_cut_out(void **state)
{
	/* the first half ends behind "aaa\nbbb\n"; the last 10 bytes are "d\neee\nfff\n", of which whole lines are kept */
	check(20, "aaa\nbbb\nccc\nddd\neee\nfff\n", "aaa\nbbb\n<8>eee\nfff\n");
	check(20, "aaa\nbbb\nccc\nddd\neee\nff", "aaa\nbbb\n<8>eee\nff");
}

static void a_stream_without_lines_is_cut_anywhere(void **state)
{
	check(10, "abcdefghijklmnopqrstuvwxyz", "abcde<16>vwxyz");
}

static void only_whole_lines_are_passed_on(void **state)
{
	struct cb_keep k = {.limit = 100};
	size_t n;

	cb_keep_add(&k, "one\ntw", 6);
	assert_memory_equal(cb_keep_pass(&k, &n), "one\n", 4);
	assert_int_equal(n, 4);
	cb_keep_pass(&k, &n);
	assert_int_equal(n, 0);
	cb_keep_add(&k, "o\n", 2);
	assert_memory_equal(cb_keep_pass(&k, &n), "two\n", 4);
	assert_int_equal(n, 4);
	cb_keep_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_all_there),
		cmocka_unit_test(whole_lines_are_cut_out),
		cmocka_unit_test(a_stream_without_lines_is_cut_anywhere),
		cmocka_unit_test(only_whole_lines_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
