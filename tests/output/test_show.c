// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_show.c - maps as tables, the top of them, histograms and stacks, for people, as JSON and as CSV. */
#include <errno.h>
#include <stdlib.h>

#include "fixture.h"
#include "output/hist.h"

static struct types t;
static struct cb_err error;

static int set_up(void **state)
{
	t = types_new();
	error.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	btf__free(t.btf);
	return 0;
}

static struct cb_show *show_of(const char *how, const char *hist, int key, int value, enum cb_format format,
			       const struct cb_resolver *r)
{
	const struct cb_show_spec spec = {
		.title = "calls",
		.how = how,
		.hist = hist,
		.btf = t.btf,
		.key_type_id = (uint32_t)key,
		.value_type_id = (uint32_t)value,
		.format = format,
		.resolver = r,
	};

	return cb_show_new(&spec, &error);
}

static const char *rendered(struct cb_show *s, unsigned width)
{
	static char text[1 << 16];
	struct cb_buf b = {0};

	if (cb_show_render(s, width, &b, &error))
		fail_msg("%s", error.text);
	assert_true(b.len < sizeof(text));
	if (b.len)
		memcpy(text, b.data, b.len);
	text[b.len] = '\0';
	cb_buf_free(&b);
	return text;
}

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

struct key {
	int32_t pid;
	char comm[12];
};

struct value {
	uint64_t count;
	uint64_t took;
};

static int key_type(void)
{
	return structure(&t, "key", sizeof(struct key), {"pid", t.s32, 0}, {"comm", array_of(&t, t.chr, 12), 4});
}

static int value_type(void)
{
	return structure(&t, "value", sizeof(struct value), {"count", t.u64, 0},
			 {"took", display(&t, "lbc_ns_t", t.u64), 8});
}

static void add_three(struct cb_show *s)
{
	assert_int_equal(cb_show_add(s, &(struct key){10, "bash"}, &(struct value){5, 1500}), 0);
	assert_int_equal(cb_show_add(s, &(struct key){-1, "a,b"}, &(struct value){UINT64_MAX, 0}), 0);
	assert_int_equal(cb_show_add(s, &(struct key){9, "x"}, &(struct value){5, 2000000}), 0);
}

static void test_table(void **state)
{
	struct cb_show *s = show_of("", "", key_type(), value_type(), CB_TABLE, NULL);

	assert_non_null(s);
	assert_false(cb_show_clears(s));
	assert_string_equal(rendered(s, 0), "");
	add_three(s);
	assert_string_equal(rendered(s, 0), "calls\n"
					    "PID COMM                COUNT   TOOK\n"
					    " -1 a,b  18446744073709551615      0\n"
					    "  9 x                       5 2.00ms\n"
					    " 10 bash                    5 1.50us\n\n");
	/* the entries are forgotten */
	assert_string_equal(rendered(s, 0), "");
	cb_show_free(s);
	s = show_of("table clear", "", key_type(), value_type(), CB_JSON, NULL);
	assert_true(cb_show_clears(s));
	add_three(s);
	assert_string_equal(
		rendered(s, 0),
		"{\"map\":\"calls\",\"key\":{\"pid\":-1,\"comm\":\"a,b\"},\"value\":{\"count\":18446744073709551615,"
		"\"took\":0}}\n"
		"{\"map\":\"calls\",\"key\":{\"pid\":9,\"comm\":\"x\"},\"value\":{\"count\":5,\"took\":2000000}}\n"
		"{\"map\":\"calls\",\"key\":{\"pid\":10,\"comm\":\"bash\"},\"value\":{\"count\":5,\"took\":1500}}\n");
	cb_show_free(s);
	s = show_of("table", "", key_type(), value_type(), CB_CSV, NULL);
	add_three(s);
	assert_string_equal(rendered(s, 0), "map,pid,comm,count,took\n"
					    "calls,-1,\"a,b\",18446744073709551615,0\n"
					    "calls,9,x,5,2000000\n"
					    "calls,10,bash,5,1500\n");
	cb_show_free(s);
}

