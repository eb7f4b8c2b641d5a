// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_spec.c - .lab files: what is read from them, and what is said of wrong ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lab/spec.h"

static const char whole[] = "# a test\n"
			    "about files that are opened\n"
			    "run opensnoop.bpf.c --failed --comm 'a b' \"x\\\"y\" plain\\ one\n"
			    "\n"
			    "workload\n"
			    "\techo pid=$$\n"
			    "\n"
			    "\tif true; then\n"
			    "\t\tcat /none\n"
			    "\tfi\n"
			    "\t# a comment of the script\n"
			    "\n"
			    "duration 2s\r\n"
			    "settle 50ms\n"
			    "timeout 2m\n"
			    "file data.txt\n"
			    "file /etc/passwd /etc/passwd\n"
			    "file b.txt sub/c.txt\n"
			    "cc work.c -lm -DX='a b'\n"
			    "load veth nf_tables\n"
			    "load tun\n"
			    "module ../mod\n"
			    "network veth\n"
			    "no-ebpf\n"
			    "memory 64M\n"
			    "processes 10\n"
			    "output 1M\n"
			    "exclude <5.15 no fprobe in this kernel\n"
			    "exclude arm64 not there\n"
			    "allow warning loading out-of-tree module\n"
			    "expect event comm == \"cat\" && ret == ENOENT\n"
			    "on >=6.12 expect no event comm == dog\n"
			    "expect $n-10%..$n+10% events where ret < 0\n"
			    "expect row calls key.call == openat\n"
			    "expect sum value.count 10.. calls where key.call == read\n"
			    "expect exit 0..1\n"
			    "expect output *attached to kprobe*\n"
			    "expect lost ..5\n";

static int parse(const char *text, struct cb_lab_test *t, struct cb_err *e)
{
	return cb_lab_spec_parse(text, strlen(text), "dir/open.lab", t, e);
}

static struct cb_lab_test read_whole(void)
{
	struct cb_err e = {0};
	struct cb_lab_test t;

	if (parse(whole, &t, &e))
		fail_msg("%s", e.text);
	return t;
}

static void what_runs(void **state)
{
	struct cb_lab_test t = read_whole();

	assert_string_equal(t.name, "open");
	assert_string_equal(t.about, "files that are opened");
	assert_int_equal(t.kind, CB_LAB_RUN);
	assert_string_equal(t.subject, "dir/opensnoop.bpf.c");
	assert_int_equal(t.args.n, 5);
	assert_string_equal(t.args.w[2], "a b");
	assert_string_equal(t.args.w[3], "x\"y");
	assert_string_equal(t.args.w[4], "plain one");
	assert_null(t.args.w[5]);
	assert_string_equal(t.workload, "echo pid=$$\n\nif true; then\n\tcat /none\nfi\n# a comment of the script\n");
	assert_int_equal(t.workload_line, 5);
	cb_lab_test_free(&t);
}

static void limits(void **state)
{
	struct cb_lab_test t = read_whole();

	assert_int_equal(t.duration, 2000000000);
	assert_int_equal(t.settle, 50000000);
	assert_int_equal(t.timeout, 120000000000);
	assert_int_equal(t.memory, 64 << 20);
	assert_int_equal(t.processes, 10);
	assert_int_equal(t.output, 1 << 20);
	assert_true(t.no_ebpf && t.veth);
	cb_lab_test_free(&t);
}

static void files(void **state)
{
	struct cb_lab_test t = read_whole();

	assert_int_equal(t.n_files, 3);
	assert_string_equal(t.files[0].host, "dir/data.txt");
	assert_string_equal(t.files[0].guest, "data.txt");
	assert_string_equal(t.files[1].host, "/etc/passwd");
	assert_string_equal(t.files[1].guest, "/etc/passwd");
	assert_string_equal(t.files[2].guest, "sub/c.txt");
	assert_int_equal(t.n_ccs, 1);
	assert_string_equal(t.ccs[0].source, "dir/work.c");
	assert_string_equal(t.ccs[0].name, "work");
	assert_int_equal(t.ccs[0].flags.n, 2);
	assert_string_equal(t.ccs[0].flags.w[1], "-DX=a b");
	assert_int_equal(t.load.n, 3);
	assert_string_equal(t.load.w[2], "tun");
	assert_string_equal(t.modules.w[0], "dir/../mod");
	assert_int_equal(t.n_excludes, 2);
	assert_string_equal(t.excludes[0].kernels, "<5.15");
	assert_string_equal(t.excludes[0].reason, "no fprobe in this kernel");
	assert_int_equal(t.excludes[0].line, 28);
	assert_string_equal(t.allowed.w[0], "loading out-of-tree module");
	cb_lab_test_free(&t);
}

