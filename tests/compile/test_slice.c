// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_slice.c - which types of a small BTF come into a slice, and how they are written. (That objects come out the same is
 * test_slice_same.c's part.)
 */
#include "check.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "btf/index.h"
#include "compile/dump.h"
#include "compile/slice.h"
#include "compile/slice_write.h"
#include "fail_alloc.h"

FAIL_ALLOC(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))

/* What the BTF of a test is made of. */
static struct btf *btf;
static int i32, u8;
static struct cb_buf out;
static struct cb_err err;

static int begin(void **state)
{
	btf = btf__new_empty();
	i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	u8 = btf__add_int(btf, "unsigned char", 1, 0);
	out = (struct cb_buf){0};
	err.text[0] = '\0';
	return 0;
}

static int end(void **state)
{
	btf__free(btf);
	cb_buf_free(&out);
	return 0;
}

static int slice_texts(const struct cb_slice_text *texts, size_t n)
{
	struct cb_btf_index ix;
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);
	int ret = cb_btf_index_make(raw, size, NULL, &ix, &err);

	assert_int_equal(ret, 0);
	out.len = 0;
	ret = cb_slice(&ix, texts, n, &out, &err);
	cb_btf_index_close(&ix);
	return ret;
}

static bool cut_head(const char **text, const char *head)
{
	size_t len = strlen(head);

	if (strncmp(*text, head, len) != 0)
		return false;
	*text += len;
	return true;
}

static void cut_tail(const char *text, const char *tail)
{
	size_t len = strlen(text), n = strlen(tail);

	assert_true(len >= n);
	assert_string_equal(text + len - n, tail);
	((char *)text)[len - n] = '\0';
}

/* What stands inside the frame. */
static const char *slice_of(const char *program, const char *library)
{
	struct cb_slice_text texts[] = {{.text = program, .len = strlen(program)},
					{.text = library, .len = strlen(library), .library = true}};
	const char *text;
	bool records;

	if (slice_texts(texts, 2))
		fail_msg("%s", err.text);
	text = cb_buf_cstr(&out);
	assert_true(cut_head(&text, CB_VMLINUX_H_BEGIN));
	cut_tail(text, CB_VMLINUX_H_END);
	/* clang warns of an attribute for nothing */
	records = cut_head(&text, CB_VMLINUX_H_RECORDS);
	assert_int_equal(records, strstr(text, " {\n\t") && (strstr(text, "struct") || strstr(text, "union")));
	if (records)
		cut_tail(text, CB_VMLINUX_H_RECORDS_END);
	return text;
}

static void assert_slice(const char *program, const char *expected)
{
	assert_string_equal(slice_of(program, ""), expected);
}

/* struct NAME { int x; } */
static int add_struct(const char *name)
{
	int id = btf__add_struct(btf, name, 4);

	btf__add_field(btf, "x", i32, 0, 0);
	return id;
}

static void nothing(void **state)
{
	add_struct("a");
	assert_slice("", "");
	assert_slice("/* struct a */ // struct a\nchar *s = \"struct a\"; int a; x.a = 'a';", "");
}

static void tags_and_idents(void **state)
{
	int a = add_struct("a");

	btf__add_typedef(btf, "t", a);
	btf__add_enum(btf, "e", 4);
	btf__add_enum_value(btf, "A", 0);
	btf__add_enum_value(btf, "B", 0xffffffff);
	assert_slice("struct a *p;", "struct a {\n\tint x;\n};\n\n");
	assert_slice("t *p;", "struct a {\n\tint x;\n};\n\ntypedef struct a t;\n\n");
	assert_slice("enum e f;", "enum e {\n\tA = 0,\n\tB = 4294967295,\n};\n\n");
	assert_slice("int i = B;", "enum e {\n\tA = 0,\n\tB = 4294967295,\n};\n\n");
	/* not a typedef, nor a tag */
	assert_slice("int e; x.t = x->A; struct t *p;", "");
}

/* struct a { struct b *to; struct c in; }; struct b { struct c *next; }; struct c { int x; } */
static void add_chain(void)
{
	int c = add_struct("c"), to_c = btf__add_ptr(btf, c), b = btf__add_struct(btf, "b", 8);
	int to_b;

	btf__add_field(btf, "next", to_c, 0, 0);
	to_b = btf__add_ptr(btf, b);
	btf__add_struct(btf, "a", 16);
	btf__add_field(btf, "to", to_b, 0, 0);
	btf__add_field(btf, "in", c, 64, 0);
}

