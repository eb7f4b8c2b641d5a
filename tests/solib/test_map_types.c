// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_map_types.c - what a .so says of maps, for BTF that no compiler wrote: types that hold themselves, names that are
 * no C, bombs. Each is refused with a reason or declared, in time and memory that do not grow with it. solib.bats has what
 * compilers write.
 */
#include "check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "compile/maptypes.h"

/* BTF under construction, and what came of it. Every test has "unsigned int" as type 1. */
struct made {
	struct btf *btf;
	int number;
	char *json;
	struct cb_err err;
};

static int make(void **state)
{
	struct made *m = calloc(1, sizeof(*m));

	m->btf = btf__new_empty();
	m->number = btf__add_int(m->btf, "unsigned int", 4, 0);
	*state = m;
	return 0;
}

static int unmake(void **state)
{
	struct made *m = *state;

	btf__free(m->btf);
	free(m->json);
	free(m);
	return 0;
}

/* A member "name" of a map's definition: a pointer to an array of n. */
static void add_number(struct made *m, const char *name, __u32 n, __u32 at, int array)
{
	btf__add_field(m->btf, name, array, at * 64, 0);
}

/* A map of this type, key and value; returns its variable's id. */
static int add_map(struct made *m, const char *name, __u32 type, int key, int value)
{
	int array = btf__add_ptr(m->btf, btf__add_array(m->btf, m->number, m->number, type));
	int key_ptr = btf__add_ptr(m->btf, key), value_ptr = btf__add_ptr(m->btf, value);
	int def = btf__add_struct(m->btf, "", 24);

	add_number(m, "type", type, 0, array);
	btf__add_field(m->btf, "key", key_ptr, 64, 0);
	btf__add_field(m->btf, "value", value_ptr, 128, 0);
	return btf__add_var(m->btf, name, BTF_VAR_GLOBAL_ALLOCATED, def);
}

static void add_section(struct made *m, int var)
{
	btf__add_datasec(m->btf, ".maps", 32);
	btf__add_datasec_var_info(m->btf, var, 0, 32);
}

static int describe(struct made *m)
{
	const struct cb_so_meta meta = {.hash = "h", .arch = "a", .kern_version = "k"};

	free(m->json);
	return cb_map_types(m->btf, &meta, &m->json, &m->err);
}

/* One hash map with a number as key and this value. */
static int describe_value(struct made *m, int value)
{
	add_section(m, add_map(m, "m", BPF_MAP_TYPE_HASH, m->number, value));
	return describe(m);
}

static void assert_refused(struct made *m, int err, int want, const char *words)
{
	assert_int_equal(err, want);
	assert_null(m->json);
	if (!strstr(m->err.text, words))
		fail_msg("'%s' does not say '%s'", m->err.text, words);
}

static void assert_holds(const struct made *m, const char *text)
{
	if (!strstr(m->json, text))
		fail_msg("%s\nholds no\n%s", m->json, text);
}

static void no_maps(void **state)
{
	struct made *m = *state;

	assert_int_equal(describe(m), 0);
	assert_string_equal(m->json, "{\"hash\":\"h\",\"arch\":\"a\",\"kern_version\":\"k\",\"maps\":{},\"ffi\":\"\"}");
}

static void texts(void **state)
{
	struct made *m = *state;
	struct cb_so_meta meta = {.hash = "a\"\\\n\x01", .arch = NULL, .kern_version = "4.19-\xc3\xa9"};

	assert_int_equal(cb_map_types(m->btf, &meta, &m->json, &m->err), 0);
	assert_holds(m, "{\"hash\":\"a\\\"\\\\\\n\\u0001\",\"arch\":\"\",\"kern_version\":\"4.19-\\u00E9\",");
	free(m->json);
	meta.kern_version = "\xff";
	assert_refused(m, cb_map_types(m->btf, &meta, &m->json, &m->err), -EINVAL,
		       "kern_version of a .so is not UTF-8");
}

static void names_that_are_no_c(void **state)
{
	static const char *const bad[] = {"a b", "1a", "a;", "a\n}", "*", "a-b", "\xc3\xa9"};
	struct made *m = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unmake(state);
		make(state);
		m = *state;
		btf__add_struct(m->btf, bad[i], 4);
		btf__add_field(m->btf, "x", m->number, 0, 0);
		assert_refused(m, describe_value(m, 2), -EINVAL, "not a type's name in C");
		unmake(state);
		make(state);
		m = *state;
		btf__add_struct(m->btf, "s", 4);
		btf__add_field(m->btf, bad[i], m->number, 0, 0);
		assert_refused(m, describe_value(m, 2), -EINVAL, "not a member's name in C");
	}
}

static void holds_itself(void **state)
{
	struct made *m = *state;

	btf__add_struct(m->btf, "s", 4);
	btf__add_field(m->btf, "s", 2, 0, 0);
	assert_refused(m, describe_value(m, 2), -EINVAL, "struct s holds itself");
}

static void holds_itself_without_a_name(void **state)
{
	struct made *m = *state;

	btf__add_struct(m->btf, "", 4);
	btf__add_field(m->btf, "s", 3, 0, 0);
	btf__add_struct(m->btf, "", 4);
	btf__add_field(m->btf, "s", 2, 0, 0);
	assert_refused(m, describe_value(m, 2), -EINVAL, "");
}

static void members_that_overlap(void **state)
{
	struct made *m = *state;

	btf__add_struct(m->btf, "s", 8);
	btf__add_field(m->btf, "a", m->number, 0, 0);
	btf__add_field(m->btf, "b", m->number, 16, 0);
	assert_refused(m, describe_value(m, 2), -EINVAL, "the member 'b' lies where another does");
}

