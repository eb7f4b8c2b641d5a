// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_stacks.c - stacks added up and written as folded lines; names that folded text cannot hold; stacks of records. */
#include <errno.h>
#include <stdlib.h>

#include "fixture.h"

static struct cb_stacks *stacks;

static int new_stacks(void **state)
{
	stacks = cb_stacks_new();
	return !stacks;
}

static int free_stacks(void **state)
{
	cb_stacks_free(stacks);
	return 0;
}

#define FRAMES(...) ((const char *const[]){__VA_ARGS__}), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static void assert_folded(const char *expected)
{
	struct cb_buf b = {0};

	cb_stacks_folded(stacks, &b);
	assert_false(b.failed);
	assert_string_equal(cb_buf_cstr(&b), expected);
	cb_buf_free(&b);
}

static void test_equal_ones_add_up(void **state)
{
	assert_int_equal(cb_stacks_add(stacks, FRAMES("main", "parse"), 3), 0);
	assert_int_equal(cb_stacks_add(stacks, FRAMES("main", "parse", "alloc"), 5), 0);
	assert_int_equal(cb_stacks_add(stacks, FRAMES("main", "parse"), 4), 0);
	assert_int_equal(cb_stacks_add(stacks, FRAMES("parse"), 1), 0);
	assert_int_equal(cb_stacks_count(stacks), 3);
	assert_folded("main;parse 7\n"
		      "main;parse;alloc 5\n"
		      "parse 1\n");
}

/* The order of LC_ALL=C sort, which the order of frames is not: ' ' < '.' < ';' < 'b' */
static void test_sorted_by_text(void **state)
{
	cb_stacks_add(stacks, FRAMES("ab"), 1);
	cb_stacks_add(stacks, FRAMES("a", "b"), 2);
	cb_stacks_add(stacks, FRAMES("a.part.0"), 3);
	cb_stacks_add(stacks, FRAMES("a"), 4);
	cb_stacks_add(stacks, FRAMES("a", "a"), 5);
	assert_folded("a 4\n"
		      "a.part.0 3\n"
		      "a;a 5\n"
		      "a;b 2\n"
		      "ab 1\n");
}

static void test_names_made_safe(void **state)
{
	cb_stacks_add(stacks, FRAMES("a;b", "line\nbreak\ttab\x7f", "no \xff utf", "", "operator new(unsigned long)"),
		      1);
	/* what is the same when written is the same */
	cb_stacks_add(
		stacks,
		FRAMES("a:b", "line break tab ", "no \xef\xbf\xbd utf", "[unknown]", "operator new(unsigned long)"), 2);
	cb_stacks_add(stacks, FRAMES("gr\xc3\xbc\xc3\x9f"), 1);
	assert_int_equal(cb_stacks_count(stacks), 2);
	assert_folded("a:b;line break tab ;no \xef\xbf\xbd utf;[unknown];operator new(unsigned long) 3\n"
		      "gr\xc3\xbc\xc3\x9f 1\n");
}

/* Names are looked at by eight bytes, so each place in and around a word counts. */
static void test_safe_at_each_place(void **state)
{
	static const struct {
		char bad;
		const char *good;
	} bytes[] = {{';', ":"}, {'\n', " "}, {'\x1f', " "}, {'\x01', " "}, {'\x7f', " "}, {'\x80', "\xef\xbf\xbd"},
		     {' ', " "}, {':', ":"},  {'<', "<"},    {'~', "~"}};

	free_stacks(NULL);
	for (size_t len = 1; len <= 25; len++) {
		for (size_t at = 0; at < len; at++) {
			for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
				char name[32], expected[64];

				memset(name, 'x', len);
				name[len] = '\0';
				name[at] = bytes[i].bad;
				snprintf(expected, sizeof(expected), "%.*s%s%s 1\n", (int)at, name, bytes[i].good,
					 name + at + 1);
				new_stacks(NULL);
				cb_stacks_add(stacks, FRAMES(name), 1);
				assert_folded(expected);
				free_stacks(NULL);
			}
		}
	}
	new_stacks(NULL);
}

static void test_nothing_to_add(void **state)
{
	assert_int_equal(cb_stacks_add(stacks, NULL, 0, 1), 0);
	assert_int_equal(cb_stacks_add(stacks, FRAMES("main"), 0), 0);
	assert_int_equal(cb_stacks_count(stacks), 0);
	assert_folded("");
}

static void test_weights_do_not_wrap(void **state)
{
	cb_stacks_add(stacks, FRAMES("a"), UINT64_MAX - 10);
	cb_stacks_add(stacks, FRAMES("b"), 4);
	cb_stacks_add(stacks, FRAMES("a"), 100);
	assert_folded("a 18446744073709551611\n" /* 2^64 - 1 - 4 */
		      "b 4\n");
}