static void pointers(void **state)
{
	static const char c[] = "struct c {\n\tint x;\n};\n\n", b[] = "struct b {\n\tstruct c *next;\n};\n\n",
			  a[] = "struct a {\n\tstruct b *to;\n\tstruct c in;\n\tlong : 0;\n};\n\n";
	char expected[512];

	add_chain();
	snprintf(expected, sizeof(expected), "%s%s", c, a);
	/* the hole behind is a compiler's own */
	*strstr(strstr(expected, "in;"), "\tlong : 0;\n") = '\0';
	strcat(expected, "};\n\n");
	assert_slice("struct a *p;", expected);
	assert_non_null(strstr(slice_of("struct a *p; p->to;", ""), b));
	assert_non_null(strstr(slice_of("struct a *p; READ(p, to, next);", ""), b));
	assert_null(strstr(slice_of("struct b *p;", ""), c));
	assert_non_null(strstr(slice_of("struct b *p; p->next", ""), c));
}

/* A struct that is too large for a variable: of what the program has no name for only the places are kept. */
static void large(void **state)
{
	int c = add_struct("c"), to_c = btf__add_ptr(btf, c), array = btf__add_array(btf, i32, u8, 600);
	int gfp = btf__add_typedef(btf, "gfp_t", i32);

	btf__add_struct(btf, "big", 624);
	btf__add_field(btf, "p", to_c, 0, 0);
	btf__add_field(btf, "v", c, 64, 0);
	btf__add_field(btf, "flags", gfp, 96, 0);
	btf__add_field(btf, "bits", gfp, 128, 3);
	btf__add_field(btf, "tail", array, 160, 0);
	assert_slice("struct big *b;",
		     "struct big {\n\tvoid *p;\n\tint v[1];\n\tint flags;\n\tint bits: 3;\n\tint : 0;\n\t"
		     "char tail[600];\n};\n\n");
	assert_non_null(strstr(slice_of("struct big *b; b->p", ""), "\tstruct c *p;\n\tint v[1];"));
	assert_non_null(strstr(slice_of("struct big *b; b->flags", ""), "\tgfp_t flags;"));
	/* a value, and where names are glued together */
	assert_non_null(strstr(slice_of("sizeof(struct big)", ""), "\tstruct c *p;\n\tstruct c v;\n\tgfp_t flags;"));
	assert_non_null(strstr(slice_of("#define G(x) x##s\nstruct big *b;", ""), "\tstruct c v;"));
	/* all members are compared, also those that nobody names */
	assert_non_null(strstr(slice_of("struct big *b; bpf_core_type_matches(*b)", ""), "\tstruct c v;"));
}

static void layout(void **state)
{
	int i64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);

	btf__add_struct(btf, "packed", 5);
	btf__add_field(btf, "a", u8, 0, 0);
	btf__add_field(btf, "b", i32, 8, 0);
	btf__add_struct(btf, "holes", 64);
	btf__add_field(btf, "a", i32, 0, 3);
	btf__add_field(btf, "b", i32, 8, 4);
	btf__add_field(btf, "c", u8, 40, 0);
	btf__add_field(btf, "d", i64, 192, 0);
	assert_slice("struct packed p;",
		     "struct packed {\n\tunsigned char a;\n\tint b;\n} __attribute__((packed));\n\n");
	assert_slice("struct holes p;",
		     "struct holes {\n\tint a: 3;\n\tchar : 5;\n\tint b: 4;\n\tint : 0;\n\tchar : 8;\n\tunsigned "
		     "char c;\n\tlong : 64;\n\tlong : 64;\n\tlong d;\n\tlong : 64;\n\tlong : 64;\n\tlong : 64;\n\tlong "
		     ": 64;\n};\n\n");
}

static void declarators(void **state)
{
	int a = add_struct("a"), to_a = btf__add_ptr(btf, a), const_int = btf__add_const(btf, i32);
	int to_const = btf__add_ptr(btf, const_int), const_to_const = btf__add_const(btf, to_const);
	int array = btf__add_array(btf, i32, const_to_const, 3), proto = btf__add_func_proto(btf, const_to_const),
	    to_proto;

	btf__add_func_param(btf, "p", to_a);
	btf__add_func_param(btf, "", 0);
	to_proto = btf__add_ptr(btf, proto);
	btf__add_typedef(btf, "array_t", array);
	btf__add_typedef(btf, "function_t", to_proto);
	btf__add_typedef(btf, "functions_t", btf__add_array(btf, i32, to_proto, 2));
	assert_slice("array_t t;", "typedef const int *const array_t[3];\n\n");
	assert_slice("function_t t;", "struct a;\n\ntypedef const int *const (*function_t)(struct a *, ...);\n\n");
	assert_slice("functions_t t;", "struct a;\n\ntypedef const int *const (*functions_t[2])(struct a *, ...);\n\n");
}

/* Of several types of one name the first keeps it, as libbpf does it. */
static void same_names(void **state)
{
	int second, to_second;

	add_struct("a");
	second = btf__add_struct(btf, "a", 1);
	btf__add_field(btf, "y", u8, 0, 0);
	to_second = btf__add_ptr(btf, second);
	btf__add_struct(btf, "b", 16);
	btf__add_field(btf, "p", to_second, 0, 0);
	btf__add_field(btf, "p", i32, 64, 0);
	btf__add_enum(btf, "", 4);
	btf__add_enum_value(btf, "ONE", 1);
	btf__add_enum(btf, "second", 4);
	btf__add_enum_value(btf, "ONE", 2);
	assert_slice("struct a x;", "struct a {\n\tint x;\n};\n\n");
	assert_slice("struct b *x; x->p",
		     "struct a___2 {\n\tunsigned char y;\n};\n\nstruct b {\n\tstruct a___2 *p;\n\tint "
		     "p__6;\n};\n\n");
	assert_slice("ONE", "enum {\n\tONE = 1,\n};\n\n");
	assert_slice("enum second s;", "enum second {\n\tONE___2 = 2,\n};\n\n");
}

