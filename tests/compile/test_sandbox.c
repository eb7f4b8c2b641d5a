// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_sandbox.c - what a stranger's source and arguments can do: nothing but be compiled.
 *
 * hostile/ holds one source per case, whose first line says how it is to end:
 *
 *   // expect: any|OUTCOME[,OUTCOME] [says: "TEXT"]
 *
 * object: it compiles; error: clang refuses it; crash: clang ends badly; limit: a limit on time, memory or output ends it;
 * any: each of these but a limit on time. Whatever it is, nothing of the files that it asks for comes out.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "compile/clang.h"
#include "compile/sandbox.h"
#include "job.h"

#define MARK "coolbpf-test-secret-4711" /* in the environment of this process */

static struct cb_zygote *zygote;
static char clang[4096], headers[4096], allowed[64], forbidden[64];

static const char *const readable[] = {"/usr/include", headers, allowed, NULL};
static const struct cb_sandbox limits = {
	.readable = readable, .cpu_seconds = 1, .wall_ms = 20000, .memory = 2UL << 30, .output = 8 << 20};

/* ---- nothing has come out */

static bool holds(const char *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text));
}

static void assert_nothing_read(const struct run *r, size_t messages)
{
	static const char *const secrets[] = {"root:", "nobody:", MARK, "libLLVM", "BOOT_IMAGE"};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		assert_false(holds(r->object, r->size, secrets[i]));
		/* a crash names clang's libraries */
		if (strcmp(secrets[i], "libLLVM"))
			assert_false(holds(r->messages, messages, secrets[i]));
	}
}

/* ---- the corpus */

static const char *outcome(const struct run *r)
{
	if (r->end.timed_out || r->end.out_of_memory || r->end.output_full)
		return "limit";
	if (r->end.signal || r->end.status > 1 || strstr(r->messages, "PLEASE submit a bug report"))
		return "crash";
	return r->end.status ? "error" : "object";
}

static void judge(const char *name, const char *source, const struct run *r)
{
	char expected[16] = "", says[128] = "";
	const char *ended = outcome(r), *at = strstr(source, "says: \"");

	assert_int_equal(sscanf(source, "// expect: %15s", expected), 1);
	if (r->err)
		fail_msg("%s: %s", name, r->e.text);
	if (getenv("VERBOSE"))
		printf("# %s: %s status %d signal %d timed_out %d memory %d output %d, %llu ms, %ld MB, %zu bytes\n# "
		       "%.300s\n",
		       name, ended, r->end.status, r->end.signal, r->end.timed_out, r->end.out_of_memory,
		       r->end.output_full, (unsigned long long)r->end.cpu_ns / 1000000, r->end.max_rss >> 10, r->size,
		       r->messages);
	if (!strcmp(expected, "any"))
		assert_false(r->end.timed_out);
	else if (!strstr(expected, ended))
		fail_msg("%s: %s instead of %s (status %d, signal %d): %.500s", name, ended, expected, r->end.status,
			 r->end.signal, r->messages);
	if (at && sscanf(at, "says: \"%127[^\"]", says) == 1 && !strstr(r->messages, says))
		fail_msg("%s does not say '%s': %.500s", name, says, r->messages);
	assert_nothing_read(r, strlen(r->messages));
}

static void hostile(void **state)
{
	const char *name = *state;
	char path[4096], *source;
	struct run r;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/compile/hostile/%s", getenv("SRC"), name);
	assert_int_equal(cb_file_read(path, 1 << 20, &source, &len, NULL), 0);
	for (int by_zygote = 1; by_zygote >= 0; by_zygote--) {
		run_bytes(&r, clang, by_zygote ? zygote : NULL, &limits, source, len);
		/* the kernel's limit counts ticks, which a busy virtual machine may charge to one that did not run (job.c) */
		if (r.end.signal == SIGKILL && !strcmp(outcome(&r), "crash")) {
			printf("# %s: killed after %llu ms of CPU time, run again\n", name,
			       (unsigned long long)r.end.cpu_ns / 1000000);
			run_free(&r);
			run_bytes(&r, clang, by_zygote ? zygote : NULL, &limits, source, len);
		}
		judge(name, source, &r);
		run_free(&r);
	}
	free(source);
}

/* ---- files that may be read, and others */

