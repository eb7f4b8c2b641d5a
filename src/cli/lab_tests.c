// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * lab_tests.c - see lab_tests.h. A bare name ("execsnoop") is that of a tool, whose test stands beside it: NAME.lab in
 * $COOLBPF_TOOLS, or where make install puts the tools.
 */
#include "cli/lab_tests.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_lab(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".lab");
}

static bool is_known(const struct lab_tests *tests, const char *path)
{
	for (size_t i = 0; i < tests->n; i++)
		if (!strcmp(tests->t[i].path, path))
			return true;
	return false;
}

static int add_file(struct lab_tests *tests, const char *path, struct cb_err *e)
{
	struct cb_lab_test *more;
	int err;

	if (is_known(tests, path))
		return 0;
	more = realloc(tests->t, (tests->n + 1) * sizeof(*more));
	if (!more)
		return cb_fail(e, ENOMEM, "out of memory");
	tests->t = more;
	err = cb_lab_spec_read(path, &more[tests->n], e);
	tests->n += !err;
	return err;
}

static int only_lab(const struct dirent *entry)
{
	return is_lab(entry->d_name);
}

static int add_directory(struct lab_tests *tests, const char *dir, struct cb_err *e)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, only_lab, alphasort), err = 0;
	size_t len = strlen(dir);

	if (n < 0)
		return cb_fail(e, errno, "cannot look for tests in %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", entries[i]->d_name);
		if (!err)
			err = add_file(tests, path, e);
		free(entries[i]);
	}
	free(entries);
	if (!err && !n)
		err = cb_fail(e, ENOENT, "there is no test in %s: no file ends in .lab", dir);
	return err;
}

/* Where the tools are. */
static const char *tool_dir(void)
{
	const char *dir = getenv("COOLBPF_TOOLS");

	return dir && *dir ? dir : CB_TOOLS_DIR;
}

static int add_tool(struct lab_tests *tests, const char *name, struct cb_err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.lab", tool_dir(), name);
	if (access(path, R_OK))
		return cb_fail(e, errno, "there is no test of a tool %s: %s: %s", name, path, strerror(errno));
	return add_file(tests, path, e);
}

static int add_named(struct lab_tests *tests, const char *name, struct cb_err *e)
{
	bool bare = !strpbrk(name, "/.");
	struct stat st;

	if (stat(name, &st))
		return bare ? add_tool(tests, name, e) : cb_fail(e, errno, "%s: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_directory(tests, name, e);
	/* a program of that name that was built here */
	if (bare)
		return add_tool(tests, name, e);
	if (!is_lab(name))
		return cb_fail(e, EINVAL, "%s is no test: its name does not end in .lab", name);
	return add_file(tests, name, e);
}

int lab_tests_find(struct lab_tests *tests, char *const *names, struct cb_err *e)
{
	int err = *names ? 0 : add_directory(tests, tool_dir(), e);

	for (; !err && *names; names++)
		err = add_named(tests, *names, e);
	return err;
}

void lab_tests_free(struct lab_tests *tests)
{
	for (size_t i = 0; i < tests->n; i++)
		cb_lab_test_free(&tests->t[i]);
	free(tests->t);
	*tests = (struct lab_tests){0};
}
