// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fentry, fexit, fmod_ret and lsm: this process calls kill() and getpgid(); the programs count, and forbid. */
#include <bpf/bpf.h>
#include <signal.h>

#include "tool.h"

/* getpgid() n times; how many of them fail with err. */
static int work(int n, int err)
{
	int failing = 0;

	for (int i = 0; i < n; i++)
		failing += getpgid(getpid()) < 0 && errno == err;
	return failing;
}

/* Have the kernel call find_vpid() n times: kill() looks its argument up. */
static void find_vpid(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(kill(getpid(), 0), 0);
}

/* One program of the tool, loaded and attached: by its section name, or by coolbpf_attach_trace(). Where the kernel has
 * no such hooks, coolbpf must say so as well. */
static struct coolbpf *attached(const char *program, const char *target, bool by_function, const char *lacking)
{
	struct coolbpf *cb = tool_open("trampoline");
	unsigned pid = (unsigned)getpid();
	int err;

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_program_target(cb, program, target));
	err = coolbpf_load(cb);
	if (!err)
		err = by_function ? coolbpf_attach_trace(cb, program) : coolbpf_attach(cb);
	if (!lacking) {
		must(cb, err);
		return cb;
	}
	assert_true(err < 0);
	if (!strstr(coolbpf_errmsg(cb), program))
		fail_msg("the message does not name %s: %s", program, coolbpf_errmsg(cb));
	coolbpf_free(cb);
	skip_because("%s", lacking);
	return NULL;
}

static void fentry(void **state)
{
	const char *lacking = no_trampoline(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "find_vpid");
	struct coolbpf *cb = attached("on_entry", "find_vpid", *(bool *)*state, lacking);

	find_vpid(25);
	assert_int_equal(tool_count(cb, 0), 25);
	assert_int_equal(tool_count(cb, 1), 25 * (uint64_t)getpid());
	tool_end(cb);
}

static void fexit(void **state)
{
	const char *lacking = no_trampoline(BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "find_vpid");
	struct coolbpf *cb = attached("on_exit", "find_vpid", *(bool *)*state, lacking);

	find_vpid(25);
	assert_int_equal(tool_count(cb, 2), 25);
	assert_int_equal(tool_count(cb, 3), 25);
	tool_end(cb);
}

static void fmod_ret(void **state)
{
	const char *lacking = no_trampoline(BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, "security_task_getpgid");
	struct coolbpf *cb = attached("on_modify", "security_task_getpgid", *(bool *)*state, lacking);

	assert_int_equal(work(8, EACCES), 8);
	assert_int_equal(tool_count(cb, 4), 8);
	tool_end(cb);
	assert_int_equal(work(8, EACCES), 0);
}

static void lsm(void **state)
{
	const char *lacking = no_trampoline(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_task_getpgid");

	if (!lacking && !*output_of("grep -w bpf /sys/kernel/security/lsm"))
		lacking = "bpf is not among the LSMs that this kernel was started with (/sys/kernel/security/lsm)";
	struct coolbpf *cb = attached("on_lsm", "task_getpgid", *(bool *)*state, lacking);

	assert_int_equal(work(9, EPERM), 9);
	assert_int_equal(tool_count(cb, 5), 9);
	tool_end(cb);
	assert_int_equal(work(9, EPERM), 0);
}

int main(void)
{
	static bool by_section, by_function = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(fentry, &by_section),	  cmocka_unit_test_prestate(fentry, &by_function),
		cmocka_unit_test_prestate(fexit, &by_section),	  cmocka_unit_test_prestate(fexit, &by_function),
		cmocka_unit_test_prestate(fmod_ret, &by_section), cmocka_unit_test_prestate(fmod_ret, &by_function),
		cmocka_unit_test_prestate(lsm, &by_section),	  cmocka_unit_test_prestate(lsm, &by_function),
	};

	return run_as_root(tests);
}
