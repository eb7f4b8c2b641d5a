// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_store.c - the cache: what is damaged is noticed, two writers are kept apart; programs, and being interrupted. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "images.h"
#include "lab/store.h"

static char cache[64];

static int make_cache(void **state)
{
	strcpy(cache, "/tmp/coolbpf-test.XXXXXX");
	assert_non_null(mkdtemp(cache));
	return setenv("COOLBPF_CACHE", cache, 1);
}

static int remove_cache(void **state)
{
	cb_lab_remove(cache);
	return 0;
}

static void put(const char *dir, const char *name, const void *data, size_t len)
{
	char path[PATH_MAX];

	assert_int_equal(cb_lab_path(path, NULL, "%s/%s", dir, name), 0);
	assert_int_equal(cb_file_write(path, data, len, 0644, NULL), 0);
}

/* A kernel in the cache, by the way that fetch takes. */
static void add_kernel(const char *name, const char *release)
{
	struct cb_lab_info info = {
		.name = (char *)name, .release = (char *)release, .arch = (char *)"x86_64", .package = (char *)"p 1"};
	unsigned char image[X86_IMAGE];
	struct cb_lab_store s;
	struct cb_lab_hold h;
	char entry[PATH_MAX], modules[PATH_MAX];

	assert_int_equal(cb_lab_hold(&h, NULL), 0);
	assert_int_equal(cb_lab_store_open(&s, &h, NULL, NULL), 0);
	cb_lab_path(entry, NULL, "%s/entry", s.tmp);
	cb_lab_path(modules, NULL, "%s/modules/%s", entry, release);
	assert_int_equal(cb_mkdirs(modules, NULL), 0);
	x86_image(image, release);
	put(entry, "vmlinuz", image, sizeof(image));
	put(modules, "modules.dep", "kernel/a.ko:\n", 13);
	assert_int_equal(cb_lab_info_write(entry, &info, NULL), 0);
	assert_int_equal(cb_lab_store_put(&s, entry, "kernels", name, NULL), 0);
	cb_lab_store_close(&s);
	assert_int_not_equal(access(s.tmp, F_OK), 0);
	cb_lab_release(&h);
}

static void listed(void **state)
{
	struct cb_lab_kernels ks;

	assert_int_equal(cb_lab_kernels(&ks, NULL), 0);
	assert_int_equal(ks.n + ks.damaged, 0);
	add_kernel("debian:6.12", "6.12.9");
	add_kernel("debian:6.1", "6.1.0-37");
	add_kernel("debian:5.10/x", "5.10.0-9");
	assert_int_equal(cb_lab_kernels(&ks, NULL), 0);
	assert_int_equal(ks.n, 3);
	assert_string_equal(ks.k[0].name, "debian:5.10/x");
	assert_string_equal(ks.k[1].release, "6.1.0-37");
	assert_string_equal(ks.k[2].name, "debian:6.12");
	assert_non_null(strstr(ks.k[1].modules, "/modules/6.1.0-37"));
	assert_string_equal(ks.k[1].package, "p 1");
	assert_null(ks.k[1].source);
	cb_lab_kernels_free(&ks);
}

/* Change a file of the only kernel, and say how the whole of it is judged. */
static int judged(const char *file, const char *text, bool whole)
{
	struct cb_lab_kernel k = {0};
	char dir[PATH_MAX];
	int err;

	add_kernel("k", "6.1");
	assert_int_equal(cb_lab_store_path("kernels", "k", dir, NULL), 0);
	if (file)
		put(dir, file, text, strlen(text));
	err = cb_lab_store_kernel(dir, whole, &k, NULL);
	cb_lab_kernel_free(&k);
	return err;
}