static void includes(struct run *r, bool by_zygote, const char *file)
{
	char text[256];

	snprintf(text, sizeof(text), "#include \"%s\"\nint y = X;\n", file);
	run_text(r, clang, by_zygote ? zygote : NULL, &limits, text);
	assert_int_equal(r->err, 0);
}

static void reads_what_it_may(void **state)
{
	char good[128], bad[128];
	struct run r;

	snprintf(good, sizeof(good), "%s/good.h", allowed);
	snprintf(bad, sizeof(bad), "%s/bad.h", forbidden);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
		includes(&r, by_zygote, good);
		if (r.end.status)
			fail_msg("%s", r.messages);
		run_free(&r);
		includes(&r, by_zygote, bad);
		assert_int_equal(r.end.status, 1);
		assert_null(strstr(r.messages, "12345"));
		run_free(&r);
		includes(&r, by_zygote, "/usr/include/linux/bpf.h");
		assert_null(strstr(r.messages, "bpf.h' file not found"));
		run_free(&r);
		/* a link out of the directory */
		snprintf(bad, sizeof(bad), "%s/link.h", allowed);
		includes(&r, by_zygote, bad);
		assert_int_equal(r.end.status, 1);
		run_free(&r);
		snprintf(bad, sizeof(bad), "%s/bad.h", forbidden);
	}
}

static void reads_its_directories(void **state)
{
	const char *const argv[] = {clang,
				    "-target",
				    "bpf",
				    "-fno-crash-diagnostics",
				    "-x",
				    "c",
				    "-c",
				    "-o",
				    "-",
				    "-I/proc/self/fd/3",
				    "/proc/self/fd/0",
				    NULL};
	static const char *const texts[] = {"#include \"bad.h\"\nint y = X;\n",
					    "#include \"/proc/self/fd/4\"\nint z = X;\n"};
	static const char *const outside[] = {"#include \"/proc/self/fd/3/../../etc/passwd\"\n",
					      "#include \"../../etc/passwd\"\n"};
	int dir = open(forbidden, O_PATH | O_DIRECTORY | O_CLOEXEC), file = cb_file_nameless("header");
	int more[] = {dir, file};
	struct run r;

	assert_int_equal(cb_write_all(file, "#define X 7\n", 12), 0);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++)
		for (int i = 0; i < 2; i++) {
			run_job(&r, by_zygote ? zygote : NULL, clang, argv, &limits, texts[i], strlen(texts[i]), more,
				2);
			if (r.end.status)
				fail_msg("%s", r.messages);
			run_free(&r);
			run_job(&r, by_zygote ? zygote : NULL, clang, argv, &limits, outside[i], strlen(outside[i]),
				more, 2);
			assert_int_equal(r.end.status, 1);
			assert_null(strstr(r.messages, "root:"));
			run_free(&r);
		}
	close(dir);
	close(file);
}

/* A pipe that nobody writes to: until the time is over, and the next job is not the worse for it. */
static void waits_for_a_pipe(void **state)
{
	const struct cb_sandbox short_time = {
		.readable = readable, .cpu_seconds = 1, .wall_ms = 300, .memory = 2UL << 30, .output = 8 << 20};
	char path[128], text[256];
	struct run r;

	snprintf(path, sizeof(path), "%s/pipe.h", allowed);
	snprintf(text, sizeof(text), "#include \"%s\"\n", path);
	assert_int_equal(mkfifo(path, 0666), 0);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
		run_text(&r, clang, by_zygote ? zygote : NULL, &short_time, text);
		assert_int_equal(r.err, 0);
		assert_true(r.end.timed_out);
		assert_int_equal(r.end.signal, SIGKILL);
		run_free(&r);
		run_text(&r, clang, by_zygote ? zygote : NULL, &limits, "int x;\n");
		assert_int_equal(r.end.status, 0);
		assert_false(r.end.timed_out);
		run_free(&r);
	}
	unlink(path);
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

