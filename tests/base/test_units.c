// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_units.c - numbers as people write them; the expected values were worked out by hand. */
#include "check.h"

#include <errno.h>
#include <stdbool.h>

#include "base/units.h"

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool negative;
		uint64_t magnitude;
	} rows[] = {
		{"0", false, 0},
		{"10", false, 10},
		{"+7", false, 7},
		{"-7", true, 7},
		{"-0", true, 0},
		{"0x1f", false, 31},
		{"0X1F", false, 31},
		{"-0x10", true, 16},
		{"010", false, 8},
		{"0o17", false, 15},
		{"4K", false, 4096},
		{"4k", false, 4096},
		{"4KB", false, 4096},
		{"4KiB", false, 4096},
		{"4B", false, 4},
		{"1.5K", false, 1536},
		{"0.5M", false, 524288},
		{"2G", false, 2147483648},
		{"1T", false, 1099511627776},
		{"18446744073709551615", false, UINT64_MAX},
		{"0xffffffffffffffff", false, UINT64_MAX},
		{"01777777777777777777777", false, UINT64_MAX},
		{"16777215T", false, 18446742974197923840U},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cb_number n;

		if (cb_parse_number(rows[i].text, &n))
			fail_msg("\"%s\" is refused", rows[i].text);
		assert_true(n.negative == rows[i].negative);
		assert_true(n.magnitude == rows[i].magnitude);
	}
}

static void no_numbers(void **state)
{
	static const char *const texts[] = {"",	   "-",	 "+",	"--1", "x",   " 1",	"1 ",  "0x",  "0xg", "08",
					    "0o8", "0o", "1.5", ".",   "1..", "1.2.3K", "1K1", "1KK", "4iB", "1e3"};
	static const char *const large[] = {"18446744073709551616", "0x10000000000000000", "16777216T",
					    "02000000000000000000000", "99999999999999999999999999999999999999999"};
	struct cb_number n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (cb_parse_number(texts[i], &n) != -EINVAL)
			fail_msg("\"%s\" is taken", texts[i]);
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++)
		if (cb_parse_number(large[i], &n) != -ERANGE)
			fail_msg("\"%s\" is taken", large[i]);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{"1ns", 1},
		{"1us", 1000},
		{"1.5ms", 1500000},
		{"2s", 2000000000},
		{"1m", 60000000000},
		{"1h", 3600000000000},
		{"1d", 86400000000000},
		{"0.000000001s", 1},
		{"0.9ns", 0},
		{"0s", 0},
		{"18446744073709551615ns", UINT64_MAX},
		{"213503d", 18446659200000000000U},
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(cb_parse_duration(rows[i].text, 0, &ns), 0);
		assert_true(ns == rows[i].ns);
	}
	/* without a unit */
	assert_int_equal(cb_parse_duration("5", 1000000000, &ns), 0);
	assert_true(ns == 5000000000);
	assert_int_equal(cb_parse_duration("0.5", 1000, &ns), 0);
	assert_true(ns == 500);
	assert_int_equal(cb_parse_duration("5", 0, &ns), -EINVAL);
	assert_int_equal(cb_parse_duration("0", 0, &ns), 0);
	assert_true(ns == 0);
}

static void no_durations(void **state)
{
	static const char *const texts[] = {"", "s", "-1s", "+1s", "1 s", "1S", "1min", "1sec", "0x1s", "1s1"};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (cb_parse_duration(texts[i], 1, &ns) != -EINVAL)
			fail_msg("\"%s\" is taken", texts[i]);
	assert_int_equal(cb_parse_duration("18446744073709551616ns", 1, &ns), -ERANGE);
	assert_int_equal(cb_parse_duration("213504d", 1, &ns), -ERANGE);
	assert_int_equal(cb_parse_duration("18446744073710s", 1, &ns), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(no_numbers),
		cmocka_unit_test(durations),
		cmocka_unit_test(no_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
