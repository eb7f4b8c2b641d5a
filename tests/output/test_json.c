// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_json.c - whatever the bytes of a record are, the line is JSON; and long fields do not break the fast path. */
#include <stdlib.h>

#include "fixture.h"
#include "json_check.h"

static void test_reader(void **state)
{
	static const char *const good[] = {
		"0",
		"-1",
		"1e5",
		"-0.5E-3",
		"\"\"",
		"\"\\u00ff\\n\"",
		"[]",
		"{}",
		"[1,\"a\",null]",
		"{\"a\":{\"b\":[true,false]}}",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d\"",
	};
	static const char *const bad[] = {
		"",
		"01",
		"-",
		"1.",
		"1e",
		"\"",
		"\"\n\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"[1,]",
		"[1",
		"{\"a\"}",
		"{1:2}",
		"{\"a\":1,}",
		"nul",
		"1 2",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xe2\x82\"",
		"nan",
		"[]]",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!json_is_valid(good[i], strlen(good[i])))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (json_is_valid(bad[i], strlen(bad[i])))
			fail_msg("%s is taken", bad[i]);
}

/* Field by field: a new type, its size, and what it is displayed as. */
static void test_random_records(void **state)
{
	static const char *const displays[] = {
		"lbc_ns_t",    "lbc_time_t", "lbc_bytes_t",   "lbc_hex_t",    "lbc_ksym_t",
		"lbc_errno_t", "lbc_ret_t",  "lbc_syscall_t", "lbc_signal_t", "lbc_kstack_t",
	};
	struct types t = types_new();
	int id, end, fields[32], n = 0, mode;
	unsigned char record[512];
	struct cb_buf out = {0};
	struct cb_plan *p;
	uint64_t seed = 88172645463325252u;

	mode = btf__add_enum(t.btf, "mode", 1);
	for (int i = 0; i < 200; i += 3)
		btf__add_enum_value(t.btf, "NAME", i);
	for (size_t i = 0; i < sizeof(displays) / sizeof(*displays); i++)
		fields[n++] = display(&t, displays[i], t.u64);
	fields[n++] = display(&t, "lbc_ipv4_t", t.u32);
	fields[n++] = display(&t, "lbc_ipv6_t", array_of(&t, t.u8, 16));
	fields[n++] = array_of(&t, t.chr, 1);
	fields[n++] = array_of(&t, t.chr, 7);
	fields[n++] = array_of(&t, t.chr, 30);
	fields[n++] = array_of(&t, t.s16, 5);
	fields[n++] = btf__add_float(t.btf, "double", 8);
	fields[n++] = btf__add_float(t.btf, "float", 4);
	fields[n++] = mode;
	fields[n++] = t.chr;
	fields[n++] = t.boolean;
	fields[n++] = t.s8;
	fields[n++] = btf__add_int(t.btf, "__int128", 16, 0);
	end = array_of(&t, t.chr, 100);
	id = btf__add_struct(t.btf, "record", sizeof(record));
	for (int i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(btf__add_field(t.btf, name, fields[i], (uint32_t)i * 16 * 8, 0), 0);
	}
	/* the last lies at the very end of the record */
	assert_int_equal(btf__add_field(t.btf, "end", end, 412 * 8, 0), 0);
	p = plan_of(&t, id, "record", NULL);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(record); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			/* mostly text, some quotes, some broken bytes */
			record[i] = (unsigned char)(round & 1 ? seed >> 32 : 0x20 + (seed >> 32) % 0x62);
		}
		out.len = 0;
		cb_plan_json(p, record, &out);
		assert_false(out.failed);
		if (!json_is_valid(out.data, out.len))
			fail_msg("no JSON: %.*s", (int)out.len, out.data);
	}
	cb_buf_free(&out);
	cb_plan_free(p);
	btf__free(t.btf);
}

/* Names from BTF are not to be trusted either. */
static void test_hostile_names(void **state)
{
	struct types t = types_new();
	int mode = btf__add_enum(t.btf, "mode", 4), id;
	struct cb_plan *p;

	btf__add_enum_value(t.btf, "a\"b\xff", 1);
	id = structure(&t, "event", 4, {"key\"\n\\", mode, 0});
	p = plan_of(&t, id, "event", NULL);
	assert_string_equal(json_of(p, &(uint32_t){1}), "{\"key\\\"\\n\\\\\":\"a\\\"b\xef\xbf\xbd\"}");
	cb_plan_free(p);
	btf__free(t.btf);
}

/* A thousand fields: far more than the buffer's first room. */
static void test_many_fields(void **state)
{
	struct types t = types_new();
	int id = btf__add_struct(t.btf, "event", 8000);
	uint64_t *record = malloc(8000);
	const char *json, *at;
	struct cb_plan *p;

	for (uint32_t i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "a_rather_long_name_of_a_field_%u", i);
		assert_int_equal(btf__add_field(t.btf, name, t.u64, i * 64, 0), 0);
		record[i] = UINT64_MAX - i;
	}
	p = plan_of(&t, id, "event", NULL);
	json = json_of(p, record);
	assert_true(json_is_valid(json, strlen(json)));
	at = strstr(json, "\"a_rather_long_name_of_a_field_999\":");
	assert_non_null(at);
	assert_string_equal(strchr(at, ':'), ":18446744073709550616}");
	cb_plan_free(p);
	btf__free(t.btf);
	free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_random_records),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_many_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
