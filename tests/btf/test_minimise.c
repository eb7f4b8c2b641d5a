// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_minimise.c - what is in minimised BTF, what is left to the whole, and bad input. */
#include "check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "btf/bytes.h"
#include "btf/minimise.h"
#include "relocs.h"

/*
 * A kernel in small:
 *	struct task_struct { int pid; struct mm_struct *mm; struct inner { const long *p; } in[3]; fn_t fn; char comm[16]; }
 * and types that nobody asks about in front, between and behind.
 */
static struct btf *small_kernel(void)
{
	struct btf *btf = btf__new_empty();
	int i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int c8 = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int i64 = btf__add_int(btf, "long int", 8, BTF_INT_SIGNED);
	int unasked = btf__add_struct(btf, "unasked", 4);
	int constant, pointer, inner, inners, comm, mm, mm_pointer, proto, fn;

	btf__add_field(btf, "x", i32, 0, 0);
	constant = btf__add_const(btf, i64);
	pointer = btf__add_ptr(btf, constant);
	inner = btf__add_struct(btf, "inner", 8);
	btf__add_field(btf, "p", pointer, 0, 0);
	inners = btf__add_array(btf, i32, inner, 3);
	comm = btf__add_array(btf, i32, c8, 16);
	mm = btf__add_struct(btf, "mm_struct", 8);
	btf__add_field(btf, "total_vm", i64, 0, 0);
	mm_pointer = btf__add_ptr(btf, mm);
	proto = btf__add_func_proto(btf, unasked);
	btf__add_func_param(btf, "x", unasked);
	fn = btf__add_typedef(btf, "fn_t", btf__add_ptr(btf, proto));
	btf__add_struct(btf, "task_struct", 64);
	btf__add_field(btf, "pid", i32, 0, 0);
	btf__add_field(btf, "mm", mm_pointer, 64, 0);
	btf__add_field(btf, "in", inners, 128, 0);
	btf__add_field(btf, "fn", fn, 320, 0);
	btf__add_field(btf, "comm", comm, 384, 0);
	btf__add_func(btf, "task_struct", BTF_FUNC_STATIC, proto);
	btf__add_typedef(btf, "after", unasked);
	return btf;
}

/* Minimised against a small kernel; *e says what went wrong. */
static struct btf *minimised(const char *object, struct btf *kernel, int *err, struct cb_err *e)
{
	struct object o = read_object(object);
	struct btf *btf = NULL;
	const void *raw;
	__u32 raw_size;
	size_t size;
	void *mini;

	raw = btf__raw_data(kernel, &raw_size);
	*err = cb_btf_minimise_bytes(o.data, o.size, raw, raw_size, false, &mini, &size, e);
	if (mini) {
		btf = btf__new(mini, (__u32)size);
		assert_non_null(btf);
	}
	free(mini);
	free(o.data);
	btf__free(kernel);
	return btf;
}

static void keeps_what_is_contained(void **state)
{
	struct cb_err e = {0};
	int err, id;
	struct btf *btf = minimised("nested", small_kernel(), &err, &e);
	const struct btf_member *m;
	const struct btf_type *t;

	assert_int_equal(err, 0);
	id = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);
	assert_true(id > 0);
	t = btf__type_by_id(btf, (__u32)id);
	m = btf_members(t);
	assert_int_equal(t->size, 64);
	assert_int_equal(btf_vlen(t), 5);
	assert_string_equal(btf__name_by_offset(btf, m[4].name_off), "comm");
	assert_int_equal(btf_member_bit_offset(t, 4), 384);
	assert_int_equal(btf__resolve_size(btf, m[4].type), 16);
	assert_int_equal(btf__resolve_size(btf, m[2].type), 24);
	assert_true(btf_is_ptr(btf__type_by_id(btf, m[1].type)));
	assert_int_equal(btf__type_by_id(btf, m[1].type)->type, 0);
	assert_true(btf__find_by_name_kind(btf, "inner", BTF_KIND_STRUCT) > 0);
	assert_true(btf__find_by_name_kind(btf, "fn_t", BTF_KIND_TYPEDEF) > 0);
	btf__free(btf);
}

static void leaves_out_the_rest(void **state)
{
	struct cb_err e = {0};
	int err;
	struct btf *btf = minimised("nested", small_kernel(), &err, &e);

	assert_int_equal(err, 0);
	assert_true(btf__find_by_name(btf, "mm_struct") < 0);
	assert_true(btf__find_by_name(btf, "unasked") < 0);
	assert_true(btf__find_by_name(btf, "after") < 0);
	/* 3 integers; task_struct, *mm, in[3], inner, *p, fn_t, *fn, comm[16]; void */
	assert_int_equal(btf__type_cnt(btf), 3 + 8 + 1);
	btf__free(btf);
}

static void learns_pointer_size(void **state)
{
	struct cb_err e = {0};
	int err;
	struct btf *kernel = btf__new_empty(), *btf;

	btf__add_int(kernel, "unsigned long", 4, 0);
	btf = minimised("nested", kernel, &err, &e);
	assert_int_equal(err, 0);
	assert_int_equal(btf__pointer_size(btf), 4);
	btf__free(btf);
}

