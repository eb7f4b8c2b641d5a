// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_expect.c - what a test expects, against made outcomes: what holds, and what is said of what does not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lab/judge.h"

static const char events[] = "{\"pid\":7,\"comm\":\"cat\",\"ret\":\"-ENOENT\",\"n\":10}\n"
			     "a line that is no record\n"
			     "{\"pid\":7,\"comm\":\"cat\",\"ret\":3,\"n\":20}\n"
			     "{\"pid\":9,\"comm\":\"dog\",\"ret\":3,\"n\":18446744073709551615}\n"
			     "{\"map\":\"calls\",\"key\":{\"call\":\"read\"},\"value\":{\"count\":5}}\n"
			     "{\"map\":\"calls\",\"key\":{\"call\":\"openat\"},\"value\":{\"count\":7}}\n"
			     "{\"map\":\"sizes\",\"unit\":\"bytes\",\"buckets\":[{\"from\":0,\"to\":1,\"count\":4},"
			     "{\"from\":2,\"to\":3,\"count\":6}]}\n";

static const char truths[] = "pid=7\ncalls=12\ntext=abc\n";

static struct cb_lab_text text_of(const char *s)
{
	return (struct cb_lab_text){.s = (char *)s, .len = strlen(s)};
}

static struct cb_lab_outcome outcome(void)
{
	return (struct cb_lab_outcome){.out = text_of(events),
				       .err = text_of("coolbpf: x is running; Ctrl-C ends it.\n"),
				       .work_out = text_of(truths),
				       .total_ns = 5};
}

static struct cb_lab_cell judge_with(const char *directives, const struct cb_lab_outcome *o)
{
	static const bool on[16] = {true, true, true, true, true, true, true, true};
	struct cb_lab_cell cell = {0};
	struct cb_lab_test t;
	struct cb_err e = {0};

	if (cb_lab_spec_parse(directives, strlen(directives), "x.lab", &t, &e))
		fail_msg("%s", e.text);
	cb_lab_judge(&t, on, o, &cell);
	cb_lab_test_free(&t);
	return cell;
}

static void holds(void **state)
{
	static const char *const yes[] = {
		"event",
		"event comm == cat && ret == ENOENT",
		"event pid == $pid",
		"no event comm == cow",
		"3 events",
		"2 events where comm == cat",
		"1..2 events where pid == $pid",
		"$pid-4 events",
		"$pid-60%..$pid+10% events",
		"$pid-100%+3 events",
		"row calls",
		"row calls key.call == read && value.count == 5",
		"no row calls key.call == write",
		"2 rows calls",
		"1 rows calls where key.call ~ open*",
		"row sizes buckets.count == 6 && unit == bytes",
		"sum n 30 where comm == cat",
		"sum n 18446744073709551615+30",
		"sum value.count $calls calls",
		"sum value.count 7 calls where key.call == openat",
		"sum buckets.count 10 sizes",
		"exit 0",
		"output *no record",
		"no output *cow*",
		"error *is running*",
		"no error *fail*",
		"lost 0",
	};
	struct cb_lab_outcome o = outcome();
	char text[200];

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		struct cb_lab_cell cell;

		snprintf(text, sizeof(text), "expect %s", yes[i]);
		cell = judge_with(text, &o);
		if (cell.verdict != CB_LAB_PASS)
			fail_msg("%s: %s", yes[i], cell.reason);
		assert_int_equal(cell.ns, 5);
		cb_lab_cell_clear(&cell);
	}
}

