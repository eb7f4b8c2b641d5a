// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_zygote.c - clang by exec and by a zygote: the same answers, and nothing left behind. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compile/clang.h"
#include "compile/zygote.h"
#include "job.h"

static const char program[] = "#define SEC(n) __attribute__((section(n), used))\n"
			      "struct s { int a; long b; };\n"
			      "SEC(\"kprobe/x\") long f(struct s *s) { return s->a + s->b; }\n";

struct fixture {
	char clang[4096];
	struct cb_zygote *zygote;
	struct cb_err err;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return cb_clang_find(NULL, f->clang, sizeof(f->clang), NULL) ||
	       cb_zygote_new(f->clang, NULL, &f->zygote, &f->err);
}

static int drop(void **state)
{
	struct fixture *f = *state;

	cb_zygote_free(f->zygote);
	free(f);
	return 0;
}

static void same_object(void **state)
{
	struct fixture *f = *state;
	struct run by_exec, by_zygote;

	run_text(&by_exec, f->clang, NULL, NULL, program);
	assert_int_equal(by_exec.err, 0);
	assert_int_equal(by_exec.end.status, 0);
	assert_true(by_exec.size > 500);
	for (int i = 0; i < 3; i++) {
		run_text(&by_zygote, f->clang, f->zygote, NULL, program);
		assert_int_equal(by_zygote.err, 0);
		assert_int_equal(by_zygote.end.status, 0);
		assert_int_equal(by_zygote.end.signal, 0);
		assert_int_equal(by_zygote.size, by_exec.size);
		assert_memory_equal(by_zygote.object, by_exec.object, by_exec.size);
		assert_true(by_zygote.end.cpu_ns > 0);
		run_free(&by_zygote);
	}
	run_free(&by_exec);
}

static void same_diagnostics(void **state)
{
	struct fixture *f = *state;
	struct run by_exec, by_zygote;

	run_text(&by_exec, f->clang, NULL, NULL, "int f(void)\n{ return nosuch; }\n");
	run_text(&by_zygote, f->clang, f->zygote, NULL, "int f(void)\n{ return nosuch; }\n");
	assert_int_equal(by_exec.end.status, 1);
	assert_int_equal(by_zygote.end.status, 1);
	assert_non_null(strstr(by_exec.messages, "2:10: error: use of undeclared identifier 'nosuch'"));
	assert_string_equal(by_exec.messages, by_zygote.messages);
	run_free(&by_exec);
	run_free(&by_zygote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_object),
		cmocka_unit_test(same_diagnostics),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
