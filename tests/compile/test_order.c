// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_order.c - types that come in another order leave in one, and what refers to them follows. */
#include "check.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#include "compile/order.h"

/* .BTF.ext with one function and one relocation. */
struct ext {
	__u16 magic;
	__u8 version, flags;
	__u32 hdr_len, func_off, func_len, line_off, line_len, core_off, core_len;
	__u32 func_record, func_section, funcs, func_insn, func_type;
	__u32 core_record, core_section, cores, core_insn, core_type, core_access, core_kind;
};

struct object {
	void *btf;
	__u32 size;
	struct ext ext;
};

/* void f(struct s *p) on which a tag stands; struct s { int i; struct t *t; }; struct t { char c; }; and struct asked, which
 * only the relocation names. With swapped the structs come in the opposite order. */
static struct object make(bool swapped)
{
	struct btf *btf = btf__new_empty();
	/* ids:  1 int  2 char, then 3 4 5 the structs, 6 s *, 7 t *, 8 f's type, 9 f, 10 its tag */
	int s = swapped ? 5 : 3, t = swapped ? 3 : 5;
	struct object o;
	const void *raw;

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	for (int id = 3; id <= 5; id++) {
		btf__add_struct(btf, id == s ? "s" : id == t ? "t" : "asked", id == s ? 16 : 1);
		if (id == s)
			btf__add_field(btf, "i", 1, 0, 0);
		if (id == s)
			btf__add_field(btf, "t", 7, 64, 0);
		if (id == t)
			btf__add_field(btf, "c", 2, 0, 0);
	}
	btf__add_ptr(btf, s);
	btf__add_ptr(btf, t);
	btf__add_func_proto(btf, 0);
	btf__add_func_param(btf, "p", 6);
	btf__add_func(btf, "f", BTF_FUNC_GLOBAL, 8);
	btf__add_decl_tag(btf, "tag", 9, -1);
	raw = btf__raw_data(btf, &o.size);
	o.btf = malloc(o.size);
	memcpy(o.btf, raw, o.size);
	btf__free(btf);
	o.ext = (struct ext){
		.magic = BTF_MAGIC,
		.version = 1,
		.hdr_len = 32,
		.func_len = 20,
		.core_off = 20,
		.core_len = 28,
		.func_record = 8,
		.funcs = 1,
		.func_type = 9,
		.core_record = 16,
		.cores = 1,
		.core_type = 4,
	};
	return o;
}

static void assert_type(struct btf *btf, __u32 id, const char *name, int kind, __u32 refers_to)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	assert_non_null(t);
	assert_string_equal(btf__name_by_offset(btf, t->name_off), name);
	assert_int_equal(btf_kind(t), kind);
	if (refers_to)
		assert_int_equal(t->type, refers_to);
}

static void one_order(void **state)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		struct object o = make(swapped);
		struct btf *btf;

		cb_order_types(o.btf, o.size, &o.ext, sizeof(o.ext));
		btf = btf__new(o.btf, o.size);
		assert_non_null(btf);
		assert_int_equal(btf__type_cnt(btf), 11);
		assert_type(btf, 1, "f", BTF_KIND_FUNC, 2);
		assert_type(btf, 2, "", BTF_KIND_FUNC_PROTO, 0);
		assert_int_equal(btf_params(btf__type_by_id(btf, 2))->type, 3);
		assert_type(btf, 3, "", BTF_KIND_PTR, 4);
		assert_type(btf, 4, "s", BTF_KIND_STRUCT, 0);
		assert_int_equal(btf_members(btf__type_by_id(btf, 4))[1].type, 6);
		assert_type(btf, 5, "int", BTF_KIND_INT, 0);
		assert_type(btf, 6, "", BTF_KIND_PTR, 7);
		assert_type(btf, 7, "t", BTF_KIND_STRUCT, 0);
		assert_type(btf, 8, "char", BTF_KIND_INT, 0);
		assert_type(btf, 9, "asked", BTF_KIND_STRUCT, 0);
		assert_type(btf, 10, "tag", BTF_KIND_DECL_TAG, 1);
		assert_int_equal(o.ext.func_type, 1);
		assert_int_equal(o.ext.core_type, 9);
		btf__free(btf);
		free(o.btf);
	}
}

/* What is not right stays as it is. */
/* Only BTF that is written by hand has types that refer to tags: each still gets one number. */
static void tags_that_are_referred_to(void **state)
{
	enum { TAGS = 1000 };
	struct object o = make(false);
	struct btf *btf = btf__new_empty();
	const void *raw;
	__u32 count;

	free(o.btf);
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	for (int i = 0; i < TAGS; i++) {
		int tag = btf__add_decl_tag(btf, "tag", 1, -1);

		btf__add_var(btf, "v", BTF_VAR_STATIC, btf__add_ptr(btf, tag));
	}
	count = btf__type_cnt(btf);
	raw = btf__raw_data(btf, &o.size);
	o.btf = malloc(o.size);
	memcpy(o.btf, raw, o.size);
	btf__free(btf);
	o.ext.func_len = o.ext.core_len = 0;
	cb_order_types(o.btf, o.size, &o.ext, sizeof(o.ext));
	btf = btf__new(o.btf, o.size);
	assert_int_equal(btf__type_cnt(btf), count);
	for (__u32 id = 1, tags = 0; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		tags += btf_is_decl_tag(t);
		assert_true(btf_is_int(t) || t->type < count);
		assert_true(tags <= TAGS);
	}
	btf__free(btf);
	free(o.btf);
}

static void corrupt(void **state)
{
	struct object o = make(true), same = make(true);

	o.ext.core_type = 11;
	cb_order_types(o.btf, o.size, &o.ext, sizeof(o.ext));
	assert_memory_equal(o.btf, same.btf, o.size);
	assert_int_equal(o.ext.func_type, 9);
	o.ext = same.ext;
	o.ext.funcs = 2;
	cb_order_types(o.btf, o.size, &o.ext, sizeof(o.ext));
	assert_memory_equal(o.btf, same.btf, o.size);
	assert_int_equal(o.ext.func_type, 9);
	o.ext = same.ext;
	cb_order_types(o.btf, o.size - 1, &o.ext, sizeof(o.ext));
	cb_order_types(o.btf, o.size, &o.ext, 10);
	assert_memory_equal(o.btf, same.btf, o.size);
	free(o.btf);
	free(same.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_order),
		cmocka_unit_test(tags_that_are_referred_to),
		cmocka_unit_test(corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