static void does_not_hold(void **state)
{
	static const struct {
		const char *expect, *says, *details;
		enum cb_lab_why why;
	} no[] = {
		{"event comm == cow", "1 or more expected, 0 found of 3 events", "nearest: {\"pid\":7",
		 CB_LAB_WHY_VALUE},
		{"event comm == cat && pid == 9", "0 found of 3 events", "truths: pid=7, calls=12, text=abc",
		 CB_LAB_WHY_VALUE},
		{"no event comm == dog", "0 expected, 1 found of 3 events", "matches: {\"pid\":9", CB_LAB_WHY_VALUE},
		{"no event com == dog", "no event has a field com; the first has: pid, comm, ret, n", "",
		 CB_LAB_WHY_VALUE},
		{"4.. events", "4 or more expected, 3 found of 3 events", "", CB_LAB_WHY_VALUE},
		{"$pid-1%..$pid+1% events", "6 to 8 expected, 3 found", "", CB_LAB_WHY_VALUE},
		{"$none events", "the workload printed no line none=VALUE", "", CB_LAB_WHY_VALUE},
		{"event pid == $none", "the workload printed no line none=VALUE", "", CB_LAB_WHY_VALUE},
		{"$text events", "the workload printed text=abc, which is no number", "", CB_LAB_WHY_VALUE},
		{"row cals", "no row of a map cals was shown; maps with rows: calls, sizes", "", CB_LAB_WHY_NO_EVENT},
		{"row calls key.call == write", "0 found of 2 rows", "nearest: {\"map\"", CB_LAB_WHY_VALUE},
		{"row calls key.cal == write", "no row of calls has a field key.cal", "", CB_LAB_WHY_VALUE},
		{"sum n 31 where comm == cat", "31 expected, 30 is the sum over 2 of 3 events", "", CB_LAB_WHY_VALUE},
		{"sum comm 1..", "the field comm is no number", "", CB_LAB_WHY_VALUE},
		{"exit 1", "exit status: 0, 1 expected", "", CB_LAB_WHY_EXIT},
		{"output cow", "no line is like that", "", CB_LAB_WHY_VALUE},
		{"no error *running*", "this line is there: coolbpf: x is running", "", CB_LAB_WHY_VALUE},
		{"lost 1..", "lost events: 0, 1 or more expected", "", CB_LAB_WHY_VALUE},
	};
	struct cb_lab_outcome o = outcome();
	char text[200];

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		struct cb_lab_cell cell;

		snprintf(text, sizeof(text), "expect %s", no[i].expect);
		cell = judge_with(text, &o);
		assert_int_equal(cell.verdict, CB_LAB_FAIL);
		if (cell.why != no[i].why || !strstr(cell.reason, no[i].says) ||
		    !strstr(cell.notes[0].text, no[i].details) || !strstr(cell.notes[0].text, "x.lab:1: expect "))
			fail_msg("%s: %s\n%s", no[i].expect, cell.reason, cell.notes[0].text);
		cb_lab_cell_clear(&cell);
	}
}

static void assert_fails(const char *directives, const struct cb_lab_outcome *o, enum cb_lab_why why, const char *says)
{
	struct cb_lab_cell cell = judge_with(directives, o);

	assert_int_equal(cell.verdict, CB_LAB_FAIL);
	if (cell.why != why || !strstr(cell.reason, says))
		fail_msg("%s: %s", cb_lab_why_text(cell.why), cell.reason);
	cb_lab_cell_clear(&cell);
}

static void assert_passes(const char *directives, const struct cb_lab_outcome *o)
{
	struct cb_lab_cell cell = judge_with(directives, o);

	if (cell.verdict != CB_LAB_PASS)
		fail_msg("%s: %s", cb_lab_why_text(cell.why), cell.reason);
	cb_lab_cell_clear(&cell);
}

static void no_event_at_all(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.out = text_of("");
	assert_fails("expect event comm == cat", &o, CB_LAB_WHY_NO_EVENT, "no event came");
	assert_fails("expect row m", &o, CB_LAB_WHY_NO_EVENT, "no row of a map m was shown; maps with rows: none");
	assert_passes("expect no event comm == cat", &o);
}

static void events_were_lost(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.err = text_of(
		"coolbpf: 3 events of a were lost: its buffer was full\ncoolbpf: 14 events of a were lost: its\n");
	assert_fails("expect event", &o, CB_LAB_WHY_VALUE, "lost events: 17, 0 expected");
	assert_passes("expect event\nexpect lost 10..20", &o);
}

static void broken_output(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.out = text_of("{\"a\":1}\n{\"a\":\n");
	assert_fails("expect event", &o, CB_LAB_WHY_VALUE, "1 lines of the output begin like a record and are none");
	o.out.cut = 100;
	assert_passes("expect event", &o);
	assert_fails("expect 1 events", &o, CB_LAB_WHY_VALUE, "100 bytes of the output were left out");
}

static void how_it_ended(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.end = CB_LAB_PANIC;
	o.message = (char *)"the guest is gone";
	assert_fails("expect event", &o, CB_LAB_WHY_CRASH, "the guest is gone");
	o.console = (char *)"line\n[  1.0] Kernel panic - not syncing: Fatal\nmore\n";
	assert_fails("expect event", &o, CB_LAB_WHY_CRASH, "Kernel panic - not syncing: Fatal");
	o.end = CB_LAB_HANG;
	o.console = (char *)"nothing";
	assert_fails("expect event", &o, CB_LAB_WHY_HANG, "the guest is gone");
	o.end = CB_LAB_TIMEOUT;
	o.console = NULL;
	o.message = (char *)"killed after 60s";
	assert_fails("expect event", &o, CB_LAB_WHY_TIMEOUT, "killed after 60s");
	o.end = CB_LAB_SETUP;
	o.message = (char *)"cannot insert the module x.ko: Exec format error";
	assert_fails("expect event", &o, CB_LAB_WHY_MODULE, "cannot insert");
	o.message = (char *)"no room";
	assert_fails("expect event", &o, CB_LAB_WHY_SETUP, "no room");
}