/* Of a library only what the program uses counts; but what the compiler reads has to be declared. */
static void libraries(void **state)
{
	static const char library[] = "struct a;\nstatic long (*helper)(struct a *p, u32 n) = (void *)1;\n"
				      "static struct c *(*current)(void) = (void *)2;\n"
				      "#define FIRST(p) ((struct b *)(p))->to\n#define COUNT(x...) GLUE(ARG, 3)(x)\n"
				      "#define ARG3(x) sizeof(struct c)\n#define GLUE(a, b) a##b\n";

	add_chain();
	btf__add_typedef(btf, "u32", i32);
	assert_string_equal(slice_of("", library), "typedef int u32;\n\n");
	assert_non_null(strstr(slice_of("current()->x", library), "struct c {"));
	assert_non_null(strstr(slice_of("FIRST(ctx)", library), "struct b {"));
	assert_null(strstr(slice_of("FIRST(ctx)", library), "struct c {"));
	assert_non_null(strstr(slice_of("COUNT(1, 2, 3)", library), "struct c {"));
	assert_non_null(strstr(slice_of("helper(0, 0)", library), "struct a {"));
}

static void tags_from_macros(void **state)
{
	add_chain();
	assert_non_null(strstr(slice_of("#define S(n) struct n\nS(c) x;", ""), "struct c {"));
	assert_non_null(strstr(slice_of("struct __attribute__((aligned(8))) c x;", ""), "struct c {"));
}

static void assert_corrupt(const char *program, const char *words)
{
	struct cb_slice_text text = {.text = program, .len = strlen(program)};

	assert_int_equal(slice_texts(&text, 1), -EINVAL);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

/* Names that would be more than names in C. */
static void bad_names(void **state)
{
	int evil = btf__add_int(btf, "int; int", 4, 0);

	btf__add_struct(btf, "a", 4);
	btf__add_field(btf, "x;\n#include \"y\"\nint z", i32, 0, 0);
	btf__add_struct(btf, "b", 4);
	btf__add_field(btf, "x", evil, 0, 0);
	assert_corrupt("struct a x;", "is not a name");
	assert_corrupt("struct b x;", "cannot be written as C");
	assert_slice("int y;", "");
}

/* So many structs without a name inside each other, each with the one before as its so many members. */
static void add_nested(const char *name, int levels, int members)
{
	int inner = i32;

	for (int i = 0; i < levels; i++) {
		int outer = btf__add_struct(btf, "", 4);

		for (int m = 0; m < members; m++)
			btf__add_field(btf, m ? "b" : "a", inner, 0, 0);
		inner = outer;
	}
	btf__add_typedef(btf, name, inner);
}

/* What just passes as BTF. (More does not: see test_kernel.c.) */
static void bombs(void **state)
{
	struct cb_slice_text text = {.text = "wide x;", .len = 7};

	add_nested("wide", 15, 2);
	add_nested("deep", 200, 1);
	assert_int_equal(slice_texts(&text, 1), 0);
	assert_true(out.len > 1 << 16 && out.len < CB_SLICE_MAX);
	assert_corrupt("deep x;", "cannot be written as C");
}

static void no_memory(void **state)
{
	static const struct cb_slice_text texts[] = {
		{.text = "struct a *p; p->to->next;", .len = 25},
		{.text = "#define M(x) ((struct b *)x)\n", .len = 29, .library = true},
	};
	struct cb_btf_index ix;
	__u32 size;
	const void *raw;
	int ret = -ENOMEM;

	add_chain();
	raw = btf__raw_data(btf, &size);
	assert_int_equal(cb_btf_index_make(raw, size, NULL, &ix, &err), 0);
	for (long n = 1; ret; n++) {
		cb_buf_free(&out);
		out = (struct cb_buf){0};
		fail_at = n;
		ret = cb_slice(&ix, texts, 2, &out, &err);
		fail_at = 0;
		assert_true(ret == 0 || ret == -ENOMEM);
		assert_true(ret == 0 ? n > 5 : n < 100);
	}
	cb_btf_index_close(&ix);
}

#define of_btf(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		of_btf(nothing),   of_btf(tags_and_idents), of_btf(pointers),	      of_btf(large),
		of_btf(layout),	   of_btf(declarators),	    of_btf(same_names),	      of_btf(libraries),
		of_btf(bad_names), of_btf(bombs),	    of_btf(tags_from_macros), of_btf(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