/* Who waits for a job without a zygote is killed: so is the job, which would wait for a minute. */
static void does_not_outlive_its_parent(void **state)
{
	const struct cb_sandbox long_time = {
		.readable = readable, .cpu_seconds = 60, .wall_ms = 60000, .memory = 2UL << 30, .output = 8 << 20};
	char path[128], text[256];
	int status = -1, writer = -1;
	pid_t pid, job, ended = 0;
	struct run r;

	snprintf(path, sizeof(path), "%s/pipe.h", allowed);
	snprintf(text, sizeof(text), "#include \"%s\"\n", path);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	pid = fork();
	if (!pid) {
		run_text(&r, clang, NULL, &long_time, text);
		_exit(0);
	}
	/* it is in clang when it has the pipe open */
	for (int i = 0; i < 1000 && writer < 0; i++) {
		usleep(10000);
		writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	assert_true(writer >= 0);
	job = child_of(pid);
	assert_true(job > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 500 && !ended; i++) {
		usleep(10000);
		ended = waitpid(job, &status, WNOHANG);
	}
	kill(job, SIGKILL);
	close(writer);
	unlink(path);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	assert_int_equal(ended, job);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- arguments that nobody should let through */

static void writes_no_file(void **state)
{
	static const char *const flags[][3] = {{"-o", "%s/out.o"},
					       {"-MD", "-MF", "%s/out.d"},
					       {"--serialize-diagnostics", "%s/out.dia"},
					       {"-ftime-trace", "-o", "%s/out.o"},
					       {"-save-temps=obj", "-o", "%s/out.o"},
					       {"-gsplit-dwarf", "-o", "%s/out.o"},
					       {"-fsave-optimization-record", "-foptimization-record-file=%s/out.yaml"},
					       {"-Xclang", "-stats-file=%s/out.stats"},
					       {"-fcrash-diagnostics-dir=%s"},
					       {"-MJ", "%s/out.json"}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
			const char *argv[13] = {clang, "-g", "-O2", "-target",	      "bpf",
						"-x",  "c",  "-c",  "/proc/self/fd/0"};
			char room[3][128];
			struct run r;

			for (int k = 0; k < 3 && flags[i][k]; k++) {
				snprintf(room[k], sizeof(room[k]), flags[i][k], allowed);
				argv[9 + k] = room[k];
			}
			run_job(&r, by_zygote ? zygote : NULL, clang, argv, &limits, "int x;\n", 7, NULL, 0);
			assert_int_equal(r.err, 0);
			run_free(&r);
		}
	assert_int_equal(entries(allowed), 3); /* good.h, link.h, scrap.h */
}

static void runs_nothing(void **state)
{
	static const char *const flags[] = {
		"-fno-integrated-as", "-fno-integrated-cc1",	"-fplugin=/usr/lib/x86_64-linux-gnu/libc.so.6",
		"@/etc/passwd",	      "--config=/etc/passwd",	"-include/etc/passwd",
		"-fmodules",	      "-ivfsoverlay/etc/passwd"};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		const char *const argv[] = {clang, "-target", "bpf", flags[i],		"-x", "c",
					    "-c",  "-o",      "-",   "/proc/self/fd/0", NULL};
		struct run r;

		run_job(&r, zygote, clang, argv, &limits, "int x;\n", 7, NULL, 0);
		assert_int_equal(r.err, 0);
		if (strcmp(flags[i], "-fmodules"))
			assert_int_not_equal(r.end.status, 0);
		assert_nothing_read(&r, strlen(r.messages));
		run_free(&r);
	}
}

static void shared_descriptor_stays(void **state)
{
	int header = cb_file_nameless("header"), more[] = {header};
	const char *const argv[] = {
		clang, "-target", "bpf", "-x", "c", "-c", "-o", "/proc/self/fd/3", "/proc/self/fd/0", NULL};
	struct run r;
	char text[8];

	assert_int_equal(cb_write_all(header, "int h;\n", 7), 0);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
		run_job(&r, by_zygote ? zygote : NULL, clang, argv, &limits, "int x;\n", 7, more, 1);
		assert_int_equal(r.end.status, 1);
		assert_non_null(strstr(r.messages, "Permission denied"));
		run_free(&r);
		assert_int_equal(pread(header, text, sizeof(text), 0), 7);
		assert_memory_equal(text, "int h;\n", 7);
	}
	close(header);
}

/* ---- the sandbox as such, with inside.c in the place of clang */

enum { LANDLOCK = 1, NAMESPACES = 2 };

static void run_inside(struct run *r, const struct cb_sandbox *sandbox)
{
	char path[4096], parent[16], good[128], bad[128];
	const char *argv[] = {path, parent, good, bad, NULL};

	snprintf(path, sizeof(path), "%s/tests/compile/inside", getenv("BUILD"));
	snprintf(parent, sizeof(parent), "%d", getpid());
	snprintf(good, sizeof(good), "%s/scrap.h", allowed);
	snprintf(bad, sizeof(bad), "%s/bad.h", forbidden);
	run_job(r, NULL, path, argv, sandbox, "", 0, NULL, 0);
}

