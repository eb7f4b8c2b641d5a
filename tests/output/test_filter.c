// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_filter.c - what filters let through, and what they say of mistakes. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "fixture.h"

struct record {
	uint64_t big;
	int64_t neg;
	uint64_t took_us;
	uint64_t took_ms;
	uint64_t size;
	uint8_t v6[16];
	uint32_t v4;
	uint32_t mode;
	int32_t ret;
	int32_t err;
	uint32_t call;
	uint32_t sig;
	char comm[16];
	char other[16];
	uint64_t flags_wide;
	double load;
	uint32_t list[2];
	uint64_t ip;
	uint8_t flag;
	char letter;
	uint16_t port;
};

static int answer_ksym(void *ctx, uint64_t addr, struct cb_buf *out)
{
	cb_buf_str(out, "tcp_sendmsg+0x4");
	return 0;
}

static const struct cb_resolver resolver = {.ksym = answer_ksym};

static struct types t;
static struct cb_plan *plan;
static struct record record;

#define AT(member) offsetof(struct record, member)

static int set_up(void **state)
{
	int mode, comm, v6;

	t = types_new();
	mode = btf__add_enum(t.btf, "mode", 4);
	btf__add_enum_value(t.btf, "MODE_A", 0);
	btf__add_enum_value(t.btf, "MODE_B", 1);
	btf__add_enum_value(t.btf, "MODE_ALL", 0x7fffffff);
	comm = array_of(&t, t.chr, 16);
	v6 = display(&t, "lbc_ipv6_t", structure(&t, NULL, 16, {"lbc_ipv6", array_of(&t, t.u8, 16), 0}));
	plan = plan_of(&t,
		       structure(&t, "event", sizeof(struct record), {"big", t.u64, AT(big)}, {"neg", t.s64, AT(neg)},
				 {"us", display(&t, "lbc_us_t", t.u64), AT(took_us)},
				 {"ms", display(&t, "lbc_ms_t", t.u64), AT(took_ms)},
				 {"size", display(&t, "lbc_bytes_t", t.u64), AT(size)}, {"v6", v6, AT(v6)},
				 {"v4", display(&t, "lbc_ipv4_t", t.u32), AT(v4)}, {"mode", mode, AT(mode)},
				 {"ret", display(&t, "lbc_ret_t", t.s32), AT(ret)},
				 {"err", display(&t, "lbc_errno_t", t.s32), AT(err)},
				 {"call", display(&t, "lbc_syscall_t", t.u32), AT(call)},
				 {"sig", display(&t, "lbc_signal_t", t.u32), AT(sig)}, {"comm", comm, AT(comm)},
				 {"other", comm, AT(other)}, {"load", btf__add_float(t.btf, "double", 8), AT(load)},
				 {"list", array_of(&t, t.u32, 2), AT(list)},
				 {"ip", display(&t, "lbc_ksym_t", t.u64), AT(ip)}, {"flag", t.boolean, AT(flag)},
				 {"letter", t.chr, AT(letter)}, {"port", display(&t, "lbc_port_t", t.u16), AT(port)}),
		       "event", &resolver);
	record = (struct record){
		.big = UINT64_MAX,
		.neg = -5,
		.took_us = 1500,
		.took_ms = 2,
		.size = 4096,
		.mode = 1,
		.ret = -ENOENT,
		.err = ENOENT,
		.call = SYS_openat,
		.sig = SIGTERM,
		.comm = "nginx: \"x\"",
		.other = "nginx",
		.load = 0.5,
		.list = {1, 2},
		.ip = 0xffffffff81000000,
		.flag = 1,
		.letter = 'R',
		.port = 443,
	};
	inet_pton(AF_INET6, "::ffff:10.0.0.1", record.v6);
	inet_pton(AF_INET, "10.0.0.1", &record.v4);
	return 0;
}

static int tear_down(void **state)
{
	cb_plan_free(plan);
	btf__free(t.btf);
	return 0;
}

static bool matches(const char *text)
{
	struct cb_err e = {0};
	struct cb_filter *f = cb_filter_new(plan, text, &e);
	bool result;

	if (!f)
		fail_msg("%s: %s", text, e.text);
	result = cb_filter_match(f, &record);
	cb_filter_free(f);
	return result;
}

