// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_buf.c - the byte buffer; numbers against libc's printf. */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct cb_buf b = {0};

	assert_string_equal(cb_buf_cstr(&b), "");
	assert_int_equal(b.len, 0);
	cb_buf_free(&b);
}

static void what_is_added_stands_in_order(void **state)
{
	struct cb_buf b = {0};

	cb_buf_str(&b, "abc");
	cb_buf_ch(&b, '-');
	cb_buf_add(&b, "d\0e", 3);
	cb_buf_printf(&b, "%s %d", "f", 7);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abc-d\0ef 7", 10);
	cb_buf_free(&b);
	assert_null(b.data);
}

static void it_grows_beyond_any_first_guess(void **state)
{
	struct cb_buf b = {0};

	for (int i = 0; i < 100000; i++)
		cb_buf_printf(&b, "%06d", i);
	assert_int_equal(b.len, 600000);
	assert_memory_equal(b.data + 6 * 4711, "004711", 6);
	cb_buf_printf(&b, "%70000d", 1); /* one piece larger than a step of growth */
	assert_int_equal(b.len, 670000);
	cb_buf_free(&b);
}

/* What does not fit ends the buffer: what would fit behind it does not become a part of a text with a hole. */
static void no_holes(void **state)
{
	struct cb_buf b = {0};

	cb_buf_str(&b, "begin");
	assert_false(cb_buf_reserve(&b, SIZE_MAX / 2));
	cb_buf_str(&b, "end");
	cb_buf_ch(&b, '.');
	cb_buf_u64(&b, 42);
	assert_true(b.failed);
	assert_int_equal(b.len, 5);
	assert_string_equal(cb_buf_cstr(&b), "");
	cb_buf_free(&b);
}

static void check_u64(uint64_t v)
{
	struct cb_buf b = {0};
	char expected[32];

	snprintf(expected, sizeof(expected), "%" PRIu64, v);
	cb_buf_u64(&b, v);
	assert_string_equal(cb_buf_cstr(&b), expected);
	cb_buf_free(&b);
}

static void check_s64(int64_t v)
{
	struct cb_buf b = {0};
	char expected[32];

	snprintf(expected, sizeof(expected), "%" PRId64, v);
	cb_buf_s64(&b, v);
	assert_string_equal(cb_buf_cstr(&b), expected);
	cb_buf_free(&b);
}

static void numbers_are_what_printf_says(void **state)
{
	uint64_t power = 1;

	for (int i = 0; i < 20; i++, power *= 10) {
		check_u64(power - 1);
		check_u64(power);
		check_u64(power + 1);
		check_s64((int64_t)power);
		check_s64(-(int64_t)power);
	}
	for (int i = 0; i < 64; i++) {
		check_u64(UINT64_C(1) << i);
		check_s64((int64_t)(UINT64_C(1) << i));
	}
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		uint64_t v =
			((uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random()) >> random() % 64;

		check_u64(v);
		check_s64((int64_t)v);
		check_s64(-(int64_t)v);
	}
	check_u64(UINT64_MAX);
	check_s64(INT64_MIN);
	check_s64(INT64_MAX);
}

static void room_for_more_than_there_is_fails_and_keeps_what_is_there(void **state)
{
	struct cb_buf b = {0};

	cb_buf_str(&b, "kept");
	assert_false(cb_buf_reserve(&b, SIZE_MAX / 2));
	assert_true(b.failed);
	cb_buf_str(&b, "not added once failed, when it needs room: ");
	assert_memory_equal(b.data, "kept", 4);
	cb_buf_free(&b);
	assert_false(b.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(what_is_added_stands_in_order),
		cmocka_unit_test(it_grows_beyond_any_first_guess),
		cmocka_unit_test(no_holes),
		cmocka_unit_test(numbers_are_what_printf_says),
		cmocka_unit_test(room_for_more_than_there_is_fails_and_keeps_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
