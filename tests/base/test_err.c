// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_err.c - sentences about errors, and who hears what is logged. */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

static void a_failure_is_a_negative_errno_and_a_sentence(void **state)
{
	struct cb_err e = {0};

	assert_int_equal(cb_fail(&e, ENOENT, "no %s", "file"), -ENOENT);
	assert_string_equal(e.text, "no file");
	assert_int_equal(cb_fail(&e, EPERM, "not allowed"), -EPERM);
	assert_string_equal(e.text, "not allowed");
}

static void context_goes_in_front_and_advice_behind(void **state)
{
	struct cb_err e = {0};
	int err = cb_fail(&e, EIO, "short read");

	assert_int_equal(cb_fail_in(&e, err, "cannot open %s", "x"), -EIO);
	assert_int_equal(cb_fail_more(&e, err, "; try %d", 2), -EIO);
	assert_string_equal(e.text, "cannot open x: short read; try 2");
}

static void nobody_needs_to_want_the_sentence(void **state)
{
	assert_int_equal(cb_fail(NULL, EIO, "x"), -EIO);
	assert_int_equal(cb_fail_in(NULL, -EIO, "x"), -EIO);
	assert_int_equal(cb_fail_more(NULL, -EIO, "x"), -EIO);
}

static void what_is_too_long_is_cut(void **state)
{
	static char much[2 * CB_ERR_TEXT];
	struct cb_err e = {0};

	memset(much, 'x', sizeof(much) - 1);
	cb_fail(&e, EIO, "%s", much);
	assert_int_equal(strlen(e.text), CB_ERR_TEXT - 1);
	cb_fail_more(&e, -EIO, "more");
	assert_int_equal(strlen(e.text), CB_ERR_TEXT - 1);
	cb_fail_in(&e, -EIO, "%s", much);
	assert_int_equal(strlen(e.text), CB_ERR_TEXT - 1);
	cb_fail_in(&e, -EIO, "front");
	assert_memory_equal(e.text, "front: xxx", 10);
}

static void hear(void *ctx, enum cb_log_level level, const char *text)
{
	snprintf(ctx, 64, "%d %s", level, text);
}

static void logs_pass_up_to_their_level(void **state)
{
	char heard[64] = "";
	struct cb_log log = {.level = CB_INFO, .say = hear, .ctx = heard};

	cb_say(&log, CB_INFO, "took %d", 3);
	assert_string_equal(heard, "1 took 3");
	cb_say(&log, CB_DEBUG, "too detailed");
	assert_string_equal(heard, "1 took 3");
	cb_say(NULL, CB_WARN, "to nobody");
	log.say = NULL;
	cb_say(&log, CB_WARN, "to nobody");
	assert_string_equal(heard, "1 took 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_a_negative_errno_and_a_sentence),
		cmocka_unit_test(context_goes_in_front_and_advice_behind),
		cmocka_unit_test(nobody_needs_to_want_the_sentence),
		cmocka_unit_test(what_is_too_long_is_cut),
		cmocka_unit_test(logs_pass_up_to_their_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
