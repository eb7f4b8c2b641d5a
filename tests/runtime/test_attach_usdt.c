// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* USDT: a marker in this program, made by systemtap's sys/sdt.h, with its arguments. */
#include <sys/sdt.h>
#include <sys/wait.h>

#include "tool.h"

__attribute__((noinline)) static void step(int a, long b)
{
	DTRACE_PROBE2(coolbpf_test, step, a, b);
}

/* The first arguments are 1..n, the second ones ten billion each. */
static void work(int n)
{
	for (int i = 1; i <= n; i++)
		step(i, 10000000000);
}

static void arguments(void **state)
{
	struct coolbpf *cb = tool_open("usdt");

	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach_usdt(cb, "on_step", "/proc/self/exe", "coolbpf_test", "step", getpid()));
	work(10);
	assert_int_equal(tool_count(cb, 0), 10);
	assert_int_equal(tool_count(cb, 1), 55);
	assert_int_equal(tool_count(cb, 2), 100000000000);
	tool_end(cb);
}

static void of_another_process_only(void **state)
{
	struct coolbpf *cb = tool_open("usdt");
	char pid[16];
	int go[2], status;
	pid_t child;
	char byte;

	assert_int_equal(pipe(go), 0);
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			work(6);
		_exit(0);
	}
	close(go[0]);
	snprintf(pid, sizeof(pid), "%d", child);
	must(cb, coolbpf_param_set(cb, "pid", pid));
	must(cb, coolbpf_param_set(cb, "binary", "/proc/self/exe"));
	must(cb, coolbpf_program_target(cb, "on_step_in_words", "$binary:coolbpf_test:step,pid=$pid"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	work(3);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(go[1]);
	assert_int_equal(tool_count(cb, 3), 6);
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = tool_open("usdt");

	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_attach_usdt(cb, "on_step", "/proc/self/exe", "coolbpf_test", "none", -1), -ENOENT,
		    "coolbpf_test:none");
	must_refuse(cb, coolbpf_attach_usdt(cb, "on_step", "/no/such", "coolbpf_test", "step", -1), -ENOENT,
		    "there is no binary or library /no/such");
	must_refuse(cb, coolbpf_attach_target(cb, "on_step", "/proc/self/exe:step"), -EINVAL, "BINARY:PROVIDER:NAME");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(of_another_process_only),
		cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