/* Each of the first is true of the record, each of the second is not. */
static void check(const char *const *yes, const char *const *no)
{
	for (; *yes; yes++)
		if (!matches(*yes))
			fail_msg("%s does not match", *yes);
	for (; *no; no++)
		if (matches(*no))
			fail_msg("%s matches", *no);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_numbers(void **state)
{
	check(LIST("big == 18446744073709551615", "big > 18446744073709551614", "big != -1", "big > -1",
		   "big = 0xffffffffffffffff", "neg == -5", "neg < 0", "neg >= -5", "neg <= -5", "neg < big",
		   "big > neg", "size == 4K", "size >= 4096", "size < 1M", "port == 443", "big", "neg==-5&&port==443"),
	      LIST("big == -1", "big < 0", "neg > 0", "neg != -5", "neg == 18446744073709551611", "size > 4K",
		   "port != 443", "!big", "neg > big"));
}

static void test_durations(void **state)
{
	check(LIST("us == 1500", "us == 1.5ms", "us > 1ms", "us < 2ms", "us > 1499999ns", "us < 1500001ns", "ms == 2",
		   "ms == 2ms", "ms == 2000us", "ms > us", "us < ms", "ms < 1s", "us == 1500us"),
	      LIST("us == 1500ns", "us > 1500000ns", "ms > 2ms", "ms == us"));
}

static void test_names(void **state)
{
	check(LIST("mode == MODE_B", "mode == 1", "mode != MODE_A", "mode < MODE_ALL", "mode == \"MODE_B\"",
		   "ret == -ENOENT", "ret == ENOENT", "ret == -2", "ret < 0", "err == ENOENT", "err == -ENOENT",
		   "call == openat", "call != read", "sig == SIGTERM", "sig == TERM", "sig == 15", "flag == true",
		   "flag", "flag != false", "letter == R", "ip == tcp_sendmsg+0x4", "ip == 0xffffffff81000000",
		   "ip ~ tcp_*"),
	      LIST("mode == MODE_A", "mode == 2", "ret == EPERM", "ret == 2", "err == EPERM", "call == read",
		   "sig == KILL", "!flag", "flag == false", "letter == r", "ip == tcp_recvmsg", "ip == 0"));
	record.err = -ENOENT;
	assert_true(matches("err == ENOENT"));
	record.mode = 0x7fffffff;
	assert_true(matches("mode == MODE_ALL && mode > 1000"));
}

static void test_text(void **state)
{
	check(LIST("other == nginx", "other == \"nginx\"", "other == 'nginx'", "other ~ \"ngi*\"", "other ~ ngi*",
		   "other ~ ngin?", "other ~ \"[m-o]g*\"", "other ~ \"[!a]*x\"", "comm == \"nginx: \\\"x\\\"\"",
		   "comm ~ \"*\\\"x*\"", "comm != other", "other < comm", "other", "comm !~ \"apache*\"",
		   "other > ngin", "other < nginxx", "v4 ~ \"10.*\"", "list ~ \"*2]\"", "mode ~ *_B", "port ~ 4??"),
	      LIST("other == ngin", "other == nginxx", "other ~ ngi", "other ~ \"\"", "other ~ \"[a-m]*\"",
		   "comm == other", "other !~ n*", "other ~ \"*y*\""));
	memcpy(record.other, "0123456789abcdef", 16); /* no NUL */
	assert_true(matches("other == 0123456789abcdef"));
	assert_true(matches("other ~ *f"));
	record.other[0] = '\0';
	assert_true(matches("!other"));
	assert_true(matches("other == \"\""));
	assert_true(matches("other ~ \"*\""));
}

static void test_addresses(void **state)
{
	check(LIST("v4 == 10.0.0.1", "v4 != 10.0.0.2", "v6 == 10.0.0.1", "v6 == ::ffff:10.0.0.1", "v6 != ::1", "v4",
		   "v6", "v4 < 10.0.1.0", "v6 ~ 10.0.*"),
	      LIST("v4 == 1.0.0.10", "v6 == ::1", "v4 != 10.0.0.1", "!v6"));
}

static void test_floats(void **state)
{
	check(LIST("load == 0.5", "load < 1", "load >= 5e-1", "load"), LIST("load > 0.5", "load != 0.5"));
	record.load = __builtin_nan("");
	check(LIST("load != 0.5"), LIST("load == 0.5", "load < 0.5", "load > 0.5"));
}

static void test_logic(void **state)
{
	/* && binds more than ||, ! more than both */
	check(LIST("flag || !flag && !flag", "(flag)", "!(!flag)", "!!flag", "flag && (neg > 0 || port == 443)",
		   " flag&&flag ", "neg > 0 || port == 443 && flag", "!neg || flag"),
	      LIST("(flag || flag) && !flag", "!flag && neg > 0 || neg > 0", "!(flag || neg)"));
}

static void wrong(const char *text, const char *message)
{
	struct cb_err e = {0};

	if (cb_filter_new(plan, text, &e))
		fail_msg("%s is taken", text);
	assert_int_equal(errno, EINVAL);
	if (!strstr(e.text, message))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, e.text, message);
}