static void damaged(void **state)
{
	struct cb_lab_kernels ks;

	assert_int_equal(judged(NULL, NULL, true), 0);
	assert_int_equal(judged("vmlinuz", "cut off", false), -EBADMSG);
	assert_int_equal(cb_lab_kernels(&ks, NULL), 0);
	assert_int_equal(ks.n, 0);
	assert_int_equal(ks.damaged, 1);
	cb_lab_kernels_free(&ks);
	assert_int_equal(judged("modules/6.1/modules.dep", "other", false), 0); /* not looked at */
	assert_int_equal(judged("modules/6.1/modules.dep", "other", true), -EBADMSG);
	assert_int_equal(judged("more", "", true), -EBADMSG);
	assert_int_equal(judged("info.json", "", false), -EINVAL);
	assert_int_equal(judged("info.json", "{\"format\": 1}", false), -EINVAL);
}

static int parse(const char *format, const char *release, const char *arch, const char *digest)
{
	struct cb_lab_info info;
	char text[1024];
	int err;

	snprintf(text, sizeof(text),
		 "{\"format\": %s, \"name\": \"n\", \"release\": \"%s\", \"arch\": \"%s\", \"image\": \"%s\", "
		 "\"tree\": \"%s\"}",
		 format, release, arch, digest, digest);
	err = cb_lab_info_parse(text, strlen(text), &info, NULL);
	if (!err)
		cb_lab_info_free(&info);
	return err;
}

static void info_json(void **state)
{
	static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	assert_int_equal(parse("1", "6.1", "arm64", digest), 0);
	assert_int_equal(parse("2", "6.1", "arm64", digest), -EINVAL);
	assert_int_equal(parse("\"1\"", "6.1", "arm64", digest), -EINVAL);
	assert_int_equal(parse("1", "../6.1", "arm64", digest), -EINVAL);
	assert_int_equal(parse("1", "..", "arm64", digest), -EINVAL);
	assert_int_equal(parse("1", "", "arm64", digest), -EINVAL);
	assert_int_equal(parse("1", "6.1", "mips", digest), -EINVAL);
	assert_int_equal(parse("1", "6.1", "arm64", digest + 1), -EINVAL);
}

/* ---- The lock ---------------------------------------------------------------------------------------------------- */

static void leftovers_are_swept(void **state)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lab/tmp/entry", cache);
	assert_int_equal(cb_mkdirs(path, NULL), 0);
	put(path, "vmlinuz", "half", 4);
	add_kernel("k", "6.1");
	assert_int_not_equal(access(path, F_OK), 0);
}

struct waiting {
	int told; /* how often */
	int tell; /* a pipe, to whom is waited for */
};

static void say(void *ctx, enum cb_log_level level, const char *text)
{
	struct waiting *w = ctx;

	if (!strstr(text, "waiting"))
		return;
	w->told++;
	assert_int_equal(write(w->tell, "", 1), 1);
}

