// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* tracepoint, raw tracepoint and tp_btf: this process sends itself signals, whose numbers the programs add up. */
#include <signal.h>

#include "tool.h"

/* 5 times SIGUSR1 (10) and 3 times SIGUSR2 (12), both ignored, but generated: 8 signals, the sum is 86. */
static void work(void)
{
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	for (int i = 0; i < 8; i++)
		assert_int_equal(kill(getpid(), i < 5 ? SIGUSR1 : SIGUSR2), 0);
}

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("tracepoint");
	unsigned pid = (unsigned)getpid();

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_load(cb));
	return cb;
}

static void by_section_name(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach(cb));
	assert_true(tool_attached(cb, "on_tracepoint") && tool_attached(cb, "on_raw") && tool_attached(cb, "on_btf"));
	assert_false(tool_attached(cb, "by_hand") || tool_attached(cb, "raw_by_hand"));
	work();
	for (unsigned i = 0; i < 6; i += 2) {
		assert_int_equal(tool_count(cb, i), 8);
		assert_int_equal(tool_count(cb, i + 1), 86);
	}
	coolbpf_detach(cb);
	work();
	assert_int_equal(tool_count(cb, 0) + tool_count(cb, 2) + tool_count(cb, 4), 24);
	tool_end(cb);
}

static void by_function(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_tracepoint(cb, "by_hand", "signal", "signal_generate"));
	work();
	assert_int_equal(tool_count(cb, 6), 8);
	must(cb, coolbpf_attach_raw_tracepoint(cb, "raw_by_hand", "signal_generate"));
	must(cb, coolbpf_attach_trace(cb, "on_btf"));
	work();
	assert_int_equal(tool_count(cb, 6), 16 + 800);
	assert_int_equal(tool_count(cb, 4), 8);
	assert_int_equal(tool_count(cb, 0), 0);
	tool_end(cb);
}

static void by_target(void **state)
{
	struct coolbpf *cb = tool_open("tracepoint");
	unsigned pid = (unsigned)getpid();

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_program_target(cb, "by_hand", "signal/signal_generate"));
	must(cb, coolbpf_program_target(cb, "on_tracepoint", "signal/signal_deliver"));
	must(cb, coolbpf_program_target(cb, "on_raw", NULL));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	assert_false(tool_attached(cb, "on_raw"));
	work();
	assert_int_equal(tool_count(cb, 6), 8);
	/* ignored signals are not delivered */
	assert_int_equal(tool_count(cb, 0), 0);
	assert_int_equal(tool_count(cb, 2), 0);
	tool_end(cb);
}

/* Another BTF-typed trace point than the section says: part of the load, so it must be said before. */
static void another_typed_target(void **state)
{
	struct coolbpf *cb = tool_open("tracepoint");

	must(cb, coolbpf_program_target(cb, "on_btf", "no_such_point"));
	must_refuse(cb, coolbpf_load(cb), -ENOENT, "this kernel's BTF has no btf_trace_no_such_point");
	coolbpf_free(cb);

	cb = loaded();
	must_refuse(cb, coolbpf_program_target(cb, "on_btf", "sched_switch"), -EBUSY, "before the load");
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_tracepoint(cb, "by_hand", "signal", "no_such_event"), -ENOENT,
		    "this kernel has no tracepoint signal/no_such_event");
	must_refuse(cb, coolbpf_attach_raw_tracepoint(cb, "raw_by_hand", "no_such_event"), -ENOENT,
		    "this kernel has no raw tracepoint no_such_event");
	must_refuse(cb, coolbpf_attach_raw_tracepoint(cb, "by_hand", "signal_generate"), -EINVAL,
		    "cannot be attached to a raw tracepoint");
	must_refuse(cb, coolbpf_attach_target(cb, "by_hand", "signal_generate"), -EINVAL, "CATEGORY/NAME");
	must_refuse(cb, coolbpf_attach_trace(cb, "by_hand"), -EINVAL, "tp_btf");
	tool_end(cb);
}

/* One program of several cannot be attached: none stays attached. */
static void all_or_nothing(void **state)
{
	struct coolbpf *cb = tool_open("tracepoint");

	must(cb, coolbpf_program_target(cb, "by_hand", "signal/no_such_event"));
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_attach(cb), -ENOENT, "no_such_event");
	assert_false(tool_attached(cb, "on_tracepoint"));
	struct tool_ids ids = tool_ids(cb);
	assert_int_equal(tool_links(&ids), 0);
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_section_name),	cmocka_unit_test(by_function), cmocka_unit_test(by_target),
		cmocka_unit_test(another_typed_target), cmocka_unit_test(refusals),    cmocka_unit_test(all_or_nothing),
	};

	return run_as_root(tests);
}
