// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* kprobe, kretprobe, kprobe.multi and ksyscall: this process calls kill() and getpgid(), the programs count. */
#include <signal.h>

#include "tool.h"

/* Each call looks its argument up once, and finds this process. */
static void work(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(kill(getpid(), 0), 0);
}

#define need_kprobes()                                                                                                 \
	do {                                                                                                           \
		const char *why = no_kprobes();                                                                        \
		if (why) {                                                                                             \
			must_say_so();                                                                                 \
			skip_because("%s", why);                                                                       \
		}                                                                                                      \
	} while (0)

static struct coolbpf *opened(void)
{
	struct coolbpf *cb = tool_open("kprobe");
	unsigned pid = (unsigned)getpid();

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	return cb;
}

/* Where there are none, the attempt fails, names the program and leaves nothing. */
static void must_say_so(void)
{
	struct coolbpf *cb = opened();

	must(cb, coolbpf_load(cb));
	assert_true(coolbpf_attach(cb) < 0);
	assert_string_equal(coolbpf_errmsg(cb),
			    "cannot attach program on_entry to kprobe find_vpid: this kernel has no kprobes");
	assert_false(tool_attached(cb, "on_entry"));
	tool_end(cb);
}

static void by_section_name(void **state)
{
	need_kprobes();
	struct coolbpf *cb = opened();

	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	work(50);
	assert_int_equal(tool_count(cb, 0), 50);
	assert_int_equal(tool_count(cb, 1), 50 * (uint64_t)getpid());
	assert_int_equal(tool_count(cb, 2), 50);
	assert_int_equal(tool_count(cb, 3), 50);
	tool_end(cb);
}

static void by_function(void **state)
{
	need_kprobes();
	struct coolbpf *cb = opened();

	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach_kprobe(cb, "on_entry", "find_vpid", 0, false));
	must(cb, coolbpf_attach_kprobe(cb, "on_return", "find_vpid", 0, true));
	work(20);
	assert_int_equal(tool_count(cb, 0), 20);
	assert_int_equal(tool_count(cb, 2), 20);
	must_refuse(cb, coolbpf_attach_kprobe(cb, "on_entry", "no_such_function", 0, false), -ENOENT,
		    "no_such_function");
	tool_end(cb);
}

static void multi(void **state)
{
	need_kprobes();
	if (!*output_of("grep -w register_fprobe_ips /proc/kallsyms"))
		skip_because("this kernel has no kprobe.multi: /proc/kallsyms has no register_fprobe_ips");
	struct coolbpf *cb = opened();

	must(cb, coolbpf_program_target(cb, "on_many", "find_vpid*"));
	must(cb, coolbpf_program_target(cb, "on_entry", NULL));
	must(cb, coolbpf_program_target(cb, "on_return", NULL));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	work(30);
	assert_int_equal(tool_count(cb, 4), 30);
	assert_int_equal(tool_count(cb, 0), 0);
	coolbpf_detach(cb);
	must(cb, coolbpf_attach_kprobe_multi(cb, "on_many", "find_vpi?", false));
	work(12);
	assert_int_equal(tool_count(cb, 4), 42);
	must_refuse(cb, coolbpf_attach_kprobe_multi(cb, "on_many", "no_such_function*", false), -ENOENT,
		    "no_such_function*");
	tool_end(cb);
}

static void system_call(void **state)
{
	need_kprobes();
	struct coolbpf *cb = opened();

	must(cb, coolbpf_program_target(cb, "on_getpgid", "getpgid"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	for (int i = 0; i < 15; i++)
		assert_true(getpgid(getpid()) > 0);
	assert_int_equal(tool_count(cb, 5), 15);
	assert_int_equal(tool_count(cb, 6), 15 * (uint64_t)getpid());
	tool_end(cb);
}

/* A kernel without kprobes says so, by whatever way it is asked. */
static void without_kprobes(void **state)
{
	struct coolbpf *cb = opened();

	if (!no_kprobes()) {
		coolbpf_free(cb);
		skip_because("this kernel has kprobes");
	}
	must(cb, coolbpf_program_target(cb, "on_many", ""));
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_attach(cb), -ENOENT, "to kprobe find_vpid: this kernel has no kprobes");
	must_refuse(cb, coolbpf_attach_kprobe(cb, "on_return", "find_vpid", 0, true), -ENOENT,
		    "to kretprobe find_vpid: this kernel has no kprobes");
	assert_true(coolbpf_attach_kprobe_multi(cb, "on_many", "find_*", false) < 0);
	assert_non_null(strstr(coolbpf_errmsg(cb), "on_many to the functions find_*: this kernel has no kprobe"));
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_section_name), cmocka_unit_test(by_function),     cmocka_unit_test(multi),
		cmocka_unit_test(system_call),	   cmocka_unit_test(without_kprobes),
	};

	return run_as_root(tests);
}
