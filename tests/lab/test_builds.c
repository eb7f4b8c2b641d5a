// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Programs that run beside one another, in threads: this is for ThreadSanitizer, too. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "lab/builds.h"

enum { MANY = 40 };

struct jobs {
	struct cb_lab_builds list;
	struct cb_lab_hold hold;
	char script[MANY][64];
};

/* /bin/sh -c TEXT, the i-th */
static void add(struct jobs *j, size_t i)
{
	const char **argv = calloc(4, sizeof(*argv));

	assert_non_null(argv);
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = j->script[i];
	assert_int_equal(cb_lab_builds_add(&j->list, j->script[i], (unsigned int)i, argv), 0);
}

static int begin(void **state)
{
	struct jobs *j = calloc(1, sizeof(*j));

	*state = j;
	return !j || cb_lab_hold(&j->hold, NULL);
}

static int end(void **state)
{
	struct jobs *j = *state;

	cb_lab_release(&j->hold);
	cb_lab_builds_free(&j->list);
	free(j);
	return 0;
}

static void each_has_its_own_result(void **state)
{
	struct jobs *j = *state;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(j->script[i], sizeof(j->script[i]), "echo this is %zu >&2; exit %zu", i, i % 3);
		add(j, i);
	}
	assert_int_equal(cb_lab_builds_run(&j->list, NULL, &j->hold, NULL), 0);
	assert_int_equal(j->list.n, MANY);
	for (size_t i = 0; i < MANY; i++) {
		struct cb_lab_build *b = j->list.b[i];
		char said[64];

		assert_ptr_equal(b->owner, j->script[i]);
		assert_int_equal(b->line, i);
		assert_int_equal(b->err, i % 3 ? -ECHILD : 0);
		assert_int_equal(b->why.text[0] != 0, i % 3 != 0);
		snprintf(said, sizeof(said), "this is %zu\n", i);
		assert_string_equal(cb_buf_cstr(&b->said), said);
	}
}

static void none_is_nothing(void **state)
{
	struct jobs *j = *state;

	assert_int_equal(cb_lab_builds_run(&j->list, NULL, &j->hold, NULL), 0);
}

/* Whichever thread reads it: programs that have not begun do not begin, and none of a program that sleeps is waited for. */
static void a_signal_ends_them(void **state)
{
	struct jobs *j = *state;
	struct cb_err e = {0};
	size_t ran = 0;

	snprintf(j->script[0], sizeof(j->script[0]), "kill -TERM %d; exec sleep 5", (int)getpid());
	add(j, 0);
	for (size_t i = 1; i < MANY; i++) {
		snprintf(j->script[i], sizeof(j->script[i]), "echo ran >&2; exec sleep 5");
		add(j, i);
	}
	assert_int_equal(cb_lab_builds_run(&j->list, NULL, &j->hold, &e), -EINTR);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(j->hold.caught, SIGTERM);
	for (size_t i = 0; i < MANY; i++)
		ran += j->list.b[i]->said.len > 0;
	assert_true(ran < (size_t)sysconf(_SC_NPROCESSORS_ONLN));
	j->hold.caught = 0; /* it would end this process */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_has_its_own_result, begin, end),
		cmocka_unit_test_setup_teardown(none_is_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_signal_ends_them, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