static void assert_inside(const struct run *r, unsigned layers)
{
	static const char *const can[] = {
		"read allowed", "read allowed by descriptor", "write object", "thread", "signal itself", "see parent"};
	/* kept out by Landlock alone, or a tree of its own */
	static const char *const files[] = {"read forbidden", "read passwd", "read maps", "list root", "list proc"};
	char line[64];

	if (r->err || r->end.status)
		fail_msg("%s status %d signal %d %s%s", r->e.text, r->end.status, r->end.signal, r->object,
			 r->messages);
	for (const char *p = r->object; (p = strstr(p, "yes ")); p++) {
		bool expected = false;

		snprintf(line, sizeof(line), "%.*s", (int)strcspn(p + 4, "\n"), p + 4);
		for (size_t i = 0; i < sizeof(can) / sizeof(*can); i++)
			expected |= !strcmp(line, can[i]);
		for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !(layers & LANDLOCK); i++)
			expected |= !strcmp(line, files[i]);
		if (!expected)
			fail_msg("it can: %s", line);
	}
	for (size_t i = 0; i < sizeof(can) / sizeof(*can); i++) {
		snprintf(line, sizeof(line), "yes %s\n", can[i]);
		if (!strstr(r->object, line))
			fail_msg("it cannot: %s", can[i]);
	}
	assert_non_null(strstr(r->object, "no execve\n"));
	assert_non_null(strstr(r->object, "limits core 0 cpu 1\n"));
	assert_int_equal(!!strstr(r->object, "host clang\n"), !!(layers & NAMESPACES));
}

static void taken_over(void **state)
{
	struct run r;

	run_inside(&r, &limits);
	assert_inside(&r, LANDLOCK | NAMESPACES);
	run_free(&r);
}

/* These tests can fail: without a sandbox all this can be done. */
static void free_to_do_it(void **state)
{
	static const char *const can[] = {"read passwd", "write allowed", "create", "socket inet",
					  "fork",	 "kill parent",	  "memfd",  "write source"};
	static const char text[] = "#define SEC(name) __attribute__((section(name), used))\n"
				   "#line 1 \"/etc/passwd\"\n"
				   "SEC(\"kprobe/x\") int f(int *a) { return a[0]; }\n";
	char line[64];
	struct run r;

	run_inside(&r, NULL);
	for (size_t i = 0; i < sizeof(can) / sizeof(*can); i++) {
		snprintf(line, sizeof(line), "yes %s\n", can[i]);
		if (!strstr(r.object, line))
			fail_msg("without a sandbox it cannot: %s (%zu bytes, status %d signal %d: %s)", can[i], r.size,
				 r.end.status, r.end.signal, r.object);
	}
	run_free(&r);
	unlink("/tmp/coolbpf-inside");
	rmdir("/tmp/coolbpf-inside");
	run_text(&r, clang, NULL, NULL, text);
	assert_true(holds(r.object, r.size, "root:"));
	run_free(&r);
}

/* As a machine without them answers, for this process and its children. */
static void forbid(const char *const *calls, bool without_user)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	for (; *calls; calls++)
		assert_int_equal(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name(*calls), 0),
				 0);
	if (without_user)
		assert_int_equal(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
						  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER)),
				 0);
	assert_int_equal(seccomp_load(ctx), 0);
	seccomp_release(ctx);
}

/* What a child without these calls, and as this user (0: as now) comes to. */
struct seen {
	int check, status;
	struct run inside;
};

static void look(struct seen *seen, uid_t uid, const char *const *calls, bool without_user)
{
	struct run *r = &seen->inside, compiled;

	/* a change of user hides a process's files in /proc from it, until it runs another program */
	if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid) || prctl(PR_SET_DUMPABLE, 1)))
		_exit(99);
	forbid(calls, without_user);
	seen->check = cb_sandbox_check(NULL, NULL);
	run_inside(r, &limits);
	run_text(&compiled, clang, NULL, &limits, "int x;\n");
	seen->status = compiled.err ? compiled.err : compiled.end.status;
}