static void test_mistakes(void **state)
{
	struct cb_err e = {0};
	char deep[1000], longer[5000];

	wrong("", "column 1: it ends where a field's name is expected");
	wrong("   ", "column 4: it ends");
	wrong("pid == 1", "column 1: there is no field \"pid\"; there are: big, neg, us, ms, size,");
	wrong("port == ", "column 9: it ends where a value is expected");
	wrong("port == 443 port", "column 13: && or || or the end is expected");
	wrong("port == 443)", "column 12: && or ||");
	wrong("(port == 443", "column 13: a ) is missing");
	wrong("port == 443 && ", "column 16: it ends where a field's name");
	wrong("port == && flag", "column 9: a value is expected");
	wrong("port & flag", "column 6: &&");
	wrong("port == http", "column 9: \"http\" is not a value of port (lbc_port_t): a number is expected");
	wrong("port == \"443\"", "a number is expected");
	wrong("port == 1.5", "a number is expected");
	wrong("port > 1ms", "no unit of time");
	wrong("big == 18446744073709551616", "more than 64 bits");
	wrong("us > fast", "a duration is expected");
	wrong("us > -1ms", "a duration is expected");
	wrong("mode == MODE_X",
	      "column 9: \"MODE_X\" is not a value of mode (enum mode): it has MODE_A, MODE_B, MODE_ALL");
	wrong("call == opnat", "a system call's name");
	wrong("sig == SIGTREM", "a signal's name");
	wrong("ret == ENONE", "an error's name");
	wrong("flag == maybe", "true or false");
	wrong("v4 == 10.0.0.256", "an IPv4 address");
	wrong("v4 == ::1", "an IPv4 address");
	wrong("v6 == 10.0.0", "10.0.0.1 or fe80::1");
	wrong("load == much", "a number is expected");
	wrong("list == 1", "only be compared with a pattern");
	wrong("other == \"open", "column 10: the text that begins here has no closing quote");
	wrong("other == 'open\\'", "no closing quote");
	wrong("== 1", "column 1: a field's name");
	wrong("! == 1", "column 3: a field's name");
	memset(deep, '(', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	wrong(deep, "too many ( and !");
	memset(deep, '!', sizeof(deep) - 1);
	wrong(deep, "too many ( and !");
	memset(longer, ' ', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(cb_filter_new(plan, longer, &e));
	assert_string_equal(e.text, "the filter is longer than 4096 characters");
}

/* A plan of one value that is no struct calls it "value". */
static void test_bare(void **state)
{
	struct cb_plan *bare = plan_of(&t, t.u32, "", NULL);
	struct cb_filter *f = cb_filter_new(bare, "value > 3", NULL);
	uint32_t v = 4;

	assert_non_null(f);
	assert_true(cb_filter_match(f, &v));
	v = 3;
	assert_false(cb_filter_match(f, &v));
	cb_filter_free(f);
	cb_plan_free(bare);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_numbers), TEST(test_durations), TEST(test_names),    TEST(test_text), TEST(test_addresses),
		TEST(test_floats),  TEST(test_logic),	  TEST(test_mistakes), TEST(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
