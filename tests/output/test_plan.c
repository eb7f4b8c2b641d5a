// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_plan.c - what fields a type has, how each kind of value becomes JSON and text, and what hostile BTF gives. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "fixture.h"

static void test_integers(void **state)
{
	struct types t = types_new();
	int id = structure(&t, "event", 40, {"a", t.u8, 0}, {"b", t.s8, 1}, {"c", t.u16, 2}, {"d", t.s16, 4},
			   {"e", t.u32, 8}, {"f", t.s32, 12}, {"g", t.u64, 16}, {"h", t.s64, 24}, {"i", t.boolean, 32});
	struct {
		uint8_t a;
		int8_t b;
		uint16_t c;
		int16_t d;
		uint32_t e;
		int32_t f;
		uint64_t g;
		int64_t h;
		bool i;
	} r = {255, -128, 65535, -32768, 4294967295u, -2147483647 - 1, UINT64_MAX, INT64_MIN, true};
	struct cb_plan *p = plan_of(&t, id, "event", NULL);

	assert_int_equal(cb_plan_size(p), 40);
	assert_int_equal(cb_plan_fields(p), 9);
	assert_string_equal(cb_plan_field_name(p, 2), "c");
	assert_string_equal(cb_plan_field_type(p, 2), "unsigned short");
	assert_string_equal(json_of(p, &r),
			    "{\"a\":255,\"b\":-128,\"c\":65535,\"d\":-32768,\"e\":4294967295,\"f\":-2147483648,"
			    "\"g\":18446744073709551615,\"h\":-9223372036854775808,\"i\":true}");
	assert_string_equal(text_of(p, 7, &r), "-9223372036854775808");
	assert_string_equal(text_of(p, 8, &r), "true");
	cb_plan_free(p);
	btf__free(t.btf);
}

/* Every length of a number, at both ends of it: 9 and 10, 99 and 100, ... */
static void test_every_digit_count(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, t.u64, "", NULL), *s = plan_of(&t, t.s64, "", NULL);
	uint64_t power = 10;
	char expected[32];

	for (int digits = 1; digits < 20; digits++, power *= 10) {
		for (int delta = -1; delta <= 1; delta++) {
			uint64_t v = power + (uint64_t)delta;
			int64_t negative = -(int64_t)v;

			snprintf(expected, sizeof(expected), "%llu", (unsigned long long)v);
			assert_string_equal(json_of(p, &v), expected);
			snprintf(expected, sizeof(expected), "%lld", (long long)negative);
			assert_string_equal(json_of(s, &negative), expected);
		}
	}
	for (uint64_t v = 0; v < 20000; v++) {
		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)v);
		assert_string_equal(json_of(p, &v), expected);
	}
	cb_plan_free(p);
	cb_plan_free(s);
	btf__free(t.btf);
}

static void test_wide_float_pointer(void **state)
{
	struct types t = types_new();
	int wide = btf__add_int(t.btf, "__int128", 16, BTF_INT_SIGNED);
	int f32 = btf__add_float(t.btf, "float", 4), f64 = btf__add_float(t.btf, "double", 8);
	int id = structure(&t, "event", 56, {"wide", wide, 0}, {"f", f32, 16}, {"d", f64, 24}, {"nan", f64, 32},
			   {"ptr", btf__add_ptr(t.btf, t.u8), 40}, {"c", t.chr, 48}, {"nul", t.chr, 49});
	struct {
		unsigned __int128 wide;
		float f;
		double d, nan;
		uint64_t ptr;
		char c, nul;
	} r = {((unsigned __int128)1 << 64) | 0xff, 0.1f, 0.1, NAN, 0xffff888100001234, 'R', 0};
	struct cb_plan *p = plan_of(&t, id, "event", NULL);

	assert_string_equal(json_of(p, &r), "{\"wide\":\"0x100000000000000ff\",\"f\":0.1,\"d\":0.1,\"nan\":null,"
					    "\"ptr\":\"0xffff888100001234\",\"c\":\"R\",\"nul\":\"\"}");
	r.d = 1.0 / 3;
	r.wide = 0;
	r.ptr = 0;
	r.nan = -INFINITY;
	assert_string_equal(json_of(p, &r), "{\"wide\":\"0x0\",\"f\":0.1,\"d\":0.3333333333333333,\"nan\":null,"
					    "\"ptr\":\"0x0\",\"c\":\"R\",\"nul\":\"\"}");
	assert_string_equal(text_of(p, 2, &r), "0.333333");
	cb_plan_free(p);
	btf__free(t.btf);
}

