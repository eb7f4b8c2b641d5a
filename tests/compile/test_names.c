// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_names.c - clang's names of files and ours. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "compile/names.h"

static void assert_message(const char *path, const char *clangs, const char *ours)
{
	static struct cb_names n;
	struct cb_buf out = {0};

	assert_int_equal(cb_names_init(&n, path, "/headers", NULL), 0);
	cb_names_message(&n, clangs, &out);
	assert_string_equal(cb_buf_cstr(&out), ours);
	cb_buf_free(&out);
}

static void messages(void **state)
{
	assert_int_equal(chdir("/usr"), 0);
	assert_message("t.bpf.c", "/proc/self/fd/0:3:5: error: x", "t.bpf.c:3:5: error: x");
	assert_message("bin/t.bpf.c", "In file included from /proc/self/fd/0:1:\n/usr/bin/a.h:2:1: error: /usr/bin",
		       "In file included from bin/t.bpf.c:1:\nbin/a.h:2:1: error: /usr/bin");
	assert_message("t.bpf.c", "/usr/a.h:2:1: 'x/usr/b'", "a.h:2:1: 'x/usr/b'");
	assert_message("./t.bpf.c", "/usr/../a.h:2:1: x", "./../a.h:2:1: x");
	assert_message("not/there/t.bpf.c", "/usr/not/there/a.h:2:1: x", "not/there/a.h:2:1: x");
	assert_message("t.bpf.c", "", "");
}

/* A name must fit where clang's stood. */
static void source_is_long_enough(void **state)
{
	static struct cb_names n;
	const char *path = "dir/a_rather_long_name_for_a_source.bpf.c";

	assert_int_equal(cb_names_init(&n, path, "/headers", NULL), 0);
	assert_true(strlen(n.source) >= strlen(path) - 4);
	assert_int_equal(strncmp(n.source, "/proc/self/fd//", 15), 0);
	assert_string_equal(n.source + strlen(n.source) - 2, "/0");
}

static void too_long(void **state)
{
	static struct cb_names n;
	static char path[PATH_MAX + 100];
	struct cb_err e = {0};

	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(cb_names_init(&n, path, "/headers", &e), -ENAMETOOLONG);
	memset(path, '/', PATH_MAX + 10);
	assert_int_equal(cb_names_init(&n, path, "/headers", &e), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(source_is_long_enough),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
