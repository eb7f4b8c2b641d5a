// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Parameters: from text to the bytes that a running program sees, and back; what is refused, and in which words. */
#include <limits.h>

#include "tool.h"

/* As in bpf/params.bpf.c. */
struct seen {
	uint64_t uns8, uns16, uns32, uns64;
	int64_t sgn8, sgn16, sgn32, sgn64;
	uint64_t flag, ns, us, ms, bytes;
	int64_t color, balance;
	char name[8];
	int32_t a, b;
};

/* Load, run the program once on a packet of zeros, and get what it saw. */
static struct seen run(struct coolbpf *cb)
{
	struct coolbpf_program p;
	char packet[64] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	struct seen seen;
	uint32_t zero = 0;

	must(cb, coolbpf_load(cb));
	assert_int_equal(coolbpf_program_get(cb, 0, &p), 0);
	assert_string_equal(p.name, "tell");
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(p.prog), &opts), 0);
	must(cb, coolbpf_map_lookup(cb, "seen", &zero, &seen));
	return seen;
}

static const char *value_of(struct coolbpf *cb, const char *name)
{
	static char text[256];
	struct coolbpf_param p;

	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++)
		if (!strcmp(p.name, name)) {
			snprintf(text, sizeof(text), "%s", p.value);
			return text;
		}
	fail_msg("no parameter %s", name);
	return NULL;
}

static void in_the_order_of_the_source(void **state)
{
	static const char *const names[] = {"uns8",  "sgn8",  "uns16", "sgn16",	  "uns32", "sgn32", "uns64",
					    "sgn64", "flag",  "color", "balance", "name",  "ns",    "us",
					    "ms",    "bytes", "pid",   "pair",	  "zlast"};
	static const char *const types[] = {"__u8",	    "__s8",	 "__u16",    "__s16",	 "__u32",
					    "__s32",	    "__u64",	 "__s64",    "bool",	 "enum color",
					    "enum balance", "name_t",	 "lbc_ns_t", "lbc_us_t", "lbc_ms_t",
					    "lbc_bytes_t",  "lbc_pid_t", "pair_t",   "__u32"};
	struct coolbpf *cb = tool_open("params");
	struct coolbpf_param p[19];

	assert_int_equal(coolbpf_param_count(cb), 19);
	for (size_t i = 0; i < 19; i++)
		assert_int_equal(coolbpf_param_get(cb, i, &p[i]), 0);
	/* all but the value stays valid */
	for (size_t i = 0; i < 19; i++) {
		assert_string_equal(p[i].name, names[i]);
		assert_string_equal(p[i].type, types[i]);
	}
	assert_string_equal(p[18].help, "declared last");
	assert_int_equal(p[18].size, 4);
	assert_int_equal(coolbpf_param_get(cb, 19, &p[0]), -ERANGE);
	coolbpf_free(cb);
}

static void defaults(void **state)
{
	struct coolbpf *cb = tool_open("params");
	struct seen s;

	assert_string_equal(value_of(cb, "uns8"), "1");
	assert_string_equal(value_of(cb, "sgn64"), "-4");
	assert_string_equal(value_of(cb, "flag"), "false");
	assert_string_equal(value_of(cb, "color"), "GREEN");
	assert_string_equal(value_of(cb, "balance"), "DEBT");
	assert_string_equal(value_of(cb, "name"), "abc");
	assert_string_equal(value_of(cb, "ns"), "1500us");
	assert_string_equal(value_of(cb, "ms"), "2s");
	assert_string_equal(value_of(cb, "bytes"), "4096");
	s = run(cb);
	assert_int_equal(s.uns8, 1);
	assert_int_equal(s.sgn8, -1);
	assert_int_equal(s.sgn32, -3);
	assert_int_equal(s.sgn64, -4);
	assert_int_equal(s.color, 5);
	assert_int_equal(s.balance, -7);
	assert_int_equal(s.ns, 1500000);
	assert_string_equal(s.name, "abc");
	coolbpf_free(cb);
}