/* The i-th of 20000 stacks is i in base 7, so each is another one; all are added twice. */
static void test_many(void **state)
{
	static const char *const names[] = {"a", "bb", "ccc", "a_longer_name", "a_longer_name_still", "f", "g"};
	struct cb_buf b = {0};
	size_t lines = 0;
	char *rest, *before = NULL;

	for (unsigned i = 0; i < 40000; i++) {
		const char *frames[16];
		size_t n = 0;

		for (unsigned v = i % 20000 + 1; v; v /= 7)
			frames[n++] = names[v % 7];
		assert_int_equal(cb_stacks_add(stacks, frames, n, i < 20000 ? 1 : 2), 0);
	}
	assert_int_equal(cb_stacks_count(stacks), 20000);
	cb_stacks_folded(stacks, &b);
	cb_buf_ch(&b, '\0');
	for (char *line = strtok_r(b.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *blank = strrchr(line, ' ');

		assert_string_equal(blank, " 3");
		*blank = '\0';
		if (before)
			assert_true(strcmp(before, line) < 0);
		before = line;
		lines++;
	}
	assert_int_equal(lines, 20000);
	cb_buf_free(&b);
}

static void test_deep(void **state)
{
	enum { DEPTH = 100000 };
	const char **frames = malloc(DEPTH * sizeof(*frames));
	struct cb_buf b = {0};

	assert_non_null(frames);
	for (int i = 0; i < DEPTH; i++)
		frames[i] = "f";
	cb_stacks_add(stacks, frames, DEPTH, 1);
	cb_stacks_folded(stacks, &b);
	assert_int_equal(b.len, DEPTH * 2 + 2); /* "f;" or "f " each, "1\n" */
	cb_buf_free(&b);
	free(frames);
}

/* ---- Records --------------------------------------------------------------------------------------------------------- */

struct record {
	uint32_t tgid;
	int32_t user, kernel;
	char comm[16];
};

/* Innermost first. Stack 9 is of a binary that has few symbols left. */
static int answer(void *ctx, bool user, int32_t id, uint32_t tgid, const char *hint, struct cb_buf *out)
{
	static const char plain[] = "write\0helper_[i]\0main";
	static const char bare[] = "[libc.so.6+0x1234]\0[app+0x10]\0"
				   "0xffff\0"
				   "0x10000\0[app+0x20]\0[app+0x20]\0main\0main\0[app+0x20]";
	static const char kernel[] = "vfs_write\0ksys_write\0"
				     "0xffffffff81000000";

	if (user && id == 9)
		cb_buf_add(out, bare, sizeof(bare));
	else if (user)
		cb_buf_add(out, plain, sizeof(plain));
	else
		cb_buf_add(out, kernel, sizeof(kernel));
	return id == 404 ? -ENOENT : 0;
}

static void add_record(int32_t user, int32_t kernel, const char *comm, uint64_t weight)
{
	static const struct cb_resolver r = {.stack = answer};
	struct types t = types_new();
	int id = structure(&t, "sample", sizeof(struct record), {"tgid", display(&t, "lbc_pid_t", t.u32), 0},
			   {"user", display(&t, "lbc_ustack_t", t.s32), 4},
			   {"kernel", display(&t, "lbc_kstack_t", t.s32), 8},
			   {"comm", display(&t, "lbc_comm_t", array_of(&t, t.chr, 16)), 12});
	struct cb_plan *p = plan_of(&t, id, "sample", &r);
	struct record rec = {.tgid = 42, .user = user, .kernel = kernel};

	memcpy(rec.comm, comm, strnlen(comm, sizeof(rec.comm)));
	assert_int_equal(cb_plan_stacks(p, &rec, weight, stacks), 0);
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_record(void **state)
{
	add_record(1, 2, "nginx", 5);
	add_record(1, 2, "nginx", 2);
	assert_folded("nginx;main;helper_[i];write;[unknown]_[k];ksys_write_[k];vfs_write_[k] 7\n");
}

/* -EFAULT: the kernel found none; -1: the tool did not ask for one. */
static void test_record_without_one_stack(void **state)
{
	add_record(-EFAULT, 2, "kworker", 1);
	add_record(1, -1, "nginx", 2);
	add_record(-EFAULT, -1, "idle", 3);
	add_record(-EEXIST, -EFAULT, "lost", 4);
	add_record(404, -EFAULT, "gone", 5);
	assert_folded("gone;[stack 404] 5\n"
		      "idle 3\n"
		      "kworker;[unknown]_[k];ksys_write_[k];vfs_write_[k] 1\n"
		      "lost;[no stack: EEXIST] 4\n"
		      "nginx;main;helper_[i];write 2\n");
}

static void test_record_without_symbols(void **state)
{
	add_record(9, -EFAULT, "stripped", 1);
	assert_folded("stripped;[app];main;main;[app];[unknown];[app];[libc.so.6] 1\n");
}

/* A comm that fills its 16 bytes has no zero. */
static void test_record_full_comm(void **state)
{
	add_record(-EFAULT, -EFAULT, "0123456789abcdef", 1);
	add_record(-EFAULT, -EFAULT, "", 1);
	add_record(-EFAULT, -EFAULT, "a;b", 1);
	assert_folded("0123456789abcdef 1\n"
		      "[unknown] 1\n"
		      "a:b 1\n");
}

static void test_type_without_stacks(void **state)
{
	struct types t = types_new();
	int id = structure(&t, "event", 20, {"pid", t.u32, 0}, {"comm", array_of(&t, t.chr, 16), 4});
	struct cb_plan *p = plan_of(&t, id, "event", NULL);

	assert_int_equal(cb_plan_stacks(p, (char[20]){0}, 1, stacks), 0);
	assert_int_equal(cb_stacks_count(stacks), 0);
	cb_plan_free(p);
	btf__free(t.btf);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, new_stacks, free_stacks)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_ones_add_up),
		TEST(test_sorted_by_text),
		TEST(test_names_made_safe),
		TEST(test_safe_at_each_place),
		TEST(test_nothing_to_add),
		TEST(test_weights_do_not_wrap),
		TEST(test_many),
		TEST(test_deep),
		TEST(test_record),
		TEST(test_record_without_one_stack),
		TEST(test_record_without_symbols),
		TEST(test_record_full_comm),
		TEST(test_type_without_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
