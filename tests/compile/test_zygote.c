// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_zygote.c - clang by exec and by a zygote: the same answers, whatever happens to it; and nothing is left behind. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "compile/clang.h"
#include "job.h"

static const char program[] = "#define SEC(n) __attribute__((section(n), used))\n"
			      "struct s { int a; long b; };\n"
			      "SEC(\"kprobe/x\") long f(struct s *s) { return s->a + s->b; }\n";
/* so long that something can be done to it meanwhile: each takes a minute */
static const char endless[] = "#define A(x) x x x x x x x x x x\n"
			      "A(A(A(A(A(A(A(A(A(A(;))))))))))\n";

static const char *const readable[] = {"/usr/include", NULL}, *const others[] = {"/usr/include/linux", NULL};
static const struct cb_sandbox sandbox = {
	.readable = readable, .cpu_seconds = 5, .wall_ms = 20000, .memory = 2UL << 30, .output = 8 << 20};
static const struct cb_sandbox other_sandbox = {
	.readable = others, .cpu_seconds = 5, .wall_ms = 20000, .memory = 2UL << 30, .output = 8 << 20};

struct fixture {
	char clang[PATH_MAX];
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

static void assert_compiles(struct fixture *f, const struct cb_sandbox *s)
{
	struct run r;

	run_text(&r, f->clang, f->zygote, s, program);
	if (r.err || r.end.status)
		fail_msg("%s%s", r.e.text, r.messages);
	assert_true(r.size > 500);
	run_free(&r);
}

/* ---- the same answers */

static void same_object(void **state)
{
	const struct cb_sandbox *const ways[] = {NULL, &sandbox};
	struct fixture *f = *state;
	struct run by_exec, r;

	run_text(&by_exec, f->clang, NULL, NULL, program);
	assert_int_equal(by_exec.err, 0);
	assert_int_equal(by_exec.end.status, 0);
	assert_true(by_exec.size > 500);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++)
		for (int i = 0; i < 4; i++) {
			run_text(&r, f->clang, by_zygote ? f->zygote : NULL, ways[i / 2], program);
			assert_int_equal(r.err, 0);
			assert_int_equal(r.end.status, 0);
			assert_int_equal(r.end.signal, 0);
			assert_int_equal(r.size, by_exec.size);
			assert_memory_equal(r.object, by_exec.object, by_exec.size);
			assert_string_equal(r.messages, "");
			assert_in_range(r.end.cpu_ns, 100000, 10000000000);
			assert_in_range(r.end.max_rss, 10000, 1000000);
			run_free(&r);
		}
	run_free(&by_exec);
}

static void same_diagnostics(void **state)
{
	static const char text[] = "int f(void)\n{ return nosuch; }\n";
	struct fixture *f = *state;
	struct run by_exec, by_zygote, in_sandbox;

	run_text(&by_exec, f->clang, NULL, NULL, text);
	run_text(&by_zygote, f->clang, f->zygote, NULL, text);
	run_text(&in_sandbox, f->clang, f->zygote, &sandbox, text);
	assert_int_equal(by_exec.end.status, 1);
	assert_int_equal(by_zygote.end.status, 1);
	assert_non_null(strstr(by_exec.messages, "2:10: error: use of undeclared identifier 'nosuch'"));
	assert_string_equal(by_exec.messages, by_zygote.messages);
	assert_string_equal(by_exec.messages, in_sandbox.messages);
	run_free(&by_exec);
	run_free(&by_zygote);
	run_free(&in_sandbox);
}

/* What clang prints of itself goes out when it ends as programs do. */
static void prints_of_itself(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {f->clang, "--version", NULL};
	struct run r;

	run_job(&r, f->zygote, f->clang, argv, NULL, "", 0, NULL, 0);
	assert_int_equal(r.end.status, 0);
	assert_non_null(memmem(r.object, r.size, "clang version", 13));
	run_free(&r);
}

static void arguments_arrive(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(200000), define[] = "-DX=\"a b\\t'$HOME`\"";
	const char *argv[] = {f->clang, "-target", "bpf", define, "-x", "c", "-c", "-o", "-", "/proc/self/fd/0", NULL};
	static const char text[] = "const char x[] = X;\n";
	struct run r;

	run_job(&r, f->zygote, f->clang, argv, NULL, text, strlen(text), NULL, 0);
	assert_int_equal(r.end.status, 0);
	assert_non_null(memmem(r.object, r.size, "a b\t'$HOME`", 12));
	run_free(&r);
	memset(big, 'x', 199999);
	memcpy(big, "-D", 2);
	big[199999] = '\0';
	argv[3] = big;
	run_job(&r, f->zygote, f->clang, argv, NULL, text, strlen(text), NULL, 0);
	assert_int_equal(r.err, -E2BIG);
	run_free(&r);
	free(big);
	assert_compiles(f, NULL);
}

