// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_judge.c - why a tool cannot run is told by what "coolbpf run" says: here it says it, to tools that cannot run on any
 * kernel, and the lab has to understand.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "check.h"
#include "lab/judge.h"

#define HEAD "#include \"lbc.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\nLBC_HASH(m, int, int, 8);\n"

static char dir[] = "/tmp/coolbpf-test-XXXXXX";

/* What "coolbpf run SOURCE" leaves. */
static struct cb_lab_outcome run_tool(const char *source, const char *options)
{
	struct cb_lab_outcome o = {.work_status = -1};
	struct cb_err e = {0};
	char path[64], said[64], command[300];

	snprintf(path, sizeof(path), "%s/tool.bpf.c", dir);
	snprintf(said, sizeof(said), "%s/said", dir);
	if (cb_file_write(path, source, strlen(source), 0644, &e))
		fail_msg("%s", e.text);
	snprintf(command, sizeof(command), "\"$COOLBPF\" run -v -o json -d 100ms %s %s >/dev/null 2>%s", options, path,
		 said);
	o.status = system(command);
	if (cb_file_read(said, 1 << 20, &o.err.s, &o.err.len, &e))
		fail_msg("%s", e.text);
	return o;
}

static void assert_why(const char *source, const char *options, enum cb_lab_why why, const char *says)
{
	static const char text[] = "run tool.bpf.c\nexpect no event\n";
	static const bool on[] = {true};
	struct cb_lab_outcome o = run_tool(source, options);
	struct cb_lab_cell cell = {0};
	struct cb_lab_test t;

	assert_int_equal(cb_lab_spec_parse(text, strlen(text), "x.lab", &t, NULL), 0);
	cb_lab_judge(&t, on, &o, &cell);
	if (cell.why != why || (says && !strstr(cell.reason, says)))
		fail_msg("%s: %s\n%s", cb_lab_why_text(cell.why), cell.reason, o.err.s);
	cb_lab_cell_clear(&cell);
	cb_lab_test_free(&t);
	cb_lab_outcome_free(&o);
}

static void need_bpf(void)
{
	if (geteuid() || system("\"$COOLBPF\" doctor >/dev/null 2>&1"))
		skip_because("this process may not load BPF programs (coolbpf doctor says why)");
}

static void refused(void **state)
{
	need_bpf();
	assert_why(HEAD "SEC(\"raw_tp/sched_process_exec\")\nint bad(void *ctx)\n{\n\tint k = 0, *v = "
			"bpf_map_lookup_elem(&m, &k);\n\n\treturn *v;\n}\n",
		   "", CB_LAB_WHY_REFUSED, "the kernel's verifier refuses program bad (raw_tp/sched_process_exec)");
}

static void no_hook(void **state)
{
	need_bpf();
	assert_why(HEAD "SEC(\"raw_tp/no_such_a|no_such_b\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "",
		   CB_LAB_WHY_NO_HOOK, "program f: this kernel has none of its hooks");
	assert_why(HEAD "SEC(\"tracepoint/none/such\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "", CB_LAB_WHY_NO_HOOK,
		   "cannot attach program f");
	assert_why(HEAD "SEC(\"tp_btf/no_such\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "", CB_LAB_WHY_NO_HOOK, NULL);
	assert_why(HEAD "LBC_ALTERNATIVE(\"g\")\nSEC(\"raw_tp/no_such\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "",
		   CB_LAB_WHY_NO_HOOK, "none of the alternatives");
}

static void other_failures(void **state)
{
	need_bpf();
	assert_why(HEAD "SEC(\"raw_tp/sched_process_exec\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n",
		   "--filter a==", CB_LAB_WHY_EXIT, "exit status");
	assert_why(HEAD "SEC(\"raw_tp/sched_process_exec\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "--no-such-option",
		   CB_LAB_WHY_EXIT, "exit status 2: ");
}

static void runs(void **state)
{
	need_bpf();
	assert_why(HEAD "SEC(\"raw_tp/sched_process_exec\")\nint f(void *ctx)\n{\n\treturn 0;\n}\n", "",
		   CB_LAB_WHY_NONE, NULL);
}

static int set_up(void **state)
{
	return !mkdtemp(dir);
}

static int tear_down(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(no_hook),
		cmocka_unit_test(other_failures),
		cmocka_unit_test(runs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
