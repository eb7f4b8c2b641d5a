// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_hmap.c - the hash map, and its hash against the published values of FNV-1a. */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/hmap.h"

enum { MANY = 20000 };

static void an_empty_map_has_nothing(void **state)
{
	struct cb_hmap m = {0};
	size_t pos = 0;

	assert_null(cb_hmap_get(&m, "a", 1));
	assert_null(cb_hmap_next(&m, &pos, NULL, NULL));
	cb_hmap_free(&m);
}

static void keys_are_bytes_and_are_copied(void **state)
{
	struct cb_hmap m = {0};
	char key[4] = {'a', '\0', 'b', '\0'};
	int one, two, three;

	assert_int_equal(cb_hmap_put(&m, key, 3, &one), 0);
	assert_int_equal(cb_hmap_put(&m, key, 1, &two), 0);
	assert_int_equal(cb_hmap_put(&m, "", 0, &three), 0);
	memset(key, 'x', sizeof(key));
	assert_ptr_equal(cb_hmap_get(&m, "a\0b", 3), &one);
	assert_ptr_equal(cb_hmap_get(&m, "a", 1), &two);
	assert_ptr_equal(cb_hmap_get(&m, "", 0), &three);
	assert_null(cb_hmap_get(&m, "a\0c", 3));
	assert_null(cb_hmap_get(&m, "xxx", 3));
	cb_hmap_free(&m);
}

static void a_second_put_replaces(void **state)
{
	struct cb_hmap m = {0};
	int one, two;

	cb_hmap_put(&m, "k", 1, &one);
	cb_hmap_put(&m, "k", 1, &two);
	assert_ptr_equal(cb_hmap_get(&m, "k", 1), &two);
	assert_int_equal(m.used, 1);
	cb_hmap_free(&m);
}

static void many_keys_are_all_found_and_walked_once(void **state)
{
	static int values[MANY], seen[MANY];
	struct cb_hmap m = {0};
	const void *key;
	size_t pos = 0, len;
	int *value, k;

	for (int i = 0; i < MANY; i++)
		assert_int_equal(cb_hmap_put(&m, &i, sizeof(i), &values[i]), 0);
	assert_int_equal(m.used, MANY);
	assert_true(m.used * 4 <= m.cap * 3);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(cb_hmap_get(&m, &i, sizeof(i)), &values[i]);
	while ((value = cb_hmap_next(&m, &pos, &key, &len))) {
		assert_int_equal(len, sizeof(int));
		memcpy(&k, key, sizeof(k));
		assert_ptr_equal(value, &values[k]);
		seen[k]++;
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	cb_hmap_free(&m);
}

static void the_hash_is_fnv_1a(void **state)
{
	/* The test vectors of the FNV page; cb_hash() folds the upper half in. */
	static const struct {
		const char *text;
		uint64_t fnv;
	} vectors[] = {{"", 0xcbf29ce484222325}, {"a", 0xaf63dc4c8601ec8c}, {"foobar", 0x85944171f73967e8}};

	for (size_t i = 0; i < 3; i++)
		assert_true(cb_hash(vectors[i].text, strlen(vectors[i].text)) ==
			    (vectors[i].fnv ^ vectors[i].fnv >> 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing), cmocka_unit_test(keys_are_bytes_and_are_copied),
		cmocka_unit_test(a_second_put_replaces),    cmocka_unit_test(many_keys_are_all_found_and_walked_once),
		cmocka_unit_test(the_hash_is_fnv_1a),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