/* Neither the caller's environment nor what made it a zygote. */
static void environment_is_clean(void **state)
{
	struct fixture *f = *state;
	struct cb_zygote *z;
	struct run r;

	setenv("CPATH", "/nonexistent-cpath", 1);
	assert_int_equal(cb_zygote_new(f->clang, NULL, &z, &f->err), 0);
	for (int i = 0; i < 3; i++) {
		const char *const argv[] = {f->clang, "-v", "-target",	       "bpf", "-x", "c", "-c",
					    "-o",     "-",  "/proc/self/fd/0", NULL};

		run_job(&r, i == 2 ? NULL : z, f->clang, argv, i ? &sandbox : NULL, "int x;\n", 7, NULL, 0);
		assert_int_equal(r.end.status, 0);
		assert_null(strstr(r.messages, "nonexistent-cpath"));
		run_free(&r);
	}
	cb_zygote_free(z);
	unsetenv("CPATH");
}

/* ---- which clang can wait */

static void refuses(struct fixture *f, const char *path)
{
	struct cb_zygote *z;

	assert_int_equal(cb_zygote_new(path, NULL, &z, &f->err), -ENOTSUP);
	assert_null(z);
	assert_non_null(strstr(f->err.text, path));
	assert_non_null(strstr(f->err.text, "each compile starts it anew"));
}

static void other_programs(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/coolbpf-test-XXXXXX", path[64], command[PATH_MAX + 256];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/script", dir);
	snprintf(command, sizeof(command), "#!/bin/sh\nexec %s \"$@\"\n", f->clang);
	assert_int_equal(cb_file_write(path, command, strlen(command), 0755, NULL), 0);
	refuses(f, path);
	/* programs that are not clang, which run another one, or are static */
	refuses(f, "/bin/true");
	refuses(f, "/nonexistent/clang");
	snprintf(command, sizeof(command),
		 "printf '#include <unistd.h>\\nint main(int c, char **v) { return execv(\"%s\", v); }' | "
		 "cc -xc - -o %s/wrapper && cc -static -xc -o %s/static - <<< 'int main(void) { return 0; }'",
		 f->clang, dir, dir);
	snprintf(path, sizeof(path), "%s/make", dir);
	assert_int_equal(cb_file_write(path, command, strlen(command), 0755, NULL), 0);
	snprintf(command, sizeof(command), "bash %s/make", dir);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/wrapper", dir);
	refuses(f, path);
	snprintf(path, sizeof(path), "%s/static", dir);
	refuses(f, path);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

/* ---- what may happen to it */

/* Processes whose parent this is: zygotes, and in turn their jobs. */
static int children(pid_t parent, pid_t *pids, int max)
{
	char path[64], *text, *p;
	size_t len;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	if (cb_file_read(path, 65536, &text, &len, NULL))
		return 0;
	for (p = text; *p && n < max; n++)
		pids[n] = (pid_t)strtol(p, &p, 10), p += strspn(p, " ");
	free(text);
	return n;
}

static pid_t zygote_of(void)
{
	pid_t pids[8];

	assert_int_equal(children(getpid(), pids, 8), 1);
	return pids[0];
}

/* The next one is forked when the last one's end has been said. */
static pid_t job_of(pid_t zygote)
{
	pid_t pids[8];

	for (int tries = 0; tries < 3000 && children(zygote, pids, 8) != 1; tries++)
		usleep(10000);
	assert_int_equal(children(zygote, pids, 8), 1);
	return pids[0];
}

static void kill_zygote(void)
{
	pid_t zygote = zygote_of();
	siginfo_t info;

	kill(zygote, SIGKILL);
	waitid(P_PID, (id_t)zygote, &info, WEXITED | WNOWAIT);
}

static void killed_between_jobs(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		assert_compiles(f, i == 2 ? &sandbox : NULL);
		kill_zygote();
		assert_compiles(f, i ? &sandbox : NULL);
	}
	/* the child that waits for the next job */
	kill(job_of(zygote_of()), SIGKILL);
	assert_compiles(f, &sandbox);
}

/* In hundredths of a second, of user's time; 0 when it is gone. */
static unsigned long busy_for(pid_t pid)
{
	char path[64], *text, *p;
	unsigned long ticks = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (cb_file_read(path, 4096, &text, &len, NULL))
		return 0;
	p = strrchr(text, ')');
	if (p && sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &ticks) != 1)
		ticks = 0;
	free(text);
	return ticks;
}

/* The one that compiles what is endless and has done so for a while, or 0. */
static pid_t busy_job_of(pid_t zygote)
{
	pid_t job;

	return children(zygote, &job, 1) == 1 && busy_for(job) >= 10 ? job : 0;
}

struct killer {
	pid_t pid;
	bool job; /* or the zygote */
};

static void *kill_soon(void *arg)
{
	const struct killer *k = arg;
	pid_t job = 0;

	for (int tries = 0; tries < 3000 && !(job = busy_job_of(k->pid)); tries++)
		usleep(10000);
	kill(job && k->job ? job : k->pid, SIGKILL);
	return NULL;
}