static void test_bare_key_and_value(void **state)
{
	struct cb_show *s = show_of("top 1 by value clear", "", t.u32, t.u64, CB_TABLE, NULL);

	assert_non_null(s);
	cb_show_add(s, &(uint32_t){1}, &(uint64_t){10});
	cb_show_add(s, &(uint32_t){2}, &(uint64_t){20});
	assert_string_equal(rendered(s, 0), "calls\nKEY VALUE\n  2    20\n\n");
	cb_show_free(s);
	s = show_of("top 9 by key", "", t.u32, t.u64, CB_JSON, NULL);
	cb_show_add(s, &(uint32_t){1}, &(uint64_t){10});
	cb_show_add(s, &(uint32_t){2}, &(uint64_t){20});
	assert_string_equal(rendered(s, 0), "{\"map\":\"calls\",\"key\":2,\"value\":20}\n"
					    "{\"map\":\"calls\",\"key\":1,\"value\":10}\n");
	cb_show_free(s);
}

/* Largest first; 5 and 5 in the order of their keys. */
static void test_top(void **state)
{
	struct cb_show *s = show_of("top 2 by took", "", key_type(), value_type(), CB_CSV, NULL);

	add_three(s);
	assert_string_equal(rendered(s, 0), "map,pid,comm,count,took\ncalls,9,x,5,2000000\ncalls,10,bash,5,1500\n");
	cb_show_free(s);
	s = show_of("top 10", "", key_type(), value_type(), CB_CSV, NULL);
	add_three(s);
	assert_string_equal(rendered(s, 0), "map,pid,comm,count,took\ncalls,-1,\"a,b\",18446744073709551615,0\n"
					    "calls,9,x,5,2000000\ncalls,10,bash,5,1500\n");
	cb_show_free(s);
}

static void test_narrow_terminal(void **state)
{
	int key = structure(&t, "key", 40, {"file", array_of(&t, t.chr, 40), 0});
	struct cb_show *s = show_of("table", "", key, t.u64, CB_TABLE, NULL);

	cb_show_add(s, &(char[40]){"/a/very/long/path/of/a/file"}, &(uint64_t){7});
	assert_string_equal(rendered(s, 20), "calls\nFILE           VALUE\n/a/very/long/p     7\n\n");
	cb_show_free(s);
}

/* ---- Histograms ------------------------------------------------------------------------------------------------- */