static void expectations(void **state)
{
	struct cb_lab_test t = read_whole();
	const struct cb_lab_expect *x = t.expects;

	assert_int_equal(t.n_expects, 8);
	assert_int_equal(x[0].subject, CB_LAB_EVENTS);
	assert_true(x[0].range.has_low && !x[0].range.has_high && x[0].cond);
	assert_string_equal(x[0].text, "event comm == \"cat\" && ret == ENOENT");
	assert_string_equal(x[1].on, ">=6.12");
	assert_true(x[1].range.has_high && x[1].range.high.number == 0);
	assert_string_equal(x[2].range.low.truth, "n");
	assert_true(x[2].range.low.percent == -10 && !x[2].range.low.add);
	assert_true(x[2].range.high.percent == 10);
	assert_int_equal(x[3].subject, CB_LAB_ROWS);
	assert_string_equal(x[3].map, "calls");
	assert_int_equal(x[4].subject, CB_LAB_SUM);
	assert_string_equal(x[4].field, "value.count");
	assert_string_equal(x[4].map, "calls");
	assert_true(x[4].range.low.number == 10 && !x[4].range.has_high && x[4].cond);
	assert_int_equal(x[5].subject, CB_LAB_EXIT);
	assert_int_equal(x[6].subject, CB_LAB_OUTPUT);
	assert_string_equal(x[6].glob, "*attached to kprobe*");
	assert_int_equal(x[7].subject, CB_LAB_LOST);
	assert_true(!x[7].range.has_low && x[7].range.high.number == 5);
	cb_lab_test_free(&t);
}

static void what_is_taken_where_nothing_is_said(void **state)
{
	struct cb_err e = {0};
	struct cb_lab_test t;

	assert_int_equal(parse("expect event\n", &t, &e), 0);
	assert_string_equal(t.subject, "dir/open.bpf.c");
	assert_int_equal(t.duration, 1000000000);
	assert_int_equal(t.timeout, 60000000000);
	assert_int_equal(t.memory, 512 << 20);
	cb_lab_test_free(&t);
	assert_int_equal(parse("workload\n  true\nexpect event", &t, &e), 0);
	assert_int_equal(t.duration, 30000000000);
	assert_string_equal(t.workload, "true\n");
	cb_lab_test_free(&t);
	assert_int_equal(parse("command coolbpf doctor", &t, &e), 0);
	assert_int_equal(t.kind, CB_LAB_COMMAND);
	assert_int_equal(t.args.n, 2);
	cb_lab_test_free(&t);
	assert_int_equal(parse("tap ../build/test_x -v", &t, &e), 0);
	assert_int_equal(t.kind, CB_LAB_TAP);
	assert_string_equal(t.subject, "dir/../build/test_x");
	assert_int_equal(t.args.n, 1);
	cb_lab_test_free(&t);
	assert_int_equal(parse("workload work.sh\nexpect event", &t, &e), 0);
	assert_string_equal(t.workload_file, "dir/work.sh");
	cb_lab_test_free(&t);
}

static void ranges(void **state)
{
	static const struct {
		const char *text;
		int low, high; /* -1: open */
	} good[] = {{"0 events", 0, 0},	   {"7 events", 7, 7},	       {"1..2 events", 1, 2},
		    {"5.. events", 5, -1}, {"..9 events", -1, 9},      {"1K events", 1024, 1024},
		    {"2+3 events", 5, 5},  {"3-1..9+1-2 events", 2, 8}};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct cb_lab_expect x;
		struct cb_err e = {0};

		if (cb_lab_expect_parse(good[i].text, &x, &e))
			fail_msg("%s: %s", good[i].text, e.text);
		assert_int_equal(x.range.has_low, good[i].low >= 0);
		assert_int_equal(x.range.has_high, good[i].high >= 0);
		if (x.range.has_low)
			assert_true(x.range.low.number + x.range.low.add == good[i].low);
		if (x.range.has_high)
			assert_true(x.range.high.number + x.range.high.add == good[i].high);
		cb_lab_expect_free(&x);
	}
}