static void killed_in_a_job(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		const struct cb_sandbox *s = i < 2 ? NULL : &sandbox;
		struct killer k = {.job = i % 2};
		pthread_t thread;
		struct run r;

		assert_compiles(f, s);
		k.pid = zygote_of();
		pthread_create(&thread, NULL, kill_soon, &k);
		run_text(&r, f->clang, f->zygote, s, endless);
		pthread_join(thread, NULL);
		if (k.job) {
			assert_int_equal(r.err, 0);
			assert_int_equal(r.end.signal, SIGKILL);
			assert_false(r.end.timed_out);
		} else {
			assert_int_equal(r.err, -EIO);
			assert_non_null(strstr(r.e.text, "is gone"));
		}
		run_free(&r);
		assert_compiles(f, s);
	}
}

/* Whoever inherits it may take its time to notice. */
static bool is_gone(pid_t pid)
{
	char path[64], *text;
	size_t len;
	bool gone;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (cb_file_read(path, 4096, &text, &len, NULL))
		return true;
	gone = strstr(text, ") Z ");
	free(text);
	return gone;
}

/* Whoever has a zygote and is killed leaves neither it nor its job behind. */
static void owner_is_killed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		const struct cb_sandbox *s = i ? &sandbox : NULL;
		pid_t owner = fork(), zygote, job = 0;
		struct cb_zygote *z;
		struct run r;

		if (!owner) {
			if (cb_zygote_new(f->clang, NULL, &z, NULL))
				_exit(1);
			run_text(&r, f->clang, z, s, program);
			run_text(&r, f->clang, z, s, endless);
			_exit(1);
		}
		for (int tries = 0; tries < 3000 && !job; tries++) {
			usleep(10000);
			if (children(owner, &zygote, 1) == 1)
				job = busy_job_of(zygote);
		}
		assert_true(job > 0);
		kill(owner, SIGKILL);
		waitpid(owner, NULL, 0);
		for (int tries = 0; tries < 1500 && !(is_gone(zygote) && is_gone(job)); tries++)
			usleep(20000);
		assert_true(is_gone(zygote));
		assert_true(is_gone(job));
	}
}

static void another_sandbox(void **state)
{
	const struct cb_sandbox *const order[] = {NULL, &sandbox, &sandbox, &other_sandbox, NULL, NULL};
	struct fixture *f = *state;
	pid_t last = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		assert_compiles(f, order[i]);
		/* the same one goes on, another is started */
		if (i)
			assert_int_equal(last == zygote_of(), order[i] == order[i - 1]);
		last = zygote_of();
	}
}

/* ---- nothing is left behind */

static long resident_kb(pid_t pid)
{
	char path[64], *text;
	size_t len;
	long kb;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_int_equal(cb_file_read(path, 65536, &text, &len, NULL), 0);
	kb = strtol(strstr(text, "VmRSS:") + 6, NULL, 10);
	free(text);
	return kb;
}

static int descriptors(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	return entries(path);
}

static void many_jobs(void **state)
{
	struct fixture *f = *state;
	long own_before, zygote_before;
	int fds_before, zygote_fds;
	pid_t zygote;
	struct run r;

	for (int i = 0; i < 20; i++)
		assert_compiles(f, &sandbox);
	zygote = zygote_of();
	own_before = resident_kb(getpid());
	zygote_before = resident_kb(zygote);
	fds_before = descriptors(getpid());
	zygote_fds = descriptors(zygote);
	for (int i = 0; i < 1000; i++) {
		run_text(&r, f->clang, f->zygote, &sandbox, i % 10 ? "int x;\n" : "int x = nosuch;\n");
		assert_int_equal(r.err, 0);
		assert_int_equal(r.end.status, i % 10 ? 0 : 1);
		run_free(&r);
	}
	assert_int_equal(zygote, zygote_of());
	assert_int_equal(descriptors(getpid()), fds_before);
	assert_int_equal(descriptors(zygote), zygote_fds);
	job_of(zygote);	     /* and no other, dead or alive */
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */
	assert_in_range(resident_kb(getpid()), 0, own_before + 2048);
#endif
	assert_in_range(resident_kb(zygote), 0, zygote_before + 2048);
}

static void free_ends_all(void **state)
{
	struct fixture *f = *state;
	int before = descriptors(getpid());
	struct cb_zygote *z;
	pid_t pids[4];

	assert_int_equal(cb_zygote_new(f->clang, NULL, &z, NULL), 0);
	cb_zygote_free(z);
	cb_zygote_free(NULL);
	assert_int_equal(descriptors(getpid()), before);
	assert_int_equal(children(getpid(), pids, 4), 1); /* the fixture's */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_object),
		cmocka_unit_test(same_diagnostics),
		cmocka_unit_test(prints_of_itself),
		cmocka_unit_test(arguments_arrive),
		cmocka_unit_test(environment_is_clean),
		cmocka_unit_test(other_programs),
		cmocka_unit_test(killed_between_jobs),
		cmocka_unit_test(killed_in_a_job),
		cmocka_unit_test(owner_is_killed),
		cmocka_unit_test(another_sandbox),
		cmocka_unit_test(many_jobs),
		cmocka_unit_test(free_ends_all),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, make, drop);
}