/* Against the definition in lbc.h: 2^i <= v < 2^(i+1), 10^i <= v < 10^(i+1), slot 0 also zero. */
static void test_ranges(void **state)
{
	static const struct {
		enum cb_hist_kind kind;
		uint64_t step;
		size_t slot;
		uint64_t from, to;
	} cases[] = {
		{CB_HIST_LOG2, 1, 0, 0, 1},
		{CB_HIST_LOG2, 1, 1, 2, 3},
		{CB_HIST_LOG2, 1, 10, 1024, 2047},
		{CB_HIST_LOG2, 1, 63, 9223372036854775808u, UINT64_MAX},
		{CB_HIST_LOG2, 1, 64, UINT64_MAX, UINT64_MAX},
		{CB_HIST_LOG10, 1, 0, 0, 9},
		{CB_HIST_LOG10, 1, 1, 10, 99},
		{CB_HIST_LOG10, 1, 19, 10000000000000000000u, UINT64_MAX},
		{CB_HIST_LOG10, 1, 60, UINT64_MAX, UINT64_MAX},
		{CB_HIST_LINEAR, 1, 5, 5, 5},
		{CB_HIST_LINEAR, 100, 0, 0, 99},
		{CB_HIST_LINEAR, 100, 3, 300, 399},
		{CB_HIST_LINEAR, 1ull << 63, 2, UINT64_MAX, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct cb_hist h = {.kind = cases[i].kind, .step = cases[i].step};
		uint64_t from, to;

		cb_hist_range(&h, cases[i].slot, &from, &to);
		assert_int_equal(from, cases[i].from);
		assert_int_equal(to, cases[i].to);
	}
}

static void add_slots(struct cb_show *s)
{
	const int64_t counts[64] = {[3] = 10, [4] = 40, [6] = 1};

	for (int32_t i = 0; i < 64; i++)
		assert_int_equal(cb_show_add(s, &i, &counts[i]), 0);
}

static void test_slot_map(void **state)
{
	struct cb_show *s = show_of("hist us", "log2", t.s32, t.s64, CB_TABLE, NULL);

	add_slots(s);
	assert_string_equal(rendered(s, 0), "calls\n"
					    "        us : count distribution\n"
					    "  8 -> 15  : 10    |**********                              |\n"
					    " 16 -> 31  : 40    |****************************************|\n"
					    " 32 -> 63  : 0     |                                        |\n"
					    " 64 -> 127 : 1     |*                                       |\n\n");
	add_slots(s);
	/* 10 + 3 + 5 + 3 leave 19 of 40 columns */
	assert_non_null(strstr(rendered(s, 40), "\n 16 -> 31  : 40    |*******************|\n"));
	cb_show_free(s);
	s = show_of("", "log10", t.s32, t.s64, CB_JSON, NULL);
	add_slots(s);
	assert_string_equal(rendered(s, 0), "{\"map\":\"calls\",\"buckets\":[{\"from\":1000,\"to\":9999,\"count\":10},"
					    "{\"from\":10000,\"to\":99999,\"count\":40},"
					    "{\"from\":100000,\"to\":999999,\"count\":0},"
					    "{\"from\":1000000,\"to\":9999999,\"count\":1}]}\n");
	cb_show_free(s);
	s = show_of("linear 5 ms", "log2", t.s32, t.s64, CB_CSV, NULL);
	add_slots(s);
	assert_string_equal(rendered(s, 0), "map,from,to,count\ncalls,15,19,10\ncalls,20,24,40\ncalls,25,29,0\n"
					    "calls,30,34,1\n");
	cb_show_free(s);
	s = show_of("linear", "log2", t.s32, t.s64, CB_TABLE, NULL);
	cb_show_add(s, &(int32_t){3}, &(int64_t){2});
	assert_string_equal(
		rendered(s, 0),
		"calls\nvalue : count distribution\n3     : 2     |****************************************|\n\n");
	cb_show_free(s);
}

/* The value holds the slots: one histogram for each key. */
static void test_arrays(void **state)
{
	int slots = structure(&t, "slots", 24, {"total", t.u64, 0}, {"slots", array_of(&t, t.u32, 4), 8});
	struct {
		uint64_t total;
		uint32_t slots[4];
	} a = {9, {0, 1, 2, 0}}, b = {9, {4294967295u, 0, 0, 0}}, none = {9, {0}};
	struct cb_show *s = show_of("hist ns clear", "", key_type(), slots, CB_TABLE, NULL);

	assert_non_null(s);
	assert_true(cb_show_clears(s));
	cb_show_add(s, &(struct key){10, "bash"}, &a);
	cb_show_add(s, &(struct key){9, "zsh"}, &b);
	cb_show_add(s, &(struct key){8, "nothing"}, &none);
	assert_string_equal(rendered(s, 0), "calls: pid=9 comm=zsh\n"
					    "    ns : count      distribution\n"
					    "0 -> 1 : 4294967295 |****************************************|\n\n"
					    "calls: pid=10 comm=bash\n"
					    "    ns : count distribution\n"
					    "2 -> 3 : 1     |********************                    |\n"
					    "4 -> 7 : 2     |****************************************|\n\n");
	cb_show_free(s);
	s = show_of("hist ns", "", key_type(), slots, CB_JSON, NULL);
	cb_show_add(s, &(struct key){10, "bash"}, &a);
	assert_string_equal(rendered(s, 0),
			    "{\"map\":\"calls\",\"key\":{\"pid\":10,\"comm\":\"bash\"},\"unit\":\"ns\","
			    "\"buckets\":[{\"from\":2,\"to\":3,\"count\":1},{\"from\":4,\"to\":7,\"count\":2}]}\n");
	cb_show_free(s);
	/* a plain array of one entry: its index says nothing */
	s = show_of("hist log10", "", t.u32, array_of(&t, t.u32, 4), CB_TABLE, NULL);
	cb_show_add(s, &(uint32_t){0}, a.slots);
	assert_memory_equal(rendered(s, 0), "calls\n", 6);
	cb_show_add(s, &(uint32_t){0}, a.slots);
	cb_show_add(s, &(uint32_t){1}, a.slots);
	assert_memory_equal(rendered(s, 0), "calls: 0\n", 9);
	cb_show_free(s);
}

/* The key holds the slot: one histogram for each value of the rest. */
static void test_slot_in_key(void **state)
{
	int key = structure(&t, "key", 8, {"disk", t.u32, 0}, {"slot", t.u32, 4});
	struct cb_show *s = show_of("hist", "", key, t.u64, CB_CSV, NULL);

	assert_non_null(s);
	cb_show_add(s, &(uint32_t[]){1, 2}, &(uint64_t){5});
	cb_show_add(s, &(uint32_t[]){0, 1}, &(uint64_t){6});
	cb_show_add(s, &(uint32_t[]){1, 3}, &(uint64_t){7});
	assert_string_equal(rendered(s, 0), "map,disk,from,to,count\ncalls,0,2,3,6\ncalls,1,4,7,5\ncalls,1,8,15,7\n");
	cb_show_free(s);
	s = show_of("hist", "", key, t.u64, CB_JSON, NULL);
	cb_show_add(s, &(uint32_t[]){1, 2}, &(uint64_t){5});
	assert_string_equal(
		rendered(s, 0),
		"{\"map\":\"calls\",\"key\":{\"disk\":1},\"buckets\":[{\"from\":4,\"to\":7,\"count\":5}]}\n");
	cb_show_free(s);
}

static void test_no_slot(void **state)
{
	struct cb_show *s = show_of("hist", "log2", t.s32, t.s64, CB_JSON, NULL);
	struct cb_buf b = {0};

	cb_show_add(s, &(int32_t){-1}, &(int64_t){1});
	assert_int_equal(cb_show_render(s, 0, &b, &error), -ERANGE);
	assert_string_equal(error.text, "map calls cannot be shown as a histogram: -1 is no slot");
	cb_buf_free(&b);
	cb_show_free(s);
}

/* ---- Stacks ----------------------------------------------------------------------------------------------------- */

struct stack_key {
	uint32_t pid;
	int32_t user, kernel;
	char comm[12];
};

static int frames(void *ctx, bool user, int32_t id, uint32_t tgid, const char *hint, struct cb_buf *out)
{
	if (user)
		cb_buf_add(out, "read\0main", 10);
	else
		cb_buf_add(out, "vfs_read\0sys_read", 18);
	return 0;
}

static struct cb_show *stacks_of(enum cb_format format)
{
	static const struct cb_resolver r = {.stack = frames};
	int key = structure(&t, "key", sizeof(struct stack_key), {"pid", t.u32, 0},
			    {"user", display(&t, "lbc_ustack_t", t.s32), 4},
			    {"kernel", display(&t, "lbc_kstack_t", t.s32), 8}, {"comm", array_of(&t, t.chr, 12), 12});
	struct cb_show *s = show_of("stacks", "", key, display(&t, "lbc_ns_t", t.u64), format, &r);

	assert_non_null(s);
	assert_int_equal(cb_show_add(s, &(struct stack_key){7, 1, 2, "bash"}, &(uint64_t){1500}), 0);
	assert_int_equal(cb_show_add(s, &(struct stack_key){8, -EFAULT, 2, "kworker"}, &(uint64_t){2500}), 0);
	return s;
}

static void test_stacks(void **state)
{
	struct cb_show *s = stacks_of(CB_TABLE);

	assert_string_equal(cb_show_unit(s), "ns");
	assert_string_equal(rendered(s, 0), "calls\n"
					    "  2.50us  pid=8  comm=kworker\n"
					    "    vfs_read\n"
					    "    sys_read\n"
					    "\n"
					    "  1.50us  pid=7  comm=bash\n"
					    "    vfs_read\n"
					    "    sys_read\n"
					    "    --\n"
					    "    read\n"
					    "    main\n"
					    "\n");
	cb_show_free(s);
	s = stacks_of(CB_JSON);
	assert_string_equal(rendered(s, 0),
			    "{\"map\":\"calls\",\"key\":{\"pid\":8,\"user\":[],\"kernel\":[\"vfs_read\",\"sys_read\"],"
			    "\"comm\":\"kworker\"},\"value\":2500}\n"
			    "{\"map\":\"calls\",\"key\":{\"pid\":7,\"user\":[\"read\",\"main\"],"
			    "\"kernel\":[\"vfs_read\",\"sys_read\"],\"comm\":\"bash\"},\"value\":1500}\n");
	cb_show_free(s);
}

static void test_stacks_folded(void **state)
{
	struct cb_show *s = stacks_of(CB_TABLE);
	struct cb_stacks *stacks = cb_stacks_new();
	struct cb_buf b = {0};

	assert_int_equal(cb_show_stacks(s, stacks), 0);
	cb_stacks_folded(stacks, &b);
	assert_string_equal(cb_buf_cstr(&b), "bash;main;read;sys_read_[k];vfs_read_[k] 1500\n"
					     "kworker;sys_read_[k];vfs_read_[k] 2500\n");
	cb_buf_free(&b);
	cb_stacks_free(stacks);
	cb_show_free(s);
}

/* ---- Mistakes --------------------------------------------------------------------------------------------------- */

static void refused(const char *how, int key, int value, const char *message)
{
	assert_null(show_of(how, "", key, value, CB_TABLE, NULL));
	if (!strstr(error.text, message))
		fail_msg("\"%s\" does not say \"%s\"", error.text, message);
}

static void test_mistakes(void **state)
{
	refused("pie", t.u32, t.u64,
		"map calls cannot be shown as \"pie\": there is no such way; there are: table, top N");
	refused("top", t.u32, t.u64, "a number is expected");
	refused("top 0", t.u32, t.u64, "a number is expected");
	refused("top ten", t.u32, t.u64, "a number is expected");
	refused("top 5 of", t.u32, t.u64, "by FIELD");
	refused("top 5 by", t.u32, t.u64, "by FIELD");
	refused("top 5 by time", key_type(), value_type(), "there is no field time; there are: count took pid comm");
	refused("top 5", t.u32, array_of(&t, t.chr, 8), "no number to rank by");
	refused("table of contents", t.u32, t.u64, "there is more behind it");
	refused("linear 0", t.u32, t.u64, "STEP");
	refused("hist a\"b", t.u32, t.u64, "UNIT");
	refused("hist", key_type(), t.u64, "hold no array of integers");
	refused("stacks", t.u32, t.u64, "lbc_kstack_t");
	refused("a b c d e f g h i j", t.u32, t.u64, "too many words");
	refused("", 0, t.u64, "the keys of map calls");
	refused("", t.u32, 0, "the values of map calls");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_table),	  TEST(test_bare_key_and_value),
		TEST(test_top),		  TEST(test_narrow_terminal),
		TEST(test_ranges),	  TEST(test_slot_map),
		TEST(test_arrays),	  TEST(test_slot_in_key),
		TEST(test_no_slot),	  TEST(test_stacks),
		TEST(test_stacks_folded), TEST(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
