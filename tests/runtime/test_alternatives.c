// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* One hook of several: "|" in section names and targets, groups of programs; which is taken, and why not the others. */
#include <signal.h>
#include <sys/sdt.h>

#include "tool.h"

#define HEAD "#include \"count.h\"\n"
/* A program that counts in slot N the signals which the process of interest sends. */
#define COUNTER(tags, section, name, n)                                                                                \
	tags "SEC(\"" section "\") int " name "(void *c) { if (is_wanted()) count(" #n ", 1); return 0; }\n"

/* Everything that the library logs at level INFO. */
static char said[16384];

static void keep(void *ctx, enum coolbpf_log_level level, const char *text)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s\n", text);
}

static struct coolbpf *opened(const char *text)
{
	char include[512];
	const char *const flags[] = {include, NULL};
	const struct coolbpf_opts opts = {
		.sz = sizeof(opts), .log = keep, .log_level = COOLBPF_LOG_INFO, .cflags = flags};
	unsigned pid = (unsigned)getpid();
	struct coolbpf *cb;

	said[0] = '\0';
	snprintf(include, sizeof(include), "-I%s/tests/runtime/bpf", getenv("SRC"));
	cb = coolbpf_new(&opts);
	must(cb, coolbpf_open_source(cb, text, "test.bpf.c"));
	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	return cb;
}

static struct coolbpf_program program(struct coolbpf *cb, const char *name)
{
	struct coolbpf_program p;

	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++)
		if (!strcmp(p.name, name))
			return p;
	fail_msg("no program %s", name);
	return p;
}

static void must_say(const char *words)
{
	if (!strstr(said, words))
		fail_msg("the log lacks \"%s\":\n%s", words, said);
}

/* Load, attach, send four signals to this process. */
static void run(struct coolbpf *cb)
{
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < 4; i++)
		kill(getpid(), SIGUSR1);
}

static void of_one_section(void **state)
{
	static const char *const sections[][2] = {
		{"tp/signal/no_such|signal/signal_generate", "signal/signal_generate"},
		/* the category holds for those that name none */
		{"tracepoint/signal/no_such|nor_this|signal_generate", "signal/signal_generate"},
		{"tp/signal/signal_generate|signal_deliver", "signal/signal_generate"},
		{"raw_tp/no_such|signal_generate", "signal_generate"},
		{"raw_tracepoint/signal_generate|no_such", "signal_generate"},
		{"tp_btf/no_such|signal_generate", "signal_generate"},
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		char text[1024];
		struct coolbpf *cb;

		snprintf(text, sizeof(text), HEAD COUNTER("", "%s", "f", 0), sections[i][0]);
		cb = opened(text);
		assert_string_equal(program(cb, "f").hook, "");
		run(cb);
		assert_int_equal(tool_count(cb, 0), 4);
		assert_string_equal(program(cb, "f").hook, sections[i][1]);
		assert_string_equal(program(cb, "f").section, sections[i][0]);
		must_say("f: hook ");
		if (strstr(sections[i][0], "no_such|"))
			must_say("no_such is not taken: this kernel");
		tool_end(cb);
	}
}

static void none_of_one_section(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER("", "tp/signal/no_such|neither", "f", 0));

	must_refuse(cb, coolbpf_load(cb), -ENOENT, "program f: this kernel has none of its hooks");
	assert_non_null(strstr(coolbpf_errmsg(cb), "signal/no_such: "));
	assert_non_null(strstr(coolbpf_errmsg(cb), "signal/neither: "));
	coolbpf_free(cb);
}

static void given_and_tagged(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER("", "tp", "f", 0));

	must(cb, coolbpf_program_target(cb, "f", "signal/no_such|signal_generate"));
	run(cb);
	assert_int_equal(tool_count(cb, 0), 4);
	assert_string_equal(program(cb, "f").hook, "signal/signal_generate");
	tool_end(cb);

	cb = opened(HEAD COUNTER("LBC_ATTACH(\"no_such|signal_generate\") ", "raw_tp", "f", 0));
	run(cb);
	assert_int_equal(tool_count(cb, 0), 4);
	assert_string_equal(program(cb, "f").hook, "signal_generate");
	tool_end(cb);

	cb = opened(HEAD COUNTER("", "uprobe/libnothing:getppid|libc:no_such_function|libc:getppid", "f", 0));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	getppid();
	assert_int_equal(tool_count(cb, 0), 1);
	assert_string_equal(program(cb, "f").hook, "libc:getppid");
	tool_end(cb);
}