static void waits_for_the_lock(void **state)
{
	struct waiting w = {0};
	const struct cb_log log = {.level = CB_INFO, .say = say, .ctx = &w};
	struct cb_lab_store s;
	struct cb_lab_hold h;
	char path[PATH_MAX], c;
	int locked[2], told[2], fd;
	pid_t pid;

	add_kernel("k", "6.1");
	snprintf(path, sizeof(path), "%s/lab/lock", cache);
	assert_int_equal(pipe(locked), 0);
	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (!pid) {
		fd = open(path, O_RDWR);
		_exit(flock(fd, LOCK_EX) || write(locked[1], "", 1) != 1 || read(told[0], &c, 1) != 1);
	}
	w.tell = told[1];
	assert_int_equal(read(locked[0], &c, 1), 1);
	assert_int_equal(cb_lab_hold(&h, NULL), 0);
	assert_int_equal(cb_lab_store_open(&s, &h, &log, NULL), 0);
	assert_int_equal(w.told, 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cb_lab_store_close(&s);
	cb_lab_release(&h);
	for (int i = 0; i < 2; i++) {
		close(locked[i]);
		close(told[i]);
	}
}

/* ---- Programs ---------------------------------------------------------------------------------------------------- */

static int run(const char *script, struct cb_buf *out, struct cb_err *e)
{
	static const char *const env[] = {"EXTRA=yes", NULL};
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct cb_lab_prog p = {.argv = argv, .dir = "/", .out = out, .max_out = 1000, .env = env};
	struct cb_lab_hold h;
	int err;

	assert_int_equal(cb_lab_hold(&h, NULL), 0);
	err = cb_lab_prog_run(&p, &h, NULL, e);
	cb_lab_release(&h);
	return err;
}

static void programs(void **state)
{
	const char *const none[] = {"no-such-program", NULL};
	const struct cb_lab_prog p = {.argv = none};
	struct cb_lab_hold h;
	struct cb_buf out = {0};
	struct cb_err e = {0};

	assert_int_equal(run("pwd; echo $EXTRA $LC_ALL; cat; echo noise >&2", &out, NULL), 0);
	assert_string_equal(cb_buf_cstr(&out), "/\nyes C\n");
	assert_int_equal(run("echo first >&2; echo the reason >&2; exit 3", NULL, &e), -ECHILD);
	assert_string_equal(e.text, "sh failed with exit status 3:\nfirst\nthe reason");
	assert_int_equal(run("kill -9 $$", NULL, &e), -ECHILD);
	assert_non_null(strstr(e.text, "signal 9"));
	out.len = 0;
	assert_int_equal(run("yes", &out, &e), -EFBIG);
	cb_buf_free(&out);
	assert_int_equal(cb_lab_hold(&h, NULL), 0);
	assert_int_equal(cb_lab_prog_run(&p, &h, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no-such-program"));
	cb_lab_release(&h);
}

static volatile sig_atomic_t came;

static void on_signal(int n)
{
	came = n;
}

static void interrupted(void **state)
{
	struct cb_lab_hold h;
	struct cb_err e = {0};
	char path[PATH_MAX], script[PATH_MAX + 64];
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct cb_lab_prog p = {.argv = argv};
	pid_t pid = getpid(), killer;
	struct stat st;
	char *text;
	size_t len;

	came = 0;
	signal(SIGINT, on_signal);
	snprintf(path, sizeof(path), "%s/pid", cache);
	snprintf(script, sizeof(script), "sleep 60 & echo $! >%s; wait", path);
	assert_int_equal(cb_lab_hold(&h, NULL), 0);
	killer = fork();
	if (!killer) {
		for (int i = 0; i < 3000 && (stat(path, &st) || !st.st_size); i++)
			usleep(20000);
		kill(pid, SIGINT);
		_exit(0);
	}
	assert_int_equal(cb_lab_prog_run(&p, &h, NULL, &e), -EINTR);
	assert_int_equal(came, 0);
	/* and nothing is begun any more */
	assert_int_equal(cb_lab_prog_run(&p, &h, NULL, &e), -EINTR);
	cb_lab_release(&h);
	assert_int_equal(came, SIGINT);
	signal(SIGINT, SIG_DFL);
	waitpid(killer, NULL, 0);
	/* its child was killed with it */
	assert_int_equal(cb_file_read(path, 100, &text, &len, NULL), 0);
	for (int i = 0; i < 3000 && !kill(atoi(text), 0); i++)
		usleep(20000);
	snprintf(script, sizeof(script), "! kill -0 %d 2>/dev/null || grep -q 'State:.Z' /proc/%d/status", atoi(text),
		 atoi(text));
	assert_int_equal(system(script), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(listed, make_cache, remove_cache),
		cmocka_unit_test_setup_teardown(damaged, make_cache, remove_cache),
		cmocka_unit_test(info_json),
		cmocka_unit_test_setup_teardown(leftovers_are_swept, make_cache, remove_cache),
		cmocka_unit_test_setup_teardown(waits_for_the_lock, make_cache, remove_cache),
		cmocka_unit_test(programs),
		cmocka_unit_test_setup_teardown(interrupted, make_cache, remove_cache),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