static void every_type_from_text(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"uns8", "255"},
		{"sgn8", "-128"},
		{"uns16", "0xffff"},
		{"sgn16", "-0x8000"},
		{"uns32", "4294967295"},
		{"sgn32", "0x7fffffff"},
		{"uns64", "18446744073709551615"},
		{"sgn64", "-9223372036854775808"},
		{"flag", "yes"},
		{"color", "blue"},
		{"balance", "CREDIT"},
		{"name", "seven77"},
		{"ns", "1.5ms"},
		{"us", "2s"},
		{"ms", "1h"},
		{"bytes", "4M"},
	};
	struct coolbpf *cb = tool_open("params");
	int32_t pair[2] = {-11, 22};
	struct seen s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		must(cb, coolbpf_param_set(cb, rows[i].name, rows[i].text));
	must(cb, coolbpf_param_set_value(cb, "pair", pair, sizeof(pair)));
	/* flag on makes dead_code alive, which the verifier would refuse: it is not what is tested here */
	must(cb, coolbpf_param_set(cb, "flag", "off"));
	s = run(cb);
	assert_int_equal(s.uns8, 255);
	assert_int_equal(s.sgn8, -128);
	assert_int_equal(s.uns16, 65535);
	assert_int_equal(s.sgn16, -32768);
	assert_int_equal(s.uns32, UINT32_MAX);
	assert_int_equal(s.sgn32, INT32_MAX);
	assert_true(s.uns64 == UINT64_MAX);
	assert_true(s.sgn64 == INT64_MIN);
	assert_int_equal(s.flag, 0);
	assert_int_equal(s.color, 300);
	assert_int_equal(s.balance, -5);
	assert_memory_equal(s.name, "seven77", 8);
	assert_int_equal(s.ns, 1500000);
	assert_int_equal(s.us, 2000000);
	assert_int_equal(s.ms, 3600000);
	assert_int_equal(s.bytes, 4 << 20);
	assert_int_equal(s.a, -11);
	assert_int_equal(s.b, 22);
	coolbpf_free(cb);
}

/* Forms of the same values, and what coolbpf_param_get() makes of them. */
static void forms_of_text(void **state)
{
	static const struct {
		const char *name, *text, *value;
	} rows[] = {
		{"uns32", "0x10", "16"},
		{"uns32", "010", "8"},
		{"uns32", "4K", "4096"},
		{"uns32", "1G", "1073741824"},
		{"uns64", "1T", "1099511627776"},
		{"uns32", "+7", "7"},
		{"uns8", "-0", "0"},
		{"sgn16", "-1", "-1"},
		{"flag", "true", "true"},
		{"flag", "ON", "true"},
		{"flag", "1", "true"},
		{"flag", "no", "false"},
		{"flag", "0", "false"},
		{"color", "RED", "RED"},
		{"color", "5", "GREEN"},
		{"color", "0x12c", "BLUE"},
		{"color", "77", "77"},
		{"balance", "-7", "DEBT"},
		{"balance", "-6", "EVEN"},
		{"name", "", ""},
		{"name", "a b", "a b"},
		{"ns", "0", "0"},
		{"ns", "999", "999ns"},
		{"ns", "1000", "1us"},
		{"ns", "2m", "120s"},
		{"ns", "1d", "86400s"},
		{"us", "5", "5us"},
		{"us", "1.5ms", "1500us"},
		{"ms", "250", "250ms"},
		{"ms", "3s", "3s"},
		{"bytes", "1KiB", "1024"},
		{"bytes", "0x1000", "4096"},
		{"pid", "1", "1"},
	};
	struct coolbpf *cb = tool_open("params");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		must(cb, coolbpf_param_set(cb, rows[i].name, rows[i].text));
		assert_string_equal(value_of(cb, rows[i].name), rows[i].value);
	}
	coolbpf_free(cb);
}

/* What get shows, set takes back to the same bytes: for every parameter at both ends of its range. */
static void round_trip(void **state)
{
	static const char *const ends[][3] = {
		{"uns8", "0", "255"},
		{"sgn8", "-128", "127"},
		{"uns16", "0", "65535"},
		{"sgn16", "-32768", "32767"},
		{"uns32", "0", "4294967295"},
		{"sgn32", "-2147483648", "2147483647"},
		{"uns64", "0", "18446744073709551615"},
		{"sgn64", "-9223372036854775808", "9223372036854775807"},
		{"ns", "1", "18446744073709551615"},
		{"us", "1", "18446744073709551"},
		{"ms", "1", "18446744073709"},
		{"color", "0", "4294967295"},
		{"balance", "-7", "2147483647"},
	};
	struct coolbpf *cb = tool_open("params");
	char first[256];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		for (int end = 1; end <= 2; end++) {
			must(cb, coolbpf_param_set(cb, ends[i][0], ends[i][end]));
			snprintf(first, sizeof(first), "%s", value_of(cb, ends[i][0]));
			must(cb, coolbpf_param_set(cb, ends[i][0], "1"));
			must(cb, coolbpf_param_set(cb, ends[i][0], first));
			assert_string_equal(value_of(cb, ends[i][0]), first);
		}
	coolbpf_free(cb);
}