/* Events of perf and markers of programs are looked for as well. */
static void perf_and_usdt(void **state)
{
	bool hardware = !access("/sys/bus/event_source/devices/cpu", F_OK);
	struct coolbpf *cb =
		opened(HEAD COUNTER("LBC_ATTACH(\"cycles,freq=99|cpu-clock,freq=99\") ", "perf_event", "f", 0));

	must(cb, coolbpf_load(cb));
	assert_string_equal(program(cb, "f").hook, hardware ? "cycles,freq=99" : "cpu-clock,freq=99");
	must(cb, coolbpf_attach(cb));
	if (!hardware)
		must_say("perf_event/cycles,freq=99 is not taken: this machine refuses the event: No such file");
	tool_end(cb);

	cb = opened("#include \"count.h\"\n#include <bpf/usdt.bpf.h>\n" COUNTER(
		"", "usdt//proc/self/exe:cb:no_such|/proc/self/exe:cb:marker", "f", 0));
	must(cb, coolbpf_load(cb));
	assert_string_equal(program(cb, "f").hook, "/proc/self/exe:cb:marker");
	must_say("has no USDT probe no_such");
	must(cb, coolbpf_attach(cb));
	DTRACE_PROBE(cb, marker);
	assert_int_equal(tool_count(cb, 0), 1);
	tool_end(cb);
}

/* A target that is given after a load that failed is the one that counts. */
static void given_after_a_failure(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER("", "tp/signal/signal_generate|x", "f", 0)
					    COUNTER("", "tp/signal/no|nope", "g", 1));

	must_refuse(cb, coolbpf_load(cb), -ENOENT, "program g");
	must(cb, coolbpf_program_target(cb, "f", "signal/signal_deliver"));
	must(cb, coolbpf_program_target(cb, "g", "signal/signal_generate"));
	run(cb);
	assert_int_equal(tool_count(cb, 0), 0);
	assert_int_equal(tool_count(cb, 1), 4);
	tool_end(cb);
}

/* Whoever says where a program goes: after the load it is known. */
static void hook_is_known(void **state)
{
	struct coolbpf *cb =
		opened(HEAD COUNTER("", "tp/signal/signal_generate", "by_section", 0) COUNTER("", "raw_tp", "given", 1)
			       COUNTER("LBC_ATTACH(\"getpgid,$pid\") ", "raw_tp", "tagged", 2)
				       COUNTER("", "raw_tp/signal_deliver", "nowhere", 3));
	char expected[32];

	must(cb, coolbpf_program_target(cb, "given", "signal_generate"));
	must(cb, coolbpf_program_target(cb, "nowhere", NULL));
	assert_string_equal(program(cb, "by_section").hook, "");
	must(cb, coolbpf_load(cb));
	assert_string_equal(program(cb, "by_section").hook, "signal/signal_generate");
	assert_string_equal(program(cb, "given").hook, "signal_generate");
	snprintf(expected, sizeof(expected), "getpgid,%d", getpid());
	assert_string_equal(program(cb, "tagged").hook, expected);
	assert_string_equal(program(cb, "nowhere").hook, "");
	tool_end(cb);
}

#define GROUP "LBC_ALTERNATIVE(\"signals\") "

static void first_of_a_group(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER(GROUP, "tp_btf/no_such", "typed", 0) COUNTER(
		GROUP, "raw_tp/signal_generate", "raw", 1) COUNTER(GROUP, "tp/signal/signal_generate", "plain", 2));

	assert_string_equal(program(cb, "raw").group, "signals");
	run(cb);
	assert_int_equal(tool_count(cb, 0), 0);
	assert_int_equal(tool_count(cb, 1), 4);
	assert_int_equal(tool_count(cb, 2), 0);
	assert_false(program(cb, "typed").loaded);
	assert_true(program(cb, "raw").loaded && program(cb, "raw").attached);
	assert_false(program(cb, "plain").loaded);
	assert_non_null(strstr(program(cb, "typed").reason, "no btf_trace_no_such"));
	assert_string_equal(program(cb, "raw").reason, "");
	assert_non_null(strstr(program(cb, "plain").reason, "another program of its group was taken"));
	must_say("signals: raw is taken");
	must_say("signals: typed is not taken: tp_btf/no_such: this kernel's BTF has no btf_trace_no_such");
	must_refuse(cb, coolbpf_attach_tracepoint(cb, "plain", "signal", "signal_generate"), -EINVAL,
		    "another program of its group was taken");
	tool_end(cb);
}

