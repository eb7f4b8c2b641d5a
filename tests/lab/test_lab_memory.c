// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_lab_memory.c - every allocation of reading a test, of judging an outcome and of writing the reports fails once: what
 * follows is -ENOMEM, or a failure that is none less: a test that fails never becomes one that passes.
 */
#include "check.h"
#include "fail_alloc.h"
#include "lab/judge.h"
#include "lab/load.h"
#include "lab/report.h"
#include "made.h"

static const char text[] =
	"about x\nrun x.bpf.c 'a b' c\nworkload\n\techo n=1\nfile a\ncc b.c -lm\nload m n\nmodule d\n"
	"exclude <5 old\nallow warning text\nexpect event comm == cat && list ~ *1* || a.b == $n\n"
	"on >=6 expect sum n 1..$n rows where x\nexpect output *x*\nexpect exit 1\n";

static const char events[] = "{\"comm\":\"dog\",\"list\":[2,3],\"n\":18446744073709551615,\"a\":{\"b\":3}}\n"
			     "{\"comm\":\"dog\",\"list\":[2,1],\"n\":4,\"a\":{\"b\":3}}\n"
			     "{\"map\":\"rows\",\"key\":1,\"value\":2,\"x\":true,\"n\":3}\n";

/* A way through the code: 0 or -ENOMEM. */
typedef int (*way_fn)(void);

static int read_spec(void)
{
	struct cb_lab_test t;
	struct cb_err e = {0};
	int err = cb_lab_spec_parse(text, strlen(text), "d/x.lab", &t, &e);

	cb_lab_test_free(&t);
	return err && !*e.text ? -EIO : err;
}

/* Three of its four expectations do not hold. */
static int judge(void)
{
	static const bool on[] = {true, true, true, true};
	struct cb_lab_outcome o = {.out = {.s = (char *)events, .len = sizeof(events) - 1},
				   .work_out = {.s = (char *)"n=1\n", .len = 4},
				   .err = {.s = (char *)"coolbpf: x\n", .len = 11}};
	struct cb_lab_cell cell = {0};
	struct cb_lab_test t;
	int err = cb_lab_spec_parse(text, strlen(text), "d/x.lab", &t, NULL);

	if (err)
		return err;
	cb_lab_judge(&t, on, &o, &cell);
	err = cell.verdict != CB_LAB_FAIL ? -EIO : 0;
	cb_lab_cell_clear(&cell);
	cb_lab_test_free(&t);
	return err;
}

static int judge_tap(void)
{
	static const char tap[] = "1..2\nok 1 - a # skip b\nnot ok 2 - c\n";
	struct cb_lab_outcome o = {.out = {.s = (char *)tap, .len = sizeof(tap) - 1}};
	struct cb_lab_cell cell = {0};
	struct cb_lab_test t;
	int err = cb_lab_spec_parse("tap x", 5, "x.lab", &t, NULL);

	if (err)
		return err;
	cb_lab_judge(&t, NULL, &o, &cell);
	err = cell.verdict != CB_LAB_FAIL ? -EIO : 0;
	cb_lab_cell_clear(&cell);
	cb_lab_test_free(&t);
	return err;
}

static int load(void)
{
	struct cb_lab_made made = {.object = (char *)"/o", .built = (char *[]){(char *)"/p", NULL}};
	struct cb_lab_ko ko = {.name = (char *)"m", .data = (char *)"d", .len = 1};
	struct cb_lab_member m = {.made = &made, .kos = {.ko = &ko, .n = 1}};
	struct cb_lab_options o = {0};
	struct cb_lab_load l;
	struct cb_lab_test t;
	int err = cb_lab_spec_parse(text, strlen(text), "d/x.lab", &t, NULL);

	if (err)
		return err;
	m.test = &t;
	err = cb_lab_load_make(&l, &(struct cb_lab_member *){&m}, 1, &o);
	if (!err && (l.n_files != 4 || l.n_jobs != 1 || strcmp(l.jobs[0].argv[5], "x.bpf.o") ||
		     strcmp(l.jobs[0].argv[6], "a b")))
		err = -EIO;
	cb_lab_load_free(&l);
	cb_lab_test_free(&t);
	return err;
}

static struct cb_lab_result made;

static int report(void)
{
	struct cb_buf out[5] = {{0}};
	int err = 0;

	cb_lab_report_table(&made, true, 60, &out[0]);
	cb_lab_report_html(&made, &out[1]);
	cb_lab_report_junit(&made, &out[2]);
	cb_lab_report_json(&made, &out[3]);
	cb_lab_report_tap(&made, &out[4]);
	for (int i = 0; i < 5; i++) {
		if (out[i].failed)
			err = -ENOMEM;
		cb_buf_free(&out[i]);
	}
	return err;
}

static void each_allocation_fails(void **state)
{
	static const way_fn ways[] = {read_spec, judge, judge_tap, load, report};

	made = made_result();
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		long n = 1;

		for (;; n++) {
			bool failed;
			int err;

			fail_at = n;
			err = ways[i]();
			failed = fail_at == 0;
			fail_at = 0;
			if (err && err != -ENOMEM)
				fail_msg("way %zu, allocation %ld: %d", i, n, err);
			if (!failed) {
				assert_int_equal(err, 0);
				break;
			}
		}
		assert_true(n > 5);
	}
	cb_lab_result_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