static void in_child(uid_t uid, const char *const *calls, bool without_user, unsigned layers, int check)
{
	enum { ROOM = 1 << 16 };
	struct seen *seen = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *text = (char *)(seen + 1);
	pid_t pid = fork();
	int status;

	if (!pid) {
		look(seen, uid, calls, without_user);
		snprintf(text, ROOM - sizeof(*seen), "%s", seen->inside.object);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(seen->check, check);
	assert_int_equal(seen->status, 0);
	seen->inside.object = text;
	seen->inside.messages = "";
	assert_inside(&seen->inside, layers);
	munmap(seen, ROOM);
}

static const char *const landlock_calls[] = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
					     NULL};
static const char *const nothing[] = {NULL};

static void without_landlock(void **state)
{
	in_child(0, landlock_calls, false, NAMESPACES, -EPERM);
}

static void without_user_namespaces(void **state)
{
	in_child(0, nothing, true, LANDLOCK | NAMESPACES, 0);
}

static void as_a_user(void **state)
{
	in_child(65533, nothing, false, LANDLOCK | NAMESPACES, 0);
}

static void as_a_user_without_namespaces(void **state)
{
	in_child(65533, nothing, true, LANDLOCK, 0);
}

static void as_a_user_without_all(void **state)
{
	in_child(65533, landlock_calls, true, 0, -EPERM);
}

/* ---- */

static int make(void **state)
{
	char path[128];
	struct cb_err e = {0};

	setenv("COOLBPF_TEST_SECRET", MARK, 1);
	strcpy(allowed, "/tmp/coolbpf-test-XXXXXX");
	strcpy(forbidden, "/tmp/coolbpf-test-XXXXXX");
	if (!mkdtemp(allowed) || !mkdtemp(forbidden) || chmod(allowed, 0777) || chmod(forbidden, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/good.h", allowed);
	cb_file_write(path, "#define X 12345\n", 16, 0644, NULL);
	snprintf(path, sizeof(path), "%s/scrap.h", allowed);
	cb_file_write(path, "", 0, 0644, NULL);
	snprintf(path, sizeof(path), "%s/bad.h", forbidden);
	cb_file_write(path, "#define X 12345\n", 16, 0644, NULL);
	snprintf(path, sizeof(path), "%s/link.h", allowed);
	if (symlink("/etc/passwd", path) || cb_clang_find(NULL, clang, sizeof(clang), NULL) ||
	    cb_clang_headers(clang, headers, &e) || cb_zygote_new(clang, NULL, &zygote, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	return 0;
}

static int drop(void **state)
{
	char command[256];

	cb_zygote_free(zygote);
	snprintf(command, sizeof(command), "rm -rf %s %s", allowed, forbidden);
	return system(command);
}

static int is_source(const struct dirent *d)
{
	return strstr(d->d_name, ".bpf.c") != NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_over),
		cmocka_unit_test(free_to_do_it),
		cmocka_unit_test(without_landlock),
		cmocka_unit_test(without_user_namespaces),
		cmocka_unit_test(as_a_user),
		cmocka_unit_test(as_a_user_without_namespaces),
		cmocka_unit_test(as_a_user_without_all),
		cmocka_unit_test(reads_what_it_may),
		cmocka_unit_test(reads_its_directories),
		cmocka_unit_test(waits_for_a_pipe),
		cmocka_unit_test(does_not_outlive_its_parent),
		cmocka_unit_test(writes_no_file),
		cmocka_unit_test(runs_nothing),
		cmocka_unit_test(shared_descriptor_stays),
	};
	enum { OWN = sizeof(tests) / sizeof(*tests) };
	struct dirent **sources;
	struct CMUnitTest *all;
	char dir[4096];
	int n, err;

	snprintf(dir, sizeof(dir), "%s/tests/compile/hostile", getenv("SRC") ? getenv("SRC") : ".");
	n = scandir(dir, &sources, is_source, alphasort);
	if (n <= 0) {
		fprintf(stderr, "no sources in %s\n", dir);
		return 1;
	}
	all = calloc((size_t)n + OWN, sizeof(*all));
	memcpy(all, tests, sizeof(tests));
	for (int i = 0; i < n; i++)
		all[OWN + i] = (struct CMUnitTest){
			.name = sources[i]->d_name, .test_func = hostile, .initial_state = sources[i]->d_name};
	cmocka_set_test_filter(getenv("ONLY"));
	err = _cmocka_run_group_tests("sandbox", all, (size_t)n + OWN, make, drop);
	for (int i = 0; i < n; i++)
		free(sources[i]);
	free(sources);
	free(all);
	return err;
}