static void wrong_files(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"", "dir/open.lab: nothing is expected"},
		{"run x.bpf.c\n", "nothing is expected"},
		{"\nrunn x\n",
		 "dir/open.lab:2: there is no directive \"runn\"; there is about, run, command, tap, workload"},
		{"run x.py\nexpect event", ":1: dir/x.py is neither a source (.bpf.c) nor an object"},
		{"run\nexpect event", ":1: a tool, NAME.bpf.c or NAME.bpf.o, is expected"},
		{"run a.bpf.c\ncommand b\n", ":2: line 1 says already what is run"},
		{"duration 1s\nduration 2s", ":2: duration stands here for the second time"},
		{"duration fast", ":1: \"fast\" is not a time such as 300ms or 5s"},
		{"duration 0", "is not a time"},
		{"duration 1s 2s", "a time such as 300ms or 5s is expected here, and nothing behind it"},
		{"memory lots", ":1: \"lots\" is not a size such as 64M"},
		{"memory -1", "is not a size"},
		{"processes 99999999999", "at most"},
		{"workload\nexpect event", ":1: indented lines are expected"},
		{"workload a b\nexpect event", ":1: a file's name is expected here"},
		{"about x\n  stray\n", ":2: an indented line stands behind workload"},
		{"exclude <5.15\n", ":1: it is: exclude KERNELS REASON"},
		{"allow everything\n", ":1: it is: allow warning TEXT"},
		{"allow warning\n", ":1: it is: allow warning TEXT"},
		{"network tap\n", ":1: there is no network \"tap\"; there is veth"},
		{"no-ebpf please\n", ":1: nothing is expected behind it"},
		{"file\n", ":1: it is: file HOST"},
		{"file a b c\n", ":1: it is: file HOST"},
		{"file a ../b\n", ":1: it is: file HOST"},
		{"file a/\n", ":1: it is: file HOST"},
		{"cc prog\n", ":1: it is: cc SOURCE.c"},
		{"load\n", ":1: it is: load MODULE"},
		{"module\n", ":1: a directory with a module's source"},
		{"run x.bpf.c 'a\n", ":1: a text that begins with ' has no ' at its end"},
		{"run x.bpf.c \\\n", ":1: a \\ at the end"},
		{"run x.bpf.c # why\n", ":1: a comment has a line of its own"},
		{"on expect\n", ":1: it is: on KERNELS expect"},
		{"on <6 expected event\n", ":1: it is: on KERNELS expect"},
		{"expect\n", ":1: expect: what is expected? There is: event [CONDITION]"},
		{"expect evnt\n", ":1: expect: \"evnt\" is nothing that can be expected; there is: event"},
		{"expect event comm = = 1\n", ":1: expect: the condition is wrong at column 8"},
		{"expect no exit\n", ":1: expect: behind \"no\" there is: event, row, output, error"},
		{"expect 3 apples\n", ":1: expect: behind a number there is: events"},
		{"expect ..\n", ":1: expect: a range has one end at least"},
		{"expect 5..3 events\n", ":1: expect: the range 5..3 is empty"},
		{"expect $..3 events\n", "\"$\" is no name of a truth"},
		{"expect $a+x events\n", "behind + or - a number is expected"},
		{"expect 1x events\n", "\"1x\" is neither a number nor $NAME"},
		{"expect $a+9999999% events\n", "more than 1000000%"},
		{"expect row\n", ":1: expect: a map's name is expected at the end"},
		{"expect sum\n", ":1: expect: a field's name is expected at the end"},
		{"expect sum x\n", ":1: expect: a number, $NAME or a range is expected at the end"},
		{"expect sum x 1 m y\n", ":1: expect: \"where CONDITION\" or the end is expected at \"y\""},
		{"expect exit\n", "a number, $NAME or a range is expected"},
		{"expect exit 0 1\n", "the end is expected at \"1\""},
		{"expect output\n", "a text is expected at the end"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct cb_lab_test t;
		struct cb_err e = {0};

		assert_int_equal(parse(wrong[i].text, &t, &e), -EINVAL);
		if (!strstr(e.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].text, e.text);
	}
}

static void no_text(void **state)
{
	char *large = calloc(1, CB_LAB_SPEC_MAX + 2);
	struct cb_lab_test t;
	struct cb_err e = {0};

	assert_int_equal(cb_lab_spec_parse("a\0b", 3, "x.lab", &t, &e), -EINVAL);
	assert_non_null(strstr(e.text, "x.lab is no text"));
	memset(large, '\n', CB_LAB_SPEC_MAX + 1);
	assert_int_equal(cb_lab_spec_parse(large, CB_LAB_SPEC_MAX + 1, "x.lab", &t, &e), -EFBIG);
	free(large);
	assert_int_equal(cb_lab_spec_read("/nowhere/x.lab", &t, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs),   cmocka_unit_test(limits),
		cmocka_unit_test(files),       cmocka_unit_test(expectations),
		cmocka_unit_test(ranges),      cmocka_unit_test(what_is_taken_where_nothing_is_said),
		cmocka_unit_test(wrong_files), cmocka_unit_test(no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
