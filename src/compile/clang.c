// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* clang.c - see clang.h. */
#include "compile/clang.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/zygote.h"

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* The N of a name clang-N, or -1. */
static long version_in_name(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, "clang-", 6) || !isdigit((unsigned char)name[6]))
		return -1;
	n = strtol(name + 6, &end, 10);
	return *end ? -1 : n;
}

/* The newest clang-N of one directory that is newer than *newest. */
static void newest_in(const char *dir, long *newest, char *path, size_t size)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		long n = version_in_name(entry->d_name);
		char candidate[PATH_MAX];

		if (n <= *newest ||
		    (size_t)snprintf(candidate, sizeof(candidate), "%s/%s", dir, entry->d_name) >= sizeof(candidate) ||
		    !is_program(candidate))
			continue;
		*newest = n;
		snprintf(path, size, "%s", candidate);
	}
	if (d)
		closedir(d);
}

/* name in $PATH; NULL for the newest clang-N. An empty part of $PATH, which means the present directory, is left out. */
static bool search(const char *name, char *path, size_t size)
{
	const char *p = getenv("PATH");
	long newest = -1;

	for (p = p ? p : "/usr/local/bin:/usr/bin:/bin"; *p; p += *p == ':') {
		size_t len = strcspn(p, ":");
		char dir[PATH_MAX];

		if (len && len < sizeof(dir)) {
			memcpy(dir, p, len);
			dir[len] = '\0';
			if (!name)
				newest_in(dir, &newest, path, size);
			else if ((size_t)snprintf(path, size, "%s/%s", dir, name) < size && is_program(path))
				return true;
		}
		p += len;
	}
	return newest >= 0;
}

int cb_clang_find(const char *wanted, char *path, size_t size, struct cb_err *e)
{
	const char *variable = getenv("CLANG");

	if (!wanted && variable && *variable)
		wanted = variable;
	if (!wanted) {
		if (search("clang", path, size) || search(NULL, path, size))
			return 0;
		return cb_fail(
			e, ENOENT,
			"cannot find clang; install it (apt-get install clang, dnf install clang) or name one in "
			"the environment variable CLANG");
	}
	if (strchr(wanted, '/')) {
		if ((size_t)snprintf(path, size, "%s", wanted) < size && is_program(path))
			return 0;
	} else if (search(wanted, path, size)) {
		return 0;
	}
	return cb_fail(e, ENOENT, "cannot find the clang that was asked for, %s: no such program%s", wanted,
		       strchr(wanted, '/') ? "" : " in $PATH");
}

/* The first line that it writes when it is run with this option. */
static int ask(const char *path, const char *option, const sigset_t *mask, char *line, size_t size, struct cb_err *e)
{
	char *const argv[] = {(char *)path, (char *)option, NULL};
	int fd = cb_file_nameless("clang-says"), err;
	const int fds[] = {fd, fd, fd};
	const struct cb_job job = {.clang = path, .argv = argv, .fds = fds, .n = 3, .mask = mask};
	struct cb_job_end end;
	ssize_t n = -1;

	if (fd < 0)
		return cb_fail(e, -fd, "cannot make a temporary file: %s", strerror(-fd));
	err = cb_job_run(NULL, &job, &end, e);
	if (!err && end.signal)
		err = cb_job_killed(&job, &end, e);
	if (!err)
		n = pread(fd, line, size - 1, 0);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(fd);
	return err;
}

int cb_clang_check(const char *path, const sigset_t *mask, char *version, size_t size, struct cb_err *e)
{
	int err = ask(path, "--version", mask, version, size, e), major = 0;
	const char *at;

	if (err)
		return err;
	/* "Debian clang version 14.0.6", "Apple clang version 15.0.0 (clang-...)" */
	at = strstr(version, "clang version ");
	if (!at || sscanf(at, "clang version %d", &major) != 1)
		return cb_fail(e, ENOENT, "%s is not clang: it does not say its version", path);
	if (major < CB_CLANG_OLDEST)
		return cb_fail(e, ENOENT, "%s is clang %d; coolbpf needs clang %d or newer", path, major,
			       CB_CLANG_OLDEST);
	return 0;
}

int cb_clang_headers(const char *path, char *dir, struct cb_err *e)
{
	static const char include[] = "/include";
	char said[PATH_MAX];
	sigset_t mask;
	int err;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	err = ask(path, "-print-resource-dir", &mask, said, sizeof(said) - sizeof(include), e);
	if (err)
		return err;
	strcat(said, include);
	if (*said != '/' || !realpath(said, dir))
		return cb_fail(e, ENOENT, "%s does not say where its headers are", path);
	return 0;
}
