// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_file.c - whole files: read, and written whole or not at all. A tmpfs of a few pages is the full disk.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { MUCH = 4 << 20 };

static char dir[] = "/tmp/coolbpf-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Entries of a directory without . and .. */
static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static void assert_content(const char *path, const char *expected)
{
	char *data;
	size_t len;

	assert_int_equal(cb_file_read(path, 1 << 20, &data, &len, NULL), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len + 1); /* with the zero behind it */
	free(data);
}

static void what_was_written_is_read(void **state)
{
	struct stat st;

	assert_int_equal(cb_file_write(in_dir("a"), "hello", 5, 0640, NULL), 0);
	assert_content(in_dir("a"), "hello");
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(cb_file_write(in_dir("a"), "", 0, 0640, NULL), 0);
	assert_content(in_dir("a"), "");
	assert_int_equal(entries(dir), 1);
}

static void files_of_proc_are_read_whole(void **state)
{
	char command[] = "cat /proc/self/mounts | wc -c";
	char *data;
	size_t len, expected;
	FILE *f = popen(command, "r");

	assert_int_equal(fscanf(f, "%zu", &expected), 1);
	pclose(f);
	assert_int_equal(cb_file_read("/proc/self/mounts", 1 << 20, &data, &len, NULL), 0);
	assert_int_equal(len, expected);
	free(data);
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
	struct cb_err e = {0};
	char *data;
	size_t len;

	cb_file_write(in_dir("a"), "12345", 5, 0600, NULL);
	assert_int_equal(cb_file_read(in_dir("a"), 4, &data, &len, &e), -EFBIG);
	assert_non_null(strstr(e.text, in_dir("a")));
	assert_int_equal(cb_file_read("/proc/kallsyms", 10000, &data, &len, &e), -EFBIG);
	assert_int_equal(cb_file_read(in_dir("a"), 5, &data, &len, &e), 0);
	free(data);
}

static void errors_name_the_path_and_the_reason(void **state)
{
	struct cb_err e = {0};
	char *data;
	size_t len;

	assert_int_equal(cb_file_read("/no/such", 10, &data, &len, &e), -ENOENT);
	assert_string_equal(e.text, "cannot open /no/such: No such file or directory");
	assert_int_equal(cb_file_read("/tmp", 10, &data, &len, &e), -EISDIR);
	assert_string_equal(e.text, "cannot read /tmp: Is a directory");
	assert_int_equal(cb_file_write("/no/such/file", "x", 1, 0600, &e), -ENOENT);
	assert_string_equal(e.text, "cannot write /no/such/file: No such file or directory");
}

static void a_directory_in_the_way_is_an_error_and_nothing_is_left(void **state)
{
	int before;

	assert_int_equal(cb_mkdirs(in_dir("d"), NULL), 0);
	before = entries(dir);
	assert_int_equal(cb_file_write(in_dir("d"), "x", 1, 0600, NULL), -EISDIR);
	assert_int_equal(entries(dir), before);
}

