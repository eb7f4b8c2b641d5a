// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Directories for temporary files: of those whose process was killed nothing stays, of others everything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lab/scratch.h"
#include "lab/store.h"

static char tmp[PATH_MAX];

static int begin(void **state)
{
	strcpy(tmp, "/tmp/test_scratch.XXXXXX");
	return !mkdtemp(tmp) || setenv("TMPDIR", tmp, 1);
}

static int end(void **state)
{
	cb_lab_remove(tmp);
	return 0;
}

static bool there(const char *path)
{
	return !access(path, F_OK);
}

static size_t count(void)
{
	DIR *dir = opendir(tmp);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *d; (d = readdir(dir));)
		n += *d->d_name != '.';
	closedir(dir);
	return n;
}

static void put_file(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%.4000s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* A process that has one, until it is killed; its path is in path. */
static pid_t start_user(char path[PATH_MAX])
{
	struct cb_lab_scratch s;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (cb_lab_scratch_open(&s, NULL) || write(out[1], s.path, PATH_MAX) != PATH_MAX)
			_exit(1);
		for (;;)
			pause();
	}
	close(out[1]);
	assert_int_equal(read(out[0], path, PATH_MAX), PATH_MAX);
	close(out[0]);
	put_file(path);
	return pid;
}

static void kill_user(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void nothing_stays_of_one_that_is_closed(void **state)
{
	struct cb_lab_scratch s;

	assert_int_equal(cb_lab_scratch_open(&s, NULL), 0);
	put_file(s.path);
	assert_int_equal(count(), 1);
	cb_lab_scratch_close(&s);
	assert_int_equal(count(), 0);
	cb_lab_scratch_close(&s); /* again: nothing happens */
}

static void the_next_one_removes_what_a_killed_process_left(void **state)
{
	struct cb_lab_scratch s;
	char path[PATH_MAX];

	kill_user(start_user(path));
	assert_true(there(path));
	assert_int_equal(cb_lab_scratch_open(&s, NULL), 0);
	assert_false(there(path));
	assert_true(there(s.path));
	cb_lab_scratch_close(&s);
}

static void one_that_is_in_use_stays(void **state)
{
	char path[PATH_MAX], file[PATH_MAX + 8];
	pid_t user = start_user(path);
	struct cb_lab_scratch s;

	snprintf(file, sizeof(file), "%s/file", path);
	assert_int_equal(cb_lab_scratch_open(&s, NULL), 0);
	cb_lab_scratch_close(&s);
	assert_true(there(file));
	kill_user(user);
}

/* Of other names, and what only looks like ours. */
static void what_is_not_ours_stays(void **state)
{
	static const char *const names[] = {"coolbpf-lab-mine", "coolbpf-lab-", "coolbpf-lab-1234567",
					    "coolbpf-lap-123456"};
	char path[PATH_MAX + 64], link[PATH_MAX + 64];
	struct cb_lab_scratch s;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tmp, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(link, sizeof(link), "%s/coolbpf-lab-abcdef", tmp);
	assert_int_equal(symlink(path, link), 0);
	snprintf(link, sizeof(link), "%s/coolbpf-lab-ghijkl", tmp);
	assert_int_equal(mknod(link, S_IFREG | 0600, 0), 0);
	assert_int_equal(cb_lab_scratch_open(&s, NULL), 0);
	cb_lab_scratch_close(&s);
	assert_int_equal(count(), sizeof(names) / sizeof(*names) + 2);
}

/* Many begin at once, and each sweeps: none loses its own. */
static void those_that_begin_at_once_do_not_harm_each_other(void **state)
{
	enum { USERS = 16, ROUNDS = 50 };
	pid_t user[USERS];
	int status;

	for (int i = 0; i < USERS; i++) {
		user[i] = fork();
		assert_true(user[i] >= 0);
		if (user[i])
			continue;
		for (int k = 0; k < ROUNDS; k++) {
			struct cb_lab_scratch s;

			if (cb_lab_scratch_open(&s, NULL) || s.lock < 0 || !there(s.path))
				_exit(1);
			cb_lab_scratch_close(&s);
		}
		_exit(0);
	}
	for (int i = 0; i < USERS; i++) {
		assert_int_equal(waitpid(user[i], &status, 0), user[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count(), 0);
}

static void a_place_that_cannot_be_written_to(void **state)
{
	struct cb_lab_scratch s;
	struct cb_err e = {0};

	setenv("TMPDIR", "/proc", 1);
	assert_int_equal(cb_lab_scratch_open(&s, &e), -ENOENT);
	assert_memory_equal(e.text, "cannot make a directory /proc/coolbpf-lab-", 42);
	cb_lab_scratch_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_stays_of_one_that_is_closed, begin, end),
		cmocka_unit_test_setup_teardown(the_next_one_removes_what_a_killed_process_left, begin, end),
		cmocka_unit_test_setup_teardown(one_that_is_in_use_stays, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_ours_stays, begin, end),
		cmocka_unit_test_setup_teardown(those_that_begin_at_once_do_not_harm_each_other, begin, end),
		cmocka_unit_test_setup_teardown(a_place_that_cannot_be_written_to, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