static void kernel_warnings(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.warned = true;
	o.kmsg = text_of("x: loading out-of-tree module taints kernel.\nWARNING: CPU: 0 PID: 1 at kernel/x.c:7\n");
	assert_fails("expect event", &o, CB_LAB_WHY_WARNING, "WARNING: CPU: 0 PID: 1 at kernel/x.c:7");
	assert_passes("expect event\nallow warning kernel/x.c", &o);
	assert_fails("expect event\nallow warning kernel/y.c", &o, CB_LAB_WHY_WARNING, "kernel/x.c");
	o.kmsg = text_of("x: loading out-of-tree module taints kernel.\n");
	assert_fails("expect event", &o, CB_LAB_WHY_WARNING, "loading out-of-tree module");
	assert_passes("expect event\nallow warning out-of-tree", &o);
	o.kmsg = (struct cb_lab_text){0};
	assert_fails("expect event", &o, CB_LAB_WHY_WARNING, "the kernel became tainted");
}

static void exit_statuses(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.status = 3 << 8;
	o.err = text_of("coolbpf: something else\n");
	assert_fails("expect event", &o, CB_LAB_WHY_EXIT, "exit status 3: something else");
	assert_passes("expect event\nexpect exit 3", &o);
	o.status = 11;
	assert_fails("expect event", &o, CB_LAB_WHY_EXIT, "ended by signal 11 (Segmentation fault)");
	assert_passes("expect event\nexpect exit 139", &o);
	assert_fails("command x", &o, CB_LAB_WHY_EXIT, "ended by signal 11");
}

static void workload_and_rest(void **state)
{
	struct cb_lab_outcome o = outcome();

	o.work_status = 1 << 8;
	o.work_err = text_of("first\ncat: no such file\n");
	assert_fails("expect event", &o, CB_LAB_WHY_WORKLOAD, "exit status 1: cat: no such file");
	o.work_status = 9;
	assert_fails("expect event\nduration 2s", &o, CB_LAB_WHY_WORKLOAD, "ended by signal 9");
	o.total_ns = 2500000000;
	assert_fails("expect event\nduration 2s", &o, CB_LAB_WHY_WORKLOAD,
		     "it was not over after 2 seconds (duration)");
	o.work_status = -1;
	assert_passes("expect event", &o);
	o.left = 2;
	assert_fails("expect event", &o, CB_LAB_WHY_LEFT, "2 BPF programs, maps, links or probes");
}

static void tap_programs(void **state)
{
	struct cb_lab_outcome o = {.out = text_of("TAP version 13\n1..3\nok 1 - one\nok 2 - two # skip no disk\n"
						  "# skip: no counters\nnot ok 3 # SKIP hardware\n")};
	struct cb_lab_cell cell = judge_with("tap x", &o);

	assert_int_equal(cell.verdict, CB_LAB_PASS);
	assert_int_equal(cell.n_inner, 3);
	assert_string_equal(cell.inner[0].name, "one");
	assert_string_equal(cell.inner[1].why, "no disk");
	assert_true(cell.inner[2].skip);
	assert_string_equal(cell.inner[2].name, "hardware");
	assert_string_equal(cell.inner[2].why, "no counters");
	cb_lab_cell_clear(&cell);
	o.out = text_of("1..2\nok 1 - one\nnot ok 2 - two\n");
	o.status = 1 << 8;
	assert_fails("tap x", &o, CB_LAB_WHY_NOT_OK, "1 of 2: two");
	o.out = text_of("1..2\nok 1 - one\n");
	o.status = 11;
	assert_fails("tap x", &o, CB_LAB_WHY_EXIT, "signal 11");
	o.status = 0;
	assert_fails("tap x", &o, CB_LAB_WHY_NOT_OK, "2 tests planned, 1 ended");
	o.out = text_of("hello\n");
	assert_fails("tap x", &o, CB_LAB_WHY_NOT_OK, "it printed no result");
	o.out = text_of("1..0 # skip not here\n");
	assert_passes("tap x", &o);
	o.out = text_of("1..1\nok 1\n");
	o.status = 1 << 8;
	assert_fails("tap x", &o, CB_LAB_WHY_EXIT, "although no result");
}

static void very_many_events(void **state)
{
	enum { EVENTS = 100000 };
	static const char line[] =
		"{\"pid\":7,\"comm\":\"cat\",\"path\":\"/usr/lib/something/of/some/length\",\"n\":1}\n";
	struct cb_lab_outcome o = outcome();
	char *all = malloc(sizeof(line) * EVENTS);
	size_t n = sizeof(line) - 1;

	for (size_t i = 0; i < EVENTS; i++)
		memcpy(all + i * n, line, n);
	o.out = (struct cb_lab_text){.s = all, .len = n * EVENTS};
	assert_passes("expect 100000 events where comm == cat\nexpect sum n 100000\nexpect no event pid == 8", &o);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(does_not_hold),
		cmocka_unit_test(no_event_at_all),
		cmocka_unit_test(events_were_lost),
		cmocka_unit_test(broken_output),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(kernel_warnings),
		cmocka_unit_test(exit_statuses),
		cmocka_unit_test(workload_and_rest),
		cmocka_unit_test(tap_programs),
		cmocka_unit_test(very_many_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