static void a_full_disk_keeps_the_old_file_and_leaves_nothing(void **state)
{
	char mount_point[PATH_MAX], path[PATH_MAX + 8];
	char *much = calloc(1, MUCH);
	struct cb_err e = {0};

	snprintf(mount_point, sizeof(mount_point), "%s", in_dir("full"));
	assert_int_equal(cb_mkdirs(mount_point, NULL), 0);
	if (mount("none", mount_point, "tmpfs", 0, "size=64k")) {
		free(much);
		skip_because("cannot mount a tmpfs: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/file", mount_point);
	assert_int_equal(cb_file_write(path, "old", 3, 0600, NULL), 0);
	assert_int_equal(cb_file_write(path, much, MUCH, 0600, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "No space left on device"));
	assert_content(path, "old");
	assert_int_equal(entries(mount_point), 1);
	umount(mount_point);
	free(much);
}

static void a_reader_sees_the_old_or_the_new_file(void **state)
{
	char *contents[2] = {malloc(MUCH), malloc(MUCH)};
	char path[PATH_MAX];
	pid_t writer;

	memset(contents[0], 'a', MUCH);
	memset(contents[1], 'b', MUCH);
	snprintf(path, sizeof(path), "%s", in_dir("swap"));
	assert_int_equal(cb_file_write(path, contents[0], MUCH, 0600, NULL), 0);
	writer = fork();
	if (!writer) {
		for (int i = 0;; i++)
			cb_file_write(path, contents[i & 1], MUCH, 0600, NULL);
	}
	for (int i = 0; i < 50; i++) {
		char *data;
		size_t len;

		assert_int_equal(cb_file_read(path, MUCH, &data, &len, NULL), 0);
		assert_int_equal(len, MUCH);
		assert_memory_equal(data, contents[data[0] == 'b'], MUCH);
		free(data);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	free(contents[0]);
	free(contents[1]);
}

/* A new file obeys the umask; one that was there stays as readable as it was. */
static void permissions(void **state)
{
	mode_t before = umask(077);
	struct stat st;

	assert_int_equal(cb_file_write(in_dir("mine"), "x", 1, 0644, NULL), 0);
	umask(before);
	assert_int_equal(stat(in_dir("mine"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(cb_file_write(in_dir("mine"), "y", 1, 0644, NULL), 0);
	assert_int_equal(stat(in_dir("mine"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_content(in_dir("mine"), "y");
}

/* Killed at any moment of writing, it leaves the whole file or nothing. */
static void killed_while_writing(void **state)
{
	char sub[PATH_MAX], path[PATH_MAX + 8];
	char *much = calloc(1, MUCH);
	int there = 0;

	snprintf(sub, sizeof(sub), "%s", in_dir("killed"));
	snprintf(path, sizeof(path), "%s/file", sub);
	assert_int_equal(cb_mkdirs(sub, NULL), 0);
	for (int i = 0; i < 60; i++) {
		pid_t writer = fork();
		struct stat st;

		if (!writer) {
			cb_file_write(path, much, MUCH, 0600, NULL);
			_exit(0);
		}
		usleep((useconds_t)i * 100);
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
		there = entries(sub);
		assert_true(there == 0 || (there == 1 && !stat(path, &st) && st.st_size == MUCH));
		unlink(path);
	}
	free(much);
}

/* Without /proc a file cannot be named later: it has a name of its own first. */
static void without_proc(void **state)
{
	char sub[PATH_MAX], path[PATH_MAX + 8];
	int status;
	pid_t child;

	if (geteuid())
		skip_because("hiding /proc takes root");
	snprintf(sub, sizeof(sub), "%s", in_dir("without"));
	snprintf(path, sizeof(path), "%s/file", sub);
	assert_int_equal(cb_mkdirs(sub, NULL), 0);
	child = fork();
	if (!child) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", "/proc", "tmpfs", 0, NULL))
			_exit(1);
		_exit(cb_file_write(path, "old", 3, 0640, NULL) || cb_file_write(path, "new", 3, 0600, NULL) ||
		      cb_file_write("/no/such", "x", 1, 0600, NULL) != -ENOENT);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_content(path, "new");
	assert_int_equal(entries(sub), 1);
}

static void a_symbolic_link_stays_one(void **state)
{
	char link[PATH_MAX], target[PATH_MAX];
	struct stat st;

	snprintf(link, sizeof(link), "%s", in_dir("link"));
	snprintf(target, sizeof(target), "%s", in_dir("target"));
	cb_file_write(target, "old", 3, 0600, NULL);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(cb_file_write(link, "new", 3, 0600, NULL), 0);
	assert_content(target, "new");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

/* Standard output may be a file that is removed already: /dev/stdout then leads to it, and nowhere. */
static void a_file_without_a_name_is_written_to(void **state)
{
	char link[PATH_MAX], path[64], got[8];
	struct stat st;
	int fd;

	snprintf(link, sizeof(link), "%s", in_dir("stdout"));
	fd = open(in_dir("gone"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(unlink(in_dir("gone")), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(cb_file_write(link, "data", 4, 0600, NULL), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(pread(fd, got, sizeof(got), 0), 4);
	assert_memory_equal(got, "data", 4);
	close(fd);
}

static void what_is_not_a_file_is_written_to(void **state)
{
	struct cb_err e = {0};
	struct stat before, after;
	char path[32], got[8];
	int ends[2];

	assert_int_equal(stat("/dev/null", &before), 0);
	assert_int_equal(cb_file_write("/dev/null", "x", 1, 0600, NULL), 0);
	assert_int_equal(stat("/dev/null", &after), 0);
	assert_true(S_ISCHR(after.st_mode) && before.st_mode == after.st_mode);
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	assert_int_equal(cb_file_write(path, "piped", 5, 0600, NULL), 0);
	assert_int_equal(read(ends[0], got, sizeof(got)), 5);
	assert_memory_equal(got, "piped", 5);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(cb_file_write("/dev/full", "x", 1, 0600, &e), -ENOSPC);
	assert_string_equal(e.text, "cannot write /dev/full: No space left on device");
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
	static char path[PATH_MAX + 10];

	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(cb_file_write(path, "x", 1, 0600, NULL), -ENAMETOOLONG);
	assert_int_equal(cb_mkdirs(path, NULL), -ENAMETOOLONG);
	assert_int_equal(cb_mkdirs("", NULL), -ENAMETOOLONG);
}

static void directories_are_made_with_their_parents(void **state)
{
	struct cb_err e = {0};
	struct stat st;

	assert_int_equal(cb_mkdirs(in_dir("x/y//z/"), NULL), 0);
	assert_int_equal(stat(in_dir("x/y/z"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(cb_mkdirs(in_dir("x/y"), NULL), 0);
	assert_int_equal(cb_mkdirs("/dev/null/x", &e), -ENOTDIR);
	assert_string_equal(e.text, "cannot make the directory /dev/null/x: Not a directory");
}

static void a_nameless_file_is_one_and_above_the_standard_ones(void **state)
{
	int fd = cb_file_nameless("test");
	char path[32], got[4];
	int again;

	assert_true(fd > 2);
	assert_int_equal(cb_write_all(fd, "abcd", 4), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	assert_int_equal(read(again, got, 4), 4);
	assert_memory_equal(got, "abcd", 4);
	close(again);
	close(fd);
}

static void writing_to_a_closed_pipe_is_an_error(void **state)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(cb_write_all(ends[1], "x", 1), -EPIPE);
	close(ends[1]);
}

static void assert_cache_dir(const char *own, const char *xdg, const char *home, const char *expected)
{
	char out[PATH_MAX];

	own ? setenv("COOLBPF_CACHE", own, 1) : unsetenv("COOLBPF_CACHE");
	xdg ? setenv("XDG_CACHE_HOME", xdg, 1) : unsetenv("XDG_CACHE_HOME");
	home ? setenv("HOME", home, 1) : unsetenv("HOME");
	cb_cache_dir(out, sizeof(out));
	assert_string_equal(out, expected);
}

static void the_cache_is_where_the_user_wants_it(void **state)
{
	assert_cache_dir("/own", "/xdg", "/home/u", "/own");
	assert_cache_dir(NULL, "/xdg", "/home/u", "/xdg/coolbpf");
	assert_cache_dir("", "relative", "/home/u", "/home/u/.cache/coolbpf");
	assert_cache_dir(NULL, NULL, NULL, "/var/cache/coolbpf");
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[2 * sizeof(dir) + 64];

	snprintf(command, sizeof(command), "umount -q %s/full; rm -rf %s", dir, dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(files_of_proc_are_read_whole),
		cmocka_unit_test(a_file_beyond_the_limit_is_refused),
		cmocka_unit_test(errors_name_the_path_and_the_reason),
		cmocka_unit_test(a_directory_in_the_way_is_an_error_and_nothing_is_left),
		cmocka_unit_test(a_full_disk_keeps_the_old_file_and_leaves_nothing),
		cmocka_unit_test(a_reader_sees_the_old_or_the_new_file),
		cmocka_unit_test(permissions),
		cmocka_unit_test(killed_while_writing),
		cmocka_unit_test(without_proc),
		cmocka_unit_test(a_symbolic_link_stays_one),
		cmocka_unit_test(a_file_without_a_name_is_written_to),
		cmocka_unit_test(what_is_not_a_file_is_written_to),
		cmocka_unit_test(a_path_that_is_too_long_is_an_error),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(a_nameless_file_is_one_and_above_the_standard_ones),
		cmocka_unit_test(writing_to_a_closed_pipe_is_an_error),
		cmocka_unit_test(the_cache_is_where_the_user_wants_it),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
