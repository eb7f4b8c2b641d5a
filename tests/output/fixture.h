/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* fixture.h - BTF made by hand for the tests of this room: base types, display typedefs, and short ways to structs. */
#ifndef CB_TESTS_OUTPUT_FIXTURE_H
#define CB_TESTS_OUTPUT_FIXTURE_H

#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "output/output.h"

struct types {
	struct btf *btf;
	int u8, u16, u32, u64, s8, s16, s32, s64, chr, boolean;
};

static inline struct types types_new(void)
{
	struct types t = {.btf = btf__new_empty()};

	assert_non_null(t.btf);
	t.u8 = btf__add_int(t.btf, "unsigned char", 1, 0);
	t.u16 = btf__add_int(t.btf, "unsigned short", 2, 0);
	t.u32 = btf__add_int(t.btf, "unsigned int", 4, 0);
	t.u64 = btf__add_int(t.btf, "unsigned long long", 8, 0);
	t.s8 = btf__add_int(t.btf, "signed char", 1, BTF_INT_SIGNED);
	t.s16 = btf__add_int(t.btf, "short", 2, BTF_INT_SIGNED);
	t.s32 = btf__add_int(t.btf, "int", 4, BTF_INT_SIGNED);
	t.s64 = btf__add_int(t.btf, "long long", 8, BTF_INT_SIGNED);
	t.chr = btf__add_int(t.btf, "char", 1, BTF_INT_SIGNED);
	t.boolean = btf__add_int(t.btf, "_Bool", 1, BTF_INT_BOOL);
	assert_true(t.boolean > 0);
	return t;
}

static inline int display(struct types *t, const char *name, int of)
{
	return btf__add_typedef(t->btf, name, of);
}

static inline int array_of(struct types *t, int elem, unsigned n)
{
	return btf__add_array(t->btf, t->u32, elem, n);
}

struct member {
	const char *name;
	int type;
	unsigned offset; /* bytes; ignored when bits is not 0 */
	unsigned bit, bits;
};

enum { END = -1 };

static inline int add_members(struct types *t, int id, const struct member *m)
{
	assert_true(id > 0);
	for (; m->type != END; m++)
		assert_int_equal(btf__add_field(t->btf, m->name, m->type, m->bits ? m->bit : m->offset * 8, m->bits),
				 0);
	return id;
}

/* structure(&t, "event", 16, {"pid", t.u32, 0}, {"comm", comm, 4}): the members come first, for their types may be made
 * right there, and libbpf takes members only for its newest type. */
#define structure(t, name, size, ...) members_of(btf__add_struct, t, name, size, __VA_ARGS__)
#define union_of(t, name, size, ...)  members_of(btf__add_union, t, name, size, __VA_ARGS__)
#define members_of(add, t, name, size, ...)                                                                            \
	({                                                                                                             \
		const struct member list[] = {__VA_ARGS__, {NULL, END}};                                               \
		add_members(t, add((t)->btf, name, size), list);                                                       \
	})
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static inline struct cb_plan *plan_of(struct types *t, int type, const char *name, const struct cb_resolver *r)
{
	struct cb_err e = {0};
	struct cb_plan *p = cb_plan_new(t->btf, (uint32_t)type, name, r, &e);

	if (!p)
		fail_msg("%s", e.text);
	return p;
}

/* The record as JSON, in static memory until the next call. */
static inline const char *json_of(const struct cb_plan *p, const void *record)
{
	static char text[1 << 16];
	struct cb_buf b = {0};

	cb_plan_json(p, record, &b);
	assert_false(b.failed);
	assert_true(b.len < sizeof(text));
	memcpy(text, b.data, b.len);
	text[b.len] = '\0';
	cb_buf_free(&b);
	return text;
}

/* One field as people read it, likewise. */
static inline const char *text_of(const struct cb_plan *p, size_t i, const void *record)
{
	static char text[1 << 12];
	struct cb_buf b = {0};

	cb_plan_text(p, i, record, &b);
	assert_false(b.failed);
	assert_true(b.len < sizeof(text));
	if (b.len)
		memcpy(text, b.data, b.len);
	text[b.len] = '\0';
	cb_buf_free(&b);
	return text;
}

#endif
