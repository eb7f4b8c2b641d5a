// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_names.c - clang's names of files and ours. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "compile/names.h"

static void assert_message(const char *path, const char *clangs, const char *ours)
{
	static struct cb_names n;
	struct cb_buf out = {0};

	assert_int_equal(cb_names_init(&n, path, "/lbc", NULL), 0);
	cb_names_message(&n, clangs, &out);
	assert_string_equal(cb_buf_cstr(&out), ours);
	cb_buf_free(&out);
}

static void messages(void **state)
{
	assert_message("t.bpf.c", "/proc/self/fd/0:3:5: error: x", "t.bpf.c:3:5: error: x");
	assert_message("bin/t.bpf.c", "In file included from /proc/self/fd/0:1:\n/proc/self/fd/3/a.h:2:1: error: x",
		       "In file included from bin/t.bpf.c:1:\nbin/a.h:2:1: error: x");
	assert_message("/t.bpf.c", "/proc/self/fd/3/../a.h:2:1: x", "/../a.h:2:1: x");
	assert_message("t.bpf.c",
		       "/proc/self/fd/4:1:2: /proc/self/fd/5/coolbpf/lbc.h:7:", "vmlinux.h:1:2: /lbc/coolbpf/lbc.h:7:");
	assert_message("t.bpf.c", "/proc/self/fd/33/x", "/proc/self/fd/33/x");
	assert_message("t.bpf.c", "/proc/self/fd/41:1: x", "/proc/self/fd/41:1: x");
	assert_message("t.bpf.c", "", "");
}

/* A name must fit where clang's stood, and clang's must be one of descriptor 0. */
static void source_is_long_enough(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz.bpf.c";
	static struct cb_names n;

	for (size_t i = 0; i < sizeof(letters); i++) {
		struct stat st, zero;

		assert_int_equal(cb_names_init(&n, letters + i, "/lbc", NULL), 0);
		assert_true(strlen(n.source) >= strlen(letters + i));
		assert_int_equal(stat(n.source, &st), 0);
		assert_int_equal(fstat(0, &zero), 0);
		assert_int_equal(st.st_ino, zero.st_ino);
	}
}

static void too_long(void **state)
{
	static struct cb_names n;
	static char path[PATH_MAX + 100];
	struct cb_err e = {0};

	memset(path, 'x', NAME_MAX + 1);
	assert_int_equal(cb_names_init(&n, path, "/lbc", &e), -ENAMETOOLONG);
	memset(path, '/', PATH_MAX + 10);
	assert_int_equal(cb_names_init(&n, path, "/lbc", &e), -ENAMETOOLONG);
	assert_non_null(strstr(e.text, "the name is too long"));
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