/* The order is that of the source, although libbpf lists the programs of one section together. */
static void order_of_the_source(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER("", "raw_tp/signal_generate", "other", 0) COUNTER(
		GROUP, "tp/signal/signal_generate", "first", 1) COUNTER(GROUP, "raw_tp/signal_generate", "second", 2));

	run(cb);
	assert_true(program(cb, "first").loaded);
	assert_false(program(cb, "second").loaded);
	assert_int_equal(tool_count(cb, 0), 4);
	assert_int_equal(tool_count(cb, 1), 4);
	tool_end(cb);
}

static void two_groups_and_optional(void **state)
{
	struct coolbpf *cb =
		opened(HEAD COUNTER("LBC_ALTERNATIVE(\"a\") ", "?tp/signal/no_such", "a1", 0)
			       COUNTER("LBC_ALTERNATIVE(\"a\") ", "?tp/signal/signal_generate", "a2", 1)
				       COUNTER("LBC_ALTERNATIVE(\"b\") ", "raw_tp/signal_generate", "b1", 2)
					       COUNTER("LBC_ALTERNATIVE(\"b\") ", "raw_tp/no_such", "b2", 3)
						       COUNTER("", "?raw_tp/no_such", "o", 4));

	run(cb);
	assert_int_equal(tool_count(cb, 1), 4);
	assert_int_equal(tool_count(cb, 2), 4);
	assert_false(program(cb, "a1").loaded || program(cb, "b2").loaded || program(cb, "o").loaded);
	assert_non_null(strstr(program(cb, "o").reason, "optional"));
	tool_end(cb);
}

/* "|" inside a member of a group. */
static void choices_within_a_group(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER(GROUP, "tp/signal/no|neither", "first", 0)
					    COUNTER(GROUP, "tp/signal/not_this|signal_generate", "second", 1));

	run(cb);
	assert_int_equal(tool_count(cb, 1), 4);
	assert_string_equal(program(cb, "second").hook, "signal/signal_generate");
	assert_non_null(strstr(program(cb, "first").reason, "signal/neither"));
	tool_end(cb);
}

static void none_of_a_group(void **state)
{
	struct coolbpf *cb =
		opened(HEAD COUNTER(GROUP, "tp_btf/no_such", "typed", 0) COUNTER(GROUP, "raw_tp/no_such", "raw", 1));

	must_refuse(cb, coolbpf_load(cb), -ENOENT, "this kernel has none of the alternatives of group \"signals\"");
	assert_non_null(strstr(coolbpf_errmsg(cb), "\n  typed: tp_btf/no_such: "));
	assert_non_null(strstr(coolbpf_errmsg(cb), "\n  raw: raw_tp/no_such: "));
	coolbpf_free(cb);
}

/* A load that failed has chosen nothing: the next one chooses anew. */
static void group_after_a_failure(void **state)
{
	struct coolbpf *cb =
		opened(HEAD COUNTER(GROUP, "raw_tp/no_such", "first", 0) COUNTER(GROUP, "raw_tp/neither", "second", 1));

	must_refuse(cb, coolbpf_load(cb), -ENOENT, "none of the alternatives");
	must(cb, coolbpf_program_target(cb, "second", "signal_generate"));
	run(cb);
	assert_int_equal(tool_count(cb, 1), 4);
	assert_true(program(cb, "second").attached);
	assert_string_equal(program(cb, "second").reason, "");
	tool_end(cb);
}

/* Kernels without kprobes or trampolines take what comes last; those with them the first. */
static void what_this_kernel_has(void **state)
{
	struct coolbpf *cb = opened(HEAD COUNTER(GROUP, "fentry/find_vpid", "trampoline", 0) COUNTER(
		GROUP, "kprobe/find_vpid", "probe", 1) COUNTER(GROUP, "raw_tp/sys_enter", "point", 2));
	const char *lacking = no_trampoline(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "find_vpid");
	const char *expected = !lacking ? "trampoline" : !no_kprobes() ? "probe" : "point";

	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	assert_true(program(cb, expected).attached);
	for (int i = 0; i < 6; i++)
		getpgid(getpid());
	assert_true(tool_count(cb, 0) + tool_count(cb, 1) + tool_count(cb, 2) >= 6);
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_one_section),	   cmocka_unit_test(none_of_one_section),
		cmocka_unit_test(given_and_tagged),	   cmocka_unit_test(given_after_a_failure),
		cmocka_unit_test(hook_is_known),	   cmocka_unit_test(group_after_a_failure),
		cmocka_unit_test(first_of_a_group),	   cmocka_unit_test(order_of_the_source),
		cmocka_unit_test(two_groups_and_optional), cmocka_unit_test(choices_within_a_group),
		cmocka_unit_test(perf_and_usdt),	   cmocka_unit_test(none_of_a_group),
		cmocka_unit_test(what_this_kernel_has),
	};

	return run_as_root(tests);
}