static void member_outside(void **state)
{
	struct made *m = *state;

	btf__add_struct(m->btf, "s", 4);
	btf__add_field(m->btf, "a", m->number, 32, 0);
	assert_refused(m, describe_value(m, 2), -EINVAL, "lies outside of struct s");
}

static void member_between_bytes(void **state)
{
	struct made *m = *state;

	int id = btf__add_struct(m->btf, "s", 8);

	btf__add_field(m->btf, "a", m->number, 3, 5);
	/* libbpf does not write what has no bit field's width */
	btf_members(btf__type_by_id(m->btf, (__u32)id))->offset = 3;
	assert_refused(m, describe_value(m, 2), -EINVAL, "does not begin with a byte");
}

/* 20 levels of two members each, packed so that each is written anew: 2^20 of them. */
static void bomb(void **state)
{
	struct made *m = *state;
	__u32 size = 4;
	int inner = m->number;

	for (int level = 0; level < 20; level++) {
		char name[16];
		int id;

		snprintf(name, sizeof(name), "s%d", level);
		id = btf__add_struct(m->btf, level ? "" : name, 2 * size + 1);
		btf__add_field(m->btf, "a", inner, 0, 0);
		btf__add_field(m->btf, "b", inner, size * 8, 0);
		inner = id;
		size = 2 * size + 1;
	}
	assert_refused(m, describe_value(m, inner), -E2BIG, "unfold to more than 65536 members");
}

static void deep(void **state)
{
	struct made *m = *state;
	int inner = m->number;

	for (int level = 0; level < 100; level++) {
		int id = btf__add_struct(m->btf, "", 4);

		btf__add_field(m->btf, "a", inner, 0, 0);
		inner = id;
	}
	assert_refused(m, describe_value(m, inner), -EINVAL, "too deep");
}

static void values_without_size(void **state)
{
	struct made *m = *state;
	int fwd = btf__add_fwd(m->btf, "f", BTF_FWD_STRUCT), proto = btf__add_func_proto(m->btf, m->number);

	assert_refused(m, describe_value(m, fwd), -EINVAL, "map m: its value: ");
	unmake(state);
	make(state);
	m = *state;
	proto = btf__add_func_proto(m->btf, m->number);
	assert_refused(m, describe_value(m, proto), -EINVAL, "map m: its value: ");
}

/* Two types of one name, from two scopes: both are declared. */
static void one_name_twice(void **state)
{
	struct made *m = *state;
	int a = btf__add_struct(m->btf, "s", 4), b;

	btf__add_field(m->btf, "x", m->number, 0, 0);
	b = btf__add_struct(m->btf, "s", 8);
	btf__add_field(m->btf, "y", m->number, 32, 0);
	add_section(m, add_map(m, "m", BPF_MAP_TYPE_HASH, a, b));
	assert_int_equal(describe(m), 0);
	assert_holds(m, "\"fktype\":\"struct s\"");
	assert_holds(m, "\"fvtype\":\"struct s__3\"");
	assert_holds(m, "struct s {\\nunsigned int x;\\n};\\nstruct s__3 {\\nunsigned char :8;\\nunsigned char :8;\\n"
			"unsigned char :8;\\nunsigned char :8;\\nunsigned int y;\\n};\\n");
}

static void alternatives(void **state)
{
	struct made *m = *state;
	int func = btf__add_func(m->btf, "f", BTF_FUNC_GLOBAL, btf__add_func_proto(m->btf, m->number));

	btf__add_decl_tag(m->btf, "lbc_alternative:group", func, -1);
	assert_refused(m, describe(m), -ENOTSUP, "LBC_ALTERNATIVE");
}

/* A map that says nothing of its events: the struct of the usual name, or bytes. */
static void events_without_a_type(void **state)
{
	struct made *m = *state;

	add_section(m, add_map(m, "m", BPF_MAP_TYPE_PERF_EVENT_ARRAY, m->number, m->number));
	assert_int_equal(describe(m), 0);
	assert_holds(m, "\"fktype\":\"\",\"ktype\":null,\"fvtype\":\"unsigned char[1]\"");
	btf__add_struct(m->btf, "event", 4);
	btf__add_field(m->btf, "x", m->number, 0, 0);
	assert_int_equal(describe(m), 0);
	assert_holds(m, "\"fvtype\":\"struct event\",\"vtype\":\"struct event\"");
}

static void unknown_types_of_maps(void **state)
{
	struct made *m = *state;

	add_section(m, add_map(m, "m", 4711, m->number, m->number));
	assert_int_equal(describe(m), 0);
	assert_holds(m, "\"maps\":{}");
}

/* Negative enumerators make a signed number, said by clang (15) or not. */
static void enums(void **state)
{
	struct made *m = *state;

	btf__add_enum(m->btf, "e", 4);
	btf__add_enum_value(m->btf, "minus", -1);
	assert_int_equal(describe_value(m, 2), 0);
	assert_holds(m, "\"fvtype\":\"int\",\"vtype\":\"enum e\"");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
	const struct CMUnitTest tests[] = {
		T(no_maps),
		T(texts),
		T(names_that_are_no_c),
		T(holds_itself),
		T(holds_itself_without_a_name),
		T(members_that_overlap),
		T(member_outside),
		T(member_between_bytes),
		T(bomb),
		T(deep),
		T(values_without_size),
		T(one_name_twice),
		T(alternatives),
		T(enums),
		T(events_without_a_type),
		T(unknown_types_of_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
