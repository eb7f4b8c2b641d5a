// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_ready.c - ready answers: used, forgotten, outdated, and sent while they are forgotten. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "service/ready.h"

static const unsigned char *key(unsigned i)
{
	static unsigned char k[CB_SHA256];

	cb_sha256(&i, sizeof(i), k);
	return k;
}

static struct cb_answer *answer(size_t len)
{
	char *body = malloc(len);
	struct cb_answer *a;

	memset(body, 'x', len);
	a = cb_answer_new(200, "text/plain", body, len);
	assert_non_null(a);
	return a;
}

static void put(struct cb_ready *r, unsigned i, size_t len)
{
	struct cb_answer *a = answer(len);

	cb_ready_put(r, key(i), a);
	cb_answer_drop(a);
}

static bool has(struct cb_ready *r, unsigned i)
{
	struct cb_answer *a = cb_ready_get(r, key(i), 1);

	if (a)
		cb_answer_drop(a);
	return a;
}

static void what_was_not_used_for_longest_goes(void **state)
{
	struct cb_ready r = {.max_bytes = 100000};

	for (unsigned i = 0; i < 9; i++)
		put(&r, i, 10000);
	assert_true(has(&r, 0)); /* used now */
	put(&r, 9, 10000);
	put(&r, 10, 10000);
	assert_true(r.bytes <= 100000);
	assert_true(has(&r, 0));
	assert_false(has(&r, 1));
	assert_true(has(&r, 10));
	assert_int_equal(r.evicted, r.entries == 9 ? 2 : 3);
	cb_ready_clear(&r);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(r.entries, 0);
}

static void one_answer_does_not_push_all_others_out(void **state)
{
	struct cb_ready r = {.max_bytes = 100000};

	put(&r, 1, 1000);
	put(&r, 2, 60000);
	assert_true(has(&r, 1));
	assert_false(has(&r, 2));
	cb_ready_clear(&r);
}

static void the_same_key_has_one_answer(void **state)
{
	struct cb_ready r = {.max_bytes = 100000};

	put(&r, 1, 1000);
	put(&r, 1, 2000);
	assert_int_equal(r.entries, 1);
	assert_true(r.bytes > 2000 && r.bytes < 3000);
	cb_ready_clear(&r);
}

static void an_answer_has_its_time(void **state)
{
	struct cb_ready r = {.max_bytes = 100000};
	struct cb_answer *a = answer(10);

	a->until_ms = 500;
	cb_ready_put(&r, key(1), a);
	cb_answer_drop(a);
	a = cb_ready_get(&r, key(1), 499);
	assert_non_null(a);
	cb_answer_drop(a);
	assert_null(cb_ready_get(&r, key(1), 500));
	assert_int_equal(r.entries, 0);
	cb_ready_clear(&r);
}

static void an_answer_that_is_being_sent_outlives_its_place(void **state)
{
	struct cb_ready r = {.max_bytes = 100000};
	struct cb_answer *a;

	put(&r, 1, 10);
	a = cb_ready_get(&r, key(1), 1);
	cb_ready_clear(&r);
	assert_memory_equal(a->body, "xxxxxxxxxx", 10);
	cb_answer_drop(a);
}

static void a_thousand_entries(void **state)
{
	struct cb_ready r = {.max_bytes = 10000000};

	for (unsigned i = 0; i < 1000; i++)
		put(&r, i, 100);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(has(&r, i));
	assert_false(has(&r, 1000));
	assert_int_equal(r.hits, 1000);
	assert_int_equal(r.misses, 1);
	cb_ready_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_not_used_for_longest_goes),
		cmocka_unit_test(one_answer_does_not_push_all_others_out),
		cmocka_unit_test(the_same_key_has_one_answer),
		cmocka_unit_test(an_answer_has_its_time),
		cmocka_unit_test(an_answer_that_is_being_sent_outlives_its_place),
		cmocka_unit_test(a_thousand_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
