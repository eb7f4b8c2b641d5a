// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_libs.c - what a program needs, against what ldd(1) says. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/libs.h"

static bool in(const struct cb_lab_libs *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->path[i], path))
			return true;
	return false;
}

static void a_dynamic_program_brings_all_that_ldd_names(void **state)
{
	struct cb_lab_libs l;
	struct cb_err e = {0};
	char line[4096];
	size_t n = 0;
	FILE *p;

	if (cb_lab_libs("/proc/self/exe", &l, &e))
		fail_msg("%s", e.text);
	snprintf(line, sizeof(line), "ldd /proc/%d/exe | grep -o '/[^ ]*'", getpid());
	p = popen(line, "re");
	while (fgets(line, sizeof(line), p)) {
		line[strcspn(line, "\n")] = '\0';
		if (!in(&l, line))
			fail_msg("%s is not among them", line);
		n++;
	}
	assert_int_equal(pclose(p), 0);
	assert_true(n >= 3);
	cb_lab_libs_free(&l);
}

static void what_has_no_loader_is_alone(void **state)
{
	static const char *const alone[] = {"/bin/busybox", "/etc/passwd", "/nowhere"};
	struct cb_lab_libs l;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(cb_lab_libs(alone[i], &l, NULL), 0);
		assert_int_equal(l.n, 0);
		cb_lab_libs_free(&l);
	}
}

static void a_library_that_is_missing_is_named(void **state)
{
	char dir[] = "/tmp/cb-libs-XXXXXX", command[512], program[64];
	struct cb_err e = {0};
	struct cb_lab_libs l;

	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && echo 'void f(void) {}' | gcc -shared -fPIC -xc - -o libcbgone.so && "
		 "echo 'void f(void); int main(void) { f(); }' | gcc -xc - -L. -lcbgone -o program && rm libcbgone.so",
		 dir);
	assert_int_equal(system(command), 0);
	snprintf(program, sizeof(program), "%s/program", dir);
	assert_int_equal(cb_lab_libs(program, &l, &e), -ENOENT);
	assert_non_null(strstr(e.text, "libcbgone.so"));
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

/* What nobody trusts is looked at, not run: its loader may be anything. */
static void a_loader_of_the_programs_own_is_not_run(void **state)
{
	char dir[] = "/tmp/cb-libs-XXXXXX", command[512], program[64];
	struct cb_err e = {0};
	struct cb_lab_libs l;

	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && printf '#!/bin/sh\\n: >%s/was-run\\n' >loader && chmod +x loader && "
		 "echo 'int main(void) { return 0; }' | gcc -xc - -Wl,--dynamic-linker=%s/loader -o program",
		 dir, dir, dir);
	assert_int_equal(system(command), 0);
	snprintf(program, sizeof(program), "%s/program", dir);
	assert_int_equal(cb_lab_libs(program, &l, &e), -EPERM);
	assert_non_null(strstr(e.text, "/loader, which is no loader of this system's"));
	snprintf(program, sizeof(program), "%s/was-run", dir);
	assert_int_not_equal(access(program, F_OK), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void the_architecture_is_read(void **state)
{
	bool dynamic;
	char buf[32];

#ifdef __x86_64__
	assert_string_equal(cb_lab_program_arch("/proc/self/exe", &dynamic, buf), "x86_64");
#else
	assert_string_equal(cb_lab_program_arch("/proc/self/exe", &dynamic, buf), "arm64");
#endif
	assert_true(dynamic);
	assert_non_null(cb_lab_program_arch("/bin/busybox", &dynamic, buf));
	assert_false(dynamic);
	assert_null(cb_lab_program_arch("/etc/passwd", &dynamic, buf));
	assert_null(cb_lab_program_arch("/nowhere", &dynamic, buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dynamic_program_brings_all_that_ldd_names),
		cmocka_unit_test(what_has_no_loader_is_alone),
		cmocka_unit_test(a_library_that_is_missing_is_named),
		cmocka_unit_test(a_loader_of_the_programs_own_is_not_run),
		cmocka_unit_test(the_architecture_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
