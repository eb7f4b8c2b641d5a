// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_cache_bad.c - a cache whose processes are killed, whose disk is full, whose memory runs out; many at once. */
#include "cache_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fail_alloc.h"

enum { SIZE = 20000, KEYS = 40 };

static bool is_entry(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return strlen(name) == 62 && strspn(name, "0123456789abcdef") == 62;
}

static int check_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && !is_entry(path))
		fail_msg("%s was left behind", path);
	return 0;
}

/* Every entry is right. */
static int check_all(void)
{
	int n = 0;

	for (int i = 0; i < KEYS; i++) {
		int err = get(i, SIZE);

		assert_true(!err || err == -ENOENT);
		n += !err;
	}
	assert_int_equal(cache.damaged, 0);
	return n;
}

static void put_without_end(int first)
{
	for (int i = first;; i++)
		if (put(i % KEYS, SIZE))
			_exit(1);
}

static pid_t start_writer(int first)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
		put_without_end(first);
	}
	return pid;
}

static void stop_writer(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void kill_9_leaves_nothing_half_done(void **state)
{
	int seen = 0;

	cache.max_bytes = 15 * SIZE; /* so that it is killed while evicting, too */
	/* a slow disk may write nothing in so short a time */
	for (int i = 0; i < 60 || (!seen && i < 1000); i++) {
		pid_t pid = start_writer(i);

		usleep((useconds_t)(500 + i * 700));
		stop_writer(pid);
		seen += check_all();
		nftw(cache.dir, check_entry, 8, FTW_PHYS);
	}
	assert_true(seen > 0);
}

static void several_processes_at_once(void **state)
{
	enum { WRITERS = 4 };
	pid_t pids[WRITERS];
	int seen = 0;

	cache.max_bytes = 15 * SIZE;
	for (int i = 0; i < WRITERS; i++)
		pids[i] = start_writer(i * 10);
	for (int i = 0; i < 100 || (seen <= 100 && i < 6000); i++) {
		usleep(5000);
		seen += check_all();
	}
	for (int i = 0; i < WRITERS; i++)
		stop_writer(pids[i]);
	assert_true(seen > 100);
	check_all();
	/* while one walks the others put; whoever comes next puts that right */
	assert_int_equal(put(0, SIZE), 0);
	count_files();
	assert_true(file_bytes <= cache.max_bytes);
}

static void a_full_disk_leaves_nothing(void **state)
{
	struct cb_err e = {0};
	char data[64 << 10] = "";
	size_t before;
	int n = 0, err;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", cache.dir, "tmpfs", 0, "size=1m"))
		skip_because("a file system that fills up cannot be mounted here: %s", strerror(errno));
	while (!(err = cb_cache_put(&cache, key_of(n), data, sizeof(data), &e)))
		n++;
	before = count_files();
	assert_int_equal(err, -ENOSPC);
	assert_non_null(strstr(e.text, strerror(ENOSPC)));
	assert_true(n > 10);
	assert_int_equal(before, n);
	for (int i = 0; i < 20; i++)
		assert_int_equal(cb_cache_put(&cache, key_of(n + i), data, sizeof(data), &e), -ENOSPC);
	assert_int_equal(count_files(), before);
	for (int i = 0; i < n; i++) {
		struct cb_buf out = {0};

		assert_int_equal(cb_cache_get(&cache, key_of(i), &out, NULL), 0);
		cb_buf_free(&out);
	}
	/* and when there is room again, it is used */
	assert_int_equal(unlink(file_of(0)), 0);
	assert_int_equal(cb_cache_put(&cache, key_of(n), data, sizeof(data), &e), 0);
	assert_int_equal(umount(cache.dir), 0);
}

static int put_and_get(void)
{
	char data[SIZE];
	struct cb_buf out = {0};
	int err;

	content_of(1, data, SIZE);
	err = cb_cache_put(&cache, key_of(1), data, SIZE, NULL);
	if (!err) {
		err = cb_cache_get(&cache, key_of(1), &out, NULL);
		assert_true(err || (out.len == SIZE && !memcmp(out.data, data, SIZE)));
		assert_true(!err || !out.len);
		cb_buf_free(&out);
	}
	fail_at = 0;
	return err;
}

/* Also the walk's: that one only puts off the eviction. */
static void no_memory(void **state)
{
	long n = 0;
	int err;

	do {
		cache.measured = false;
		cache.max_bytes = 15 * SIZE;
		fail_at = ++n;
		err = put_and_get();
		assert_true(!err || err == -ENOMEM);
		assert_int_equal(cache.damaged, 0);
	} while (err || n < 4);
	assert_int_equal(get(1, SIZE), 0);
	assert_true(cache.measured);
	assert_true(n > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cache_test(kill_9_leaves_nothing_half_done),
		cache_test(several_processes_at_once),
		cache_test(a_full_disk_leaves_nothing),
		cache_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