static void nothing_to_relocate(void **state)
{
	static const char *const names[] = {"none", "local"};

	for (int i = 0; i < 2; i++) {
		struct cb_err e = {0};
		int err;
		struct btf *btf = minimised(names[i], small_kernel(), &err, &e);

		assert_int_equal(err, 0);
		assert_null(btf);
	}
}

static void needs_the_whole(void **state)
{
	struct cb_err e = {0};
	int err;

	assert_null(minimised("whole_id", small_kernel(), &err, &e));
	assert_int_equal(err, -ENOTSUP);
	assert_non_null(strstr(e.text, "task_struct"));
	assert_null(minimised("whole_pointer", small_kernel(), &err, &e));
	assert_int_equal(err, -ENOTSUP);
	assert_non_null(strstr(e.text, "initcall_t"));
}

static void modules_may_have_it(void **state)
{
	struct object o = read_object("nested");
	struct btf *kernel = small_kernel();
	struct cb_err e = {0};
	const void *raw;
	__u32 raw_size;
	size_t size;
	void *mini;

	raw = btf__raw_data(kernel, &raw_size);
	assert_int_equal(cb_btf_minimise_bytes(o.data, o.size, raw, raw_size, true, &mini, &size, &e), -ENOTSUP);
	assert_null(mini);
	assert_non_null(strstr(e.text, "inet_sock")); /* the small kernel has no sockets */
	free(o.data);
	btf__free(kernel);
}

/* Every length that an object or BTF can be cut to: an answer or an error, never a crash (run with sanitizers). */
static void cut_anywhere(void **state)
{
	struct object o = read_object("nested");
	struct btf *kernel = small_kernel();
	const void *raw;
	__u32 raw_size;
	size_t size;
	void *mini;

	raw = btf__raw_data(kernel, &raw_size);
	for (__u32 len = 0; len < raw_size; len++) {
		void *part = malloc(len ? len : 1);

		memcpy(part, raw, len);
		assert_true(cb_btf_minimise_bytes(o.data, o.size, part, len, false, &mini, &size, NULL) < 0);
		free(part);
	}
	for (size_t len = 0; len < o.size; len += 97) {
		void *part = malloc(len ? len : 1);

		memcpy(part, o.data, len);
		cb_btf_minimise_bytes(part, len, raw, raw_size, false, &mini, &size, NULL);
		free(mini);
		free(part);
	}
	free(o.data);
	btf__free(kernel);
}

static void corrupt_references(void **state)
{
	struct object o = read_object("nested");
	struct btf *kernel = small_kernel();
	struct cb_err e = {0};
	int id = btf__find_by_name_kind(kernel, "task_struct", BTF_KIND_STRUCT);
	struct btf_member *m = btf_members((struct btf_type *)btf__type_by_id(kernel, (__u32)id));
	const void *raw;
	__u32 raw_size;
	size_t size;
	void *mini;

	m[0].type = 1000;
	raw = btf__raw_data(kernel, &raw_size);
	assert_int_equal(cb_btf_minimise_bytes(o.data, o.size, raw, raw_size, false, &mini, &size, &e), -EINVAL);
	assert_string_equal(e.text, "corrupt BTF: type 1000 is named and not there");
	free(o.data);
	btf__free(kernel);
}

static void find_by_name(void **state)
{
	struct btf *kernel = small_kernel();
	struct cb_btf_view v;
	const void *raw;
	__u32 size;

	raw = btf__raw_data(kernel, &size);
	assert_int_equal(cb_btf_view(raw, size, &v, NULL), 0);
	assert_int_equal(cb_btf_find(&v, "task_struct", BTF_KIND_STRUCT),
			 btf__find_by_name_kind(kernel, "task_struct", BTF_KIND_STRUCT));
	assert_int_equal(cb_btf_find(&v, "task_struct", BTF_KIND_FUNC),
			 btf__find_by_name_kind(kernel, "task_struct", BTF_KIND_FUNC));
	assert_int_equal(cb_btf_find(&v, "task_struct", BTF_KIND_UNION), -ENOENT);
	assert_int_equal(cb_btf_find(&v, "task", BTF_KIND_STRUCT), -ENOENT);
	btf__free(kernel);
}

static void absent_files(void **state)
{
	struct object o = read_object("nested");
	struct cb_err e = {0};
	size_t size;
	void *mini;

	assert_int_equal(cb_btf_minimise(o.data, o.size, "/nonexistent", &mini, &size, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent"));
	assert_int_equal(cb_btf_minimise("not an object", 13, "/nonexistent", &mini, &size, &e), -EINVAL);
	free(o.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_contained),
		cmocka_unit_test(leaves_out_the_rest),
		cmocka_unit_test(learns_pointer_size),
		cmocka_unit_test(nothing_to_relocate),
		cmocka_unit_test(needs_the_whole),
		cmocka_unit_test(modules_may_have_it),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(corrupt_references),
		cmocka_unit_test(absent_files),
		cmocka_unit_test(find_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