static void refusals(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
		const char *words;
	} rows[] = {
		{"uns8", "256", -ERANGE, "0 to 255"},
		{"uns8", "-1", -ERANGE, "0 to 255"},
		{"sgn8", "128", -ERANGE, "-128 to 127"},
		{"sgn8", "-129", -ERANGE, "-128 to 127"},
		{"uns16", "65536", -ERANGE, "0 to 65535"},
		{"sgn16", "32768", -ERANGE, "-32768 to 32767"},
		{"uns32", "4294967296", -ERANGE, "0 to 4294967295"},
		{"uns32", "4G", -ERANGE, "0 to 4294967295"},
		{"sgn32", "2147483648", -ERANGE, "__s32"},
		{"uns64", "18446744073709551616", -ERANGE, "larger than 64 bits"},
		{"sgn64", "9223372036854775808", -ERANGE, "-9223372036854775808 to 9223372036854775807"},
		{"uns32", "", -EINVAL, "is not a number"},
		{"uns32", "ten", -EINVAL, "\"ten\" is not a number such as 10, 0x1f or 4K"},
		{"uns32", "10x", -EINVAL, "is not a number"},
		{"uns32", "1.5", -EINVAL, "is not"},
		{"uns32", "5ms", -EINVAL, "no unit of time"},
		{"uns32", "0x", -EINVAL, "is not a number"},
		{"uns32", " 1", -EINVAL, "is not a number"},
		{"flag", "maybe", -EINVAL, "true or false"},
		{"flag", "2", -EINVAL, "true or false"},
		{"flag", "", -EINVAL, "true or false"},
		{"color", "PINK", -EINVAL, "RED, GREEN, BLUE"},
		{"color", "4294967296", -ERANGE, "enum color"},
		{"ns", "soon", -EINVAL, "a duration such as"},
		{"ns", "-1ms", -EINVAL, "a duration such as"},
		{"ns", "1 ms", -EINVAL, "a duration such as"},
		{"ns", "300000000h", -ERANGE, "64 bits"},
		{"ms", "500us", -EINVAL, "\"500us\" is not a whole number of ms"},
		{"us", "1.0005ms", -EINVAL, "is not a whole number of us"},
		{"name", "eight888", -ERANGE, "8 bytes, at most 7 fit"},
		{"pair", "1", -EINVAL, "pair_t, which cannot be set from text"},
		{"nothing", "1", -ENOENT, "there is no parameter nothing; params has uns8, sgn8,"},
		{"", "1", -ENOENT, "there is no parameter"},
	};
	struct coolbpf *cb = tool_open("params");
	unsigned value = 5;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		must_refuse(cb, coolbpf_param_set(cb, rows[i].name, rows[i].text), rows[i].err, rows[i].words);
	must_refuse(cb, coolbpf_param_set_value(cb, "uns64", &value, sizeof(value)), -EINVAL, "has 8 bytes, not 4");
	must_refuse(cb, coolbpf_param_set_value(cb, "nothing", &value, 4), -ENOENT, "there is no parameter");
	/* nothing of that has changed a value */
	assert_string_equal(value_of(cb, "uns8"), "1");
	assert_string_equal(value_of(cb, "name"), "abc");
	assert_string_equal(value_of(cb, "uns64"), "4");
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_param_set(cb, "uns8", "1"), -EBUSY, "before the load");
	must_refuse(cb, coolbpf_param_set_value(cb, "uns32", &value, 4), -EBUSY, "before the load");
	coolbpf_free(cb);
}

/* Off by default, the bad access behind the flag is dead code: loads. On, the verifier sees it. */
static void code_behind_a_parameter(void **state)
{
	struct coolbpf *cb = tool_open("params");

	must(cb, coolbpf_load(cb));
	coolbpf_free(cb);
	cb = tool_open("params");
	must(cb, coolbpf_param_set(cb, "flag", "on"));
	must_refuse(cb, coolbpf_load(cb), -EACCES, "refuses program dead_code");
	coolbpf_free(cb);
}

static void a_tool_without_parameters(void **state)
{
	struct coolbpf *cb = tool_source("#include \"lbc.h\"\nSEC(\"socket\") int f(void *c) { return 0; }\n");
	struct coolbpf_param p;

	assert_int_equal(coolbpf_param_count(cb), 0);
	assert_int_equal(coolbpf_param_get(cb, 0, &p), -ERANGE);
	must_refuse(cb, coolbpf_param_set(cb, "x", "1"), -ENOENT, "test has none");
	coolbpf_free(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_the_source),
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_type_from_text),
		cmocka_unit_test(forms_of_text),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refusals),
		cmocka_unit_test(code_behind_a_parameter),
		cmocka_unit_test(a_tool_without_parameters),
	};

	return run_as_root(tests);
}