/* struct { u32 a:3; s32 b:5; u32 c:24; u64 d:40; u64 e:24; enum mode f:2; } as clang lays it out on x86 and arm64 */
static void test_bitfields(void **state)
{
	struct types t = types_new();
	struct layout {
		uint32_t a : 3;
		int32_t b : 5;
		uint32_t c : 24;
		uint64_t d : 40;
		uint64_t e : 24;
		uint32_t f : 2;
	} r = {.a = 5, .b = -16, .c = 0xabcdef, .d = 0xffffffffff, .e = 1, .f = 2};
	int mode = btf__add_enum(t.btf, "mode", 4);
	struct cb_plan *p;
	int id;

	btf__add_enum_value(t.btf, "IDLE", 0);
	btf__add_enum_value(t.btf, "BUSY", 2);
	id = structure(&t, "event", sizeof(r), {"a", t.u32, 0, 0, 3}, {"b", t.s32, 0, 3, 5}, {"c", t.u32, 0, 8, 24},
		       {"d", t.u64, 0, 64, 40}, {"e", t.u64, 0, 104, 24}, {"f", mode, 0, 128, 2});
	if (sizeof(r) != 24 || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip_because("this compiler lays bitfields out in another way");
	p = plan_of(&t, id, "event", NULL);
	assert_string_equal(json_of(p, &r),
			    "{\"a\":5,\"b\":-16,\"c\":11259375,\"d\":1099511627775,\"e\":1,\"f\":\"BUSY\"}");
	r.f = 3;
	assert_string_equal(text_of(p, 5, &r), "3");
	cb_plan_free(p);
	btf__free(t.btf);
}

/* A bitfield of 64 bits in a packed struct may lie over nine bytes. */
static void test_bitfield_over_nine_bytes(void **state)
{
	struct types t = types_new();
	struct __attribute__((packed)) layout {
		uint64_t a : 3;
		uint64_t b : 64;
		uint64_t c : 5;
	} r = {.a = 2, .b = 0x8000000000000001, .c = 31};
	int id = structure(&t, "event", 9, {"a", t.u64, 0, 0, 3}, {"b", t.u64, 0, 3, 64}, {"c", t.u64, 0, 67, 5});
	struct cb_plan *p;

	if (sizeof(r) != 9 || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip_because("this compiler lays bitfields out in another way");
	p = plan_of(&t, id, "event", NULL);
	assert_string_equal(json_of(p, &r), "{\"a\":2,\"b\":9223372036854775809,\"c\":31}");
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_enums(void **state)
{
	struct types t = types_new();
	struct {
		int32_t dense, sparse;
		uint64_t wide;
		uint8_t small;
	} r = {-1, 1000000, UINT64_MAX, 7};
	int dense = btf__add_enum(t.btf, "dense", 4), sparse, wide, small;
	struct cb_plan *p;

	btf__add_enum_value(t.btf, "MINUS", -1);
	btf__add_enum_value(t.btf, "ZERO", 0);
	btf__add_enum_value(t.btf, "ALSO_ZERO", 0);
	btf__add_enum_value(t.btf, "TWO", 2);
	sparse = btf__add_enum(t.btf, "sparse", 4);
	btf__add_enum_value(t.btf, "ONE", 1);
	btf__add_enum_value(t.btf, "MILLION", 1000000);
	wide = btf__add_enum64(t.btf, "wide", 8, false);
	btf__add_enum64_value(t.btf, "ALL", UINT64_MAX);
	small = btf__add_enum(t.btf, NULL, 1);
	btf__add_enum_value(t.btf, "SEVEN", 7);
	p = plan_of(&t,
		    structure(&t, "event", sizeof(r), {"dense", dense, 0}, {"sparse", sparse, 4}, {"wide", wide, 8},
			      {"small", small, 16}),
		    "event", NULL);
	assert_string_equal(json_of(p, &r),
			    "{\"dense\":\"MINUS\",\"sparse\":\"MILLION\",\"wide\":\"ALL\",\"small\":\"SEVEN\"}");
	assert_string_equal(cb_plan_field_type(p, 1), "enum sparse");
	r.dense = 0;
	r.sparse = 2;
	r.wide = UINT64_MAX - 1;
	r.small = 255;
	assert_string_equal(json_of(p, &r),
			    "{\"dense\":\"ZERO\",\"sparse\":2,\"wide\":18446744073709551614,\"small\":255}");
	r.dense = 1; /* a gap in the table */
	assert_string_equal(text_of(p, 0, &r), "1");
	r.dense = 3;
	assert_string_equal(text_of(p, 0, &r), "3");
	r.dense = -2;
	assert_string_equal(text_of(p, 0, &r), "-2");
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_text(void **state)
{
	static const struct {
		char bytes[20];
		const char *json, *text;
	} cases[] = {
		{"nginx", "\"nginx\"", "nginx"},
		{"", "\"\"", ""},
		{"exactly-eight-by-", "\"exactly-eight-by-\"", "exactly-eight-by-"},
		{"12345678901234567890", "\"12345678901234567890\"", "12345678901234567890"}, /* no NUL at all */
		{"seven77\"", "\"seven77\\\"\"", "seven77\""},
		{"a\\b", "\"a\\\\b\"", "a\\b"},
		{"tab\tnl\n", "\"tab\\tnl\\n\"", "tab\\x09nl\\x0a"},
		{"\x1b[2J\x7f", "\"\\u001b[2J\x7f\"", "\\x1b[2J\\x7f"},
		{"h\xc3\xa9llo", "\"h\xc3\xa9llo\"", "h\xc3\xa9llo"},
		{"\xf0\x9f\x90\x9d", "\"\xf0\x9f\x90\x9d\"", "\xf0\x9f\x90\x9d"},
		{"bad\xff", "\"bad\xef\xbf\xbd\"", "bad\\xff"},
		{"cut\xe2\x82", "\"cut\xef\xbf\xbd\xef\xbf\xbd\"", "cut\\xe2\\x82"},
		{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\\xc0\\x80"},			 /* overlong */
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\\xed\\xa0\\x80"}, /* surrogate */
		{"\xc2\x9b"
		 "2J",
		 "\"\\u009b2J\"", "\\xc2\\x9b2J"}, /* CSI in 8 bits */
	};
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, array_of(&t, t.chr, 20), "", NULL);

	assert_string_equal(cb_plan_field_type(p, 0), "char[20]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(json_of(p, cases[i].bytes), cases[i].json);
		assert_string_equal(text_of(p, 0, cases[i].bytes), cases[i].text);
	}
	cb_plan_free(p);
	btf__free(t.btf);
}

/* Long texts take the other path, which works piece by piece. A character lies over each place where a piece may end. */
static void test_long_text(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, array_of(&t, t.chr, 5000), "", NULL);
	char record[5000] = {0}, expected[5100];

	for (size_t shift = 0; shift < 4; shift++) {
		size_t at = shift;

		memset(record, 'x', shift);
		while (at + 4 <= 4900) {
			memcpy(record + at, "\xf0\x9f\x90\x9d", 4);
			at += 4;
		}
		memset(record + at, 0, sizeof(record) - at);
		snprintf(expected, sizeof(expected), "\"%s\"", record);
		assert_string_equal(json_of(p, record), expected);
	}
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_nesting(void **state)
{
	struct types t = types_new();
	int inner = structure(&t, "inner", 8, {"x", t.u32, 0}, {"y", t.u32, 4});
	int anonymous = union_of(&t, NULL, 4, {"v4", t.u32, 0}, {"port", t.u16, 0});
	int empty = btf__add_struct(t.btf, "empty", 0);
	int id = structure(&t, "event", 36, {"first", inner, 0}, {NULL, anonymous, 8}, {"nothing", empty, 12},
			   {"list", array_of(&t, t.u16, 3), 12}, {"points", array_of(&t, inner, 2), 20},
			   {"flexible", array_of(&t, t.u8, 0), 36});
	struct {
		uint32_t x, y, v4;
		uint16_t list[4];
		uint32_t points[4];
	} r = {1, 2, 0x00020003, {7, 8, 9}, {10, 11, 12, 13}};
	struct cb_plan *p = plan_of(&t, id, "event", NULL);

	assert_string_equal(json_of(p, &r), "{\"first\":{\"x\":1,\"y\":2},\"v4\":131075,\"port\":3,\"list\":[7,8,9],"
					    "\"points\":[{\"x\":10,\"y\":11},{\"x\":12,\"y\":13}]}");
	assert_int_equal(cb_plan_fields(p), 6);
	assert_string_equal(cb_plan_field_name(p, 1), "first.y");
	assert_string_equal(cb_plan_field_name(p, 2), "v4");
	assert_string_equal(text_of(p, 4, &r), "[7,8,9]");
	assert_string_equal(text_of(p, 5, &r), "[{x=10 y=11},{x=12 y=13}]");
	cb_plan_free(p);
	/* not a struct: a value alone, or an object of one member */
	p = plan_of(&t, array_of(&t, array_of(&t, t.u8, 2), 2), "", NULL);
	assert_string_equal(json_of(p, "\1\2\3\4"), "[[1,2],[3,4]]");
	cb_plan_free(p);
	p = plan_of(&t, t.u8, "key", NULL);
	assert_string_equal(json_of(p, "\5"), "{\"key\":5}");
	assert_string_equal(cb_plan_field_name(p, 0), "key");
	cb_plan_free(p);
	p = plan_of(&t, empty, "event", NULL);
	assert_string_equal(json_of(p, ""), "{}");
	cb_plan_free(p);
	btf__free(t.btf);
}

/* ---- Hostile BTF ------------------------------------------------------------------------------------------------ */

static void refused(struct types *t, int id, int err, const char *part)
{
	struct cb_err e = {0};

	assert_null(cb_plan_new(t->btf, (uint32_t)id, "event", NULL, &e));
	assert_int_equal(errno, err);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void test_refused(void **state)
{
	struct types t = types_new();
	int id, deep;

	refused(&t, 0, EINVAL, "type void");
	refused(&t, 99999, EINVAL, "cannot be printed");
	id = structure(&t, "outside", 8, {"a", t.u32, 0}, {"b", t.u64, 4});
	refused(&t, id, EINVAL, "b reaches beyond the end");
	id = structure(&t, "bits", 4, {"a", t.u32, 0, 30, 3});
	refused(&t, id, EINVAL, "a reaches beyond the end");
	id = structure(&t, "wide_bits", 64, {"a", t.u32, 0, 0, 200});
	refused(&t, id, EINVAL, "bitfield of 200 bits");
	id = structure(&t, "array_bits", 8, {"a", array_of(&t, t.u8, 8), 0, 7, 3});
	refused(&t, id, EINVAL, "neither a number nor an enum");
	id = structure(&t, "circle", 8, {"me", btf__type_cnt(t.btf), 0});
	refused(&t, id, E2BIG, "nested more than 32 deep");
	id = structure(&t, "many", 8, {"a", btf__type_cnt(t.btf), 0}, {NULL, btf__type_cnt(t.btf), 0});
	refused(&t, id, E2BIG, "");
	/* typedef of itself */
	id = btf__add_typedef(t.btf, "self", btf__type_cnt(t.btf));
	refused(&t, id, EINVAL, "cannot be printed");
	refused(&t, array_of(&t, t.u64, UINT32_MAX), EINVAL, "cannot be printed");
	id = array_of(&t, t.u8, 1 << 12);
	refused(&t, array_of(&t, id, 1 << 12), E2BIG, "more than 4194304 values");
	deep = t.u8;
	for (int i = 0; i < 40; i++)
		deep = array_of(&t, deep, 1);
	refused(&t, deep, EINVAL, "cannot be printed");
	deep = t.u8;
	for (int i = 0; i < 40; i++)
		deep = structure(&t, NULL, 1, {"s", deep, 0});
	refused(&t, deep, E2BIG, "nested more than 32 deep");
	btf__free(t.btf);
}

/* BTF from a file, whose names point behind the strings. */
static void test_broken_names(void **state)
{
	struct types t = types_new();
	int mode = btf__add_enum(t.btf, "mode", 4), id;
	struct btf *broken;
	struct cb_plan *p;
	uint32_t size;
	char *raw;

	btf__add_enum_value(t.btf, "A", 1);
	id = structure(&t, "event", 12, {"a", t.u32, 0}, {"b", mode, 4}, {"c", btf__add_ptr(t.btf, t.u32), 4});
	btf__raw_data(t.btf, &size);
	raw = malloc(size);
	memcpy(raw, btf__raw_data(t.btf, &size), size);
	broken = btf__new(raw, size);
	assert_non_null(broken);
	((struct btf_type *)btf__type_by_id(broken, (uint32_t)t.u32))->name_off = 0xffffff;
	((struct btf_type *)btf__type_by_id(broken, (uint32_t)mode))->name_off = 0xffffff;
	((struct btf_type *)btf__type_by_id(broken, (uint32_t)id))->name_off = 0xffffff;
	btf_enum(btf__type_by_id(broken, (uint32_t)mode))->name_off = 0xffffff;
	btf_members(btf__type_by_id(broken, (uint32_t)id))[0].name_off = 0xffffff;
	p = cb_plan_new(broken, (uint32_t)id, "event", NULL, NULL);
	assert_non_null(p);
	/* the first member has no name, the enumerator neither */
	assert_string_equal(json_of(p, &(uint32_t[]){7, 1, 0}), "{\"b\":1,\"c\":\"0x1\"}");
	assert_string_equal(cb_plan_field_type(p, 1), "? *");
	cb_plan_free(p);
	btf__free(broken);
	free(raw);
	btf__free(t.btf);
}

/* An array of four billion nothings prints at once. */
static void test_empty_elements(void **state)
{
	struct types t = types_new();
	int empty = btf__add_struct(t.btf, "empty", 0);
	struct cb_plan *p = plan_of(&t, array_of(&t, empty, UINT32_MAX), "", NULL);

	assert_string_equal(json_of(p, ""), "[]");
	cb_plan_free(p);
	btf__free(t.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_every_digit_count),
		cmocka_unit_test(test_wide_float_pointer),
		cmocka_unit_test(test_bitfields),
		cmocka_unit_test(test_bitfield_over_nine_bytes),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_broken_names),
		cmocka_unit_test(test_empty_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
