// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_guest.c - jobs in real guests: well-behaved ones and those that do what they can to harm the ones behind them; guests
 * that panic, do not boot, or lose the process that started them.
 */
#include "guests.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static struct cb_lab_kernels kernels;

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SH(text)   WORDS("sh", "-c", text)

static bool has(const struct cb_lab_text *t, const char *text)
{
	return t->s && memmem(t->s, t->len, text, strlen(text));
}

#define assert_has(t, text)                                                                                            \
	do {                                                                                                           \
		if (!has(t, text))                                                                                     \
			fail_msg("\"%s\" is not in: %s", text, (t)->s ? (t)->s : "(nothing)");                         \
	} while (0)

static bool exited(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void assert_ended(const struct cb_lab_outcome *o, int code)
{
	if (o->end != CB_LAB_ENDED || !exited(o->status, code))
		fail_msg("end %d, status %#x, message: %s, out: %s, err: %s", o->end, (unsigned int)o->status,
			 o->message ? o->message : "-", o->out.s ? o->out.s : "-", o->err.s ? o->err.s : "-");
}

/* An object of a tool, made by the command under test. */
static void build_tool(const char *source, const char *object)
{
	char command[4096];

	snprintf(command, sizeof(command), "\"$COOLBPF\" build \"$SRC/%s\" -o %s", source, object);
	assert_int_equal(system(command), 0);
}

/* ---- Many jobs in one guest ------------------------------------------------------------------------------------------ */

enum {
	STREAMS,
	EXIT_3,
	PIDS,
	WORKLOAD_FAILS,
	SLEEPS,
	WORKLOAD_SLEEPS,
	BOMB,
	ALONE,
	MEMORY,
	DISK,
	CLEAN,
	FLOOD,
	VETH,
	NO_VETH,
	DOCTOR,
	NO_EBPF,
	TOOL,
	TOOL_FAILS,
	WARNS,
	BAD_MODULE,
	UNKNOWN_SYMBOL,
	DAMAGES_PORT,
	KILLS,
	LEAVES_PROBE,
	BEHIND,
	MANY_JOBS
};

static struct cb_lab_job many_jobs[MANY_JOBS] = {
	[STREAMS] = {.argv = SH("echo one; echo two >&2; pwd; cat given")},
	[EXIT_3] = {.argv = SH("exit 3")},
	/* /proc is that of the whole guest: what BPF programs say of processes can be looked up */
	[PIDS] = {.argv = SH("readlink /proc/$$/cwd; cat /proc/1/comm")},
	[WORKLOAD_FAILS] = {.argv = SH("sleep 1000000"), .workload = "echo seen\nfalse\necho not seen\n"},
	[SLEEPS] = {.argv = SH("trap '' INT; echo begun; sleep 1000000"), .timeout = 5 * SEC},
	[WORKLOAD_SLEEPS] = {.argv = SH("sleep 1000000"), .workload = "sleep 1000000", .duration = SEC},
	[BOMB] = {.argv = SH("bomb() { bomb | bomb & }; bomb; sleep 1000000"), .processes = 50, .timeout = 6 * SEC},
	[ALONE] = {.argv = SH("for d in /proc/[0-9]*; do "
			      "[ -z \"$(tr -d '\\0' <$d/cmdline)\" ] || echo process; done")},
	[MEMORY] = {.argv = SH("tail /dev/zero"), .memory = 32 << 20},
	[DISK] = {.argv = SH("dd if=/dev/zero of=fill bs=1M; dd if=/dev/zero of=/tmp/fill bs=1M; "
			     "dd if=/dev/zero of=/bin/fill; echo still here")},
	[CLEAN] = {.argv = SH("ls /tmp; df -k /tmp | awk 'END { print $3 }'")},
	[FLOOD] = {.argv = SH("yes 0123456789abcde"), .duration = 3 * SEC, .output = 64 << 10},
	[VETH] = {.argv = SH("ping -c 1 10.77.0.2 && peer ping -c 1 lab0"), .veth = true},
	[NO_VETH] = {.argv = SH("cat /proc/net/dev; lsmod")},
	[DOCTOR] = {.argv = WORDS("coolbpf", "doctor", "-o", "json")},
	[NO_EBPF] = {.argv = WORDS("coolbpf", "doctor", "-o", "json"), .no_ebpf = true},
	[TOOL] = {.argv = WORDS("coolbpf", "run", "/lab/execsnoop.bpf.o", "-o", "json"),
		  .ready = true,
		  .workload = "/bin/busybox true & echo PID=$!; wait",
		  .settle = SEC / 2},
	[TOOL_FAILS] = {.argv = WORDS("coolbpf", "run", "/lab/none.bpf.o"), .ready = true, .workload = "echo ran"},
	[WARNS] = {.argv = SH("echo '<6>WARNING: only information' >/dev/kmsg; "
			      "echo '<4>WARNING: at the test' >/dev/kmsg; echo '<3>an error' >/dev/kmsg")},
	[BAD_MODULE] = {.argv = SH("echo ran"), .insmod = WORDS("/lab/bad.ko")},
	/* what it needs is not inserted */
	[UNKNOWN_SYMBOL] = {.argv = SH("echo ran"), .insmod = WORDS("/lab/geneve.ko")},
	[DAMAGES_PORT] =
		{.argv = SH(
			 "for p in ttyS0 ttyS1; do i=0; while [ $i -lt 5 ]; do "
			 "echo '@lab 0123456789abcdef {\"t\":\"bye\"}' >/dev/$p; i=$((i + 1)); done; done; echo done")},
	[KILLS] = {.argv = SH("kill -9 1; kill -9 -1; echo ran on")},
	[LEAVES_PROBE] = {.argv = SH("echo 'p:lab_left do_exit' >>/sys/kernel/tracing/kprobe_events")},
	[BEHIND] = {.argv = SH("echo ran")},
};

static unsigned int count(const struct cb_lab_text *t, const char *text)
{
	unsigned int n = 0;

	for (const char *p = t->s; (p = strstr(p, text)); p++)
		n++;
	return n;
}

static void check_well_behaved(const struct cb_lab_outcome *o)
{
	assert_ended(&o[STREAMS], 0);
	assert_string_equal(o[STREAMS].out.s, "one\n/lab/0\nbytes\n");
	assert_string_equal(o[STREAMS].err.s, "two\n");
	assert_int_equal(o[STREAMS].work_status, -1);
	assert_false(o[STREAMS].warned);
	assert_int_equal(o[STREAMS].left, 0);
	assert_true(o[STREAMS].total_ns > 0);
	assert_null(o[STREAMS].message);
	assert_ended(&o[EXIT_3], 3);
	assert_ended(&o[PIDS], 0);
	assert_string_equal(o[PIDS].out.s, "/lab/2\ninit\n");
	assert_int_equal(o[WORKLOAD_FAILS].end, CB_LAB_ENDED);
	assert_true(exited(o[WORKLOAD_FAILS].work_status, 1));
	assert_string_equal(o[WORKLOAD_FAILS].work_out.s, "seen\n");
	/* ended by our SIGINT */
	assert_true(WIFSIGNALED(o[WORKLOAD_FAILS].status) && WTERMSIG(o[WORKLOAD_FAILS].status) == SIGINT);
}

static void check_harmful(const struct cb_lab_outcome *o)
{
	assert_int_equal(o[SLEEPS].end, CB_LAB_TIMEOUT);
	assert_string_equal(o[SLEEPS].out.s, "begun\n");
	assert_non_null(strstr(o[SLEEPS].message, "did not end"));
	assert_int_equal(o[WORKLOAD_SLEEPS].end, CB_LAB_ENDED);
	assert_true(WIFSIGNALED(o[WORKLOAD_SLEEPS].work_status));
	assert_int_equal(o[BOMB].end, CB_LAB_TIMEOUT);
	assert_has(&o[BOMB].err, "fork");
	/* process 1, the shell, and what it has started to ask */
	assert_ended(&o[ALONE], 0);
	assert_in_range(count(&o[ALONE].out, "process"), 2, 3);
	assert_true(!exited(o[MEMORY].status, 0));
	assert_has(&o[MEMORY].kmsg, "Memory cgroup out of memory");
	assert_false(o[MEMORY].warned);
	assert_ended(&o[DISK], 0);
	assert_has(&o[DISK].err, "No space left on device");
	assert_has(&o[DISK].err, "Read-only file system");
	assert_string_equal(o[DISK].out.s, "still here\n");
	assert_ended(&o[CLEAN], 0);
	assert_string_equal(o[CLEAN].out.s, "0\n");
	assert_ended(&o[KILLS], 0);
	assert_has(&o[KILLS].out, "ran on");
}

static void check_flood(const struct cb_lab_outcome *o)
{
	assert_int_equal(o->end, CB_LAB_ENDED);
	assert_true(o->out.cut > 100000);
	assert_in_range(o->out.len, 60 << 10, 64 << 10);
	/* whole lines are cut out */
	assert_int_equal(o->out.len % 16, 0);
	assert_int_equal(o->out.cut % 16, 0);
	for (size_t i = 0; i < o->out.len; i += 16)
		assert_memory_equal(o->out.s + i, "0123456789abcde\n", 16);
}

static void check_kernel_side(const struct cb_lab_outcome *o)
{
	assert_ended(&o[VETH], 0);
	assert_int_equal(count(&o[VETH].out, "1 packets received"), 2);
	assert_ended(&o[NO_VETH], 0);
	assert_false(has(&o[NO_VETH].out, "lab0"));
	assert_false(has(&o[NO_VETH].out, "veth"));
	assert_has(&o[NO_EBPF].out, "this kernel has no eBPF: it has no bpf() system call");
	assert_false(has(&o[DOCTOR].out, "no bpf() system call"));
	assert_true(o[WARNS].warned);
	assert_string_equal(o[WARNS].kmsg.s, "WARNING: at the test\nan error\n");
	assert_int_equal(o[BAD_MODULE].end, CB_LAB_SETUP);
	assert_non_null(strstr(o[BAD_MODULE].message, "/lab/bad.ko"));
	assert_non_null(strstr(o[BAD_MODULE].message, "Exec format error"));
	assert_int_equal(o[BAD_MODULE].out.len, 0);
	assert_int_equal(o[UNKNOWN_SYMBOL].end, CB_LAB_SETUP);
	assert_non_null(strstr(o[UNKNOWN_SYMBOL].message, "Unknown symbol"));
	assert_ended(&o[DAMAGES_PORT], 0);
	assert_int_equal(o[LEAVES_PROBE].left, 1);
}

static void check_tool(const struct cb_lab_outcome *o)
{
	char pid[64];

	assert_ended(&o[TOOL], 0);
	assert_true(o[TOOL].ready_ns > 0 && o[TOOL].ready_ns < o[TOOL].total_ns);
	assert_true(exited(o[TOOL].work_status, 0));
	assert_int_equal(strncmp(o[TOOL].work_out.s, "PID=", 4), 0);
	snprintf(pid, sizeof(pid), "\"pid\":%d,", atoi(o[TOOL].work_out.s + 4));
	assert_has(&o[TOOL].out, pid);
	assert_has(&o[TOOL].out, "/bin/busybox true");
	assert_ended(&o[TOOL_FAILS], 1);
	assert_int_equal(o[TOOL_FAILS].ready_ns, 0);
	assert_int_equal(o[TOOL_FAILS].work_status, -1);
	assert_int_equal(o[TOOL_FAILS].work_out.len, 0);
}

/* The modules that veth needs, as files of the guest; returns their number. */
static size_t put_modules(const struct cb_lab_kernel *k, struct cb_lab_kos *kos, struct cb_lab_file *files,
			  const char **paths, char (*names)[64])
{
	struct cb_err e = {0};

	if (cb_lab_modules(k, "veth", kos, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < kos->n; i++) {
		snprintf(names[i], 64, "/lab/%s.ko", kos->ko[i].name);
		paths[i] = names[i];
		files[i] = (struct cb_lab_file){.path = names[i], .data = kos->ko[i].data, .len = kos->ko[i].len};
	}
	paths[kos->n] = NULL;
	return kos->n;
}

static void many_jobs_in_one_guest(void **state)
{
	static char names[8][64];
	static struct guest_run r;
	const char *veth[8], *object = "test_guest_execsnoop.bpf.o";
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);
	struct cb_lab_job *jobs = many_jobs;
	struct cb_lab_kos kos = {0}, geneve = {0};
	struct cb_lab_file files[16] = {
		{.path = "/lab/0/given", .data = "bytes\n", .len = 6},
		{.path = "/lab/bad.ko", .data = "no module", .len = 9},
		{.path = "/lab/execsnoop.bpf.o", .host = object},
	};
	char dirs[MANY_JOBS][16];

	build_tool("tools/execsnoop.bpf.c", object);
	r = (struct guest_run){.opts = {.files = files, .jobs = jobs, .n_jobs = MANY_JOBS}};
	assert_int_equal(cb_lab_modules(&k, "geneve", &geneve, NULL), 0);
	assert_true(geneve.n > 1);
	files[3] = (struct cb_lab_file){
		.path = "/lab/geneve.ko", .data = geneve.ko[geneve.n - 1].data, .len = geneve.ko[geneve.n - 1].len};
	r.opts.n_files = 4 + put_modules(&k, &kos, files + 4, veth, names);
	jobs[VETH].insmod = veth;
	for (int i = 0; i < MANY_JOBS; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "/lab/%d", i);
		jobs[i].dir = jobs[i].name = dirs[i];
	}
	start_guest(&r, &k);
	drive(&r);
	unlink(object);
	if (r.state != CB_LAB_GUEST_DONE)
		fail_msg("state %d: %s", r.state, cb_lab_guest_why(r.g));
	assert_true(cb_lab_guest_boot_ns(r.g) > 0);
	for (int i = 0; i < MANY_JOBS; i++) {
		assert_int_equal(r.begun[i], i != BEHIND);
		assert_int_equal(r.ended[i], 1);
	}
	check_well_behaved(r.outcome);
	check_harmful(r.outcome);
	check_flood(&r.outcome[FLOOD]);
	check_kernel_side(r.outcome);
	check_tool(r.outcome);
	/* the probe that was left asked for a new boot */
	assert_int_equal(r.outcome[BEHIND].end, CB_LAB_NOT_RUN);
	assert_non_null(strstr(r.outcome[BEHIND].message, "left behind"));
	end_guest(&r);
	cb_lab_kos_free(&kos);
	cb_lab_kos_free(&geneve);
}

/* ---- Guests that end --------------------------------------------------------------------------------------------------- */

static void a_panic_loses_its_own_job_only(void **state)
{
	struct cb_lab_job jobs[] = {
		{.name = "good", .argv = SH("echo good"), .dir = "/lab/0"},
		{.name = "panics",
		 .argv = SH("echo before; sleep 1; echo c >/proc/sysrq-trigger; sleep 1000"),
		 .dir = "/lab/1"},
		{.name = "behind", .argv = SH("echo never"), .dir = "/lab/2"},
	};
	struct guest_run r = {.opts = {.jobs = jobs, .n_jobs = 3}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);

	start_guest(&r, &k);
	drive(&r);
	assert_int_equal(r.state, CB_LAB_GUEST_LOST);
	assert_ended(&r.outcome[0], 0);
	assert_int_equal(r.outcome[1].end, CB_LAB_PANIC);
	assert_string_equal(r.outcome[1].out.s, "before\n");
	assert_non_null(strstr(r.outcome[1].message, "sysrq triggered crash"));
	assert_non_null(strstr(r.outcome[1].console, "Kernel panic"));
	assert_int_equal(r.outcome[2].end, CB_LAB_NOT_RUN);
	assert_int_equal(r.begun[2], 0);
	assert_non_null(strstr(cb_lab_guest_why(r.g), "Kernel panic"));
	end_guest(&r);
}

static void a_kernel_that_does_not_boot_says_why(void **state)
{
	struct cb_lab_job job = {.name = "never", .argv = SH("echo never"), .dir = "/lab/0"};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1, .append = "rdinit=/nowhere root=/dev/nothing"}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);

	start_guest(&r, &k);
	drive(&r);
	assert_int_equal(r.state, CB_LAB_GUEST_NO_BOOT);
	assert_non_null(strstr(cb_lab_guest_why(r.g), "panicked while it booted"));
	assert_int_equal(r.outcome[0].end, CB_LAB_NOT_RUN);
	assert_int_equal(cb_lab_guest_boot_ns(r.g), 0);
	end_guest(&r);
}

static void a_kernel_without_serial_ports_is_told(void **state)
{
	struct cb_lab_job job = {.name = "never", .argv = SH("echo never"), .dir = "/lab/0"};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1, .append = "8250.nr_uarts=0"}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);

	if (strcmp(k.arch, "x86_64"))
		skip_because("only x86's serial ports can be switched off so");
	start_guest(&r, &k);
	drive(&r);
	assert_int_equal(r.state, CB_LAB_GUEST_NO_BOOT);
	assert_non_null(strstr(cb_lab_guest_why(r.g), "without a word"));
	end_guest(&r);
}

/* The process id of a child of ours' that is qemu, or 0. */
static pid_t find_qemu(pid_t parent)
{
	char path[64], name[256];
	pid_t pid = 0, child;
	FILE *f, *c;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", child);
		c = fopen(path, "re");
		if (c && fgets(name, sizeof(name), c) && !strncmp(name, "qemu", 4))
			pid = child;
		if (c)
			fclose(c);
	}
	if (f)
		fclose(f);
	return pid;
}

static void nothing_is_left_of_a_guest_whose_host_was_killed(void **state)
{
	struct cb_lab_job job = {.name = "sleeps", .argv = SH("sleep 1000"), .dir = "/lab/0", .timeout = 100 * SEC};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);
	int ready[2], i;
	pid_t host, qemu;
	char c;

	assert_int_equal(pipe(ready), 0);
	host = fork();
	if (!host) {
		start_guest(&r, &k);
		if (write(ready[1], "", 1) == 1)
			drive(&r);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	/* between fork and exec it has another name */
	for (i = 0; i < 3000 && !(qemu = find_qemu(host)); i++)
		usleep(20000);
	assert_int_not_equal(qemu, 0);
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	for (i = 0; i < 3000 && !kill(qemu, 0); i++)
		usleep(20000);
	assert_int_equal(kill(qemu, 0), -1);
	assert_int_equal(errno, ESRCH);
	close(ready[0]);
	close(ready[1]);
}

static void a_guest_that_is_silent_hangs(void **state)
{
	struct cb_lab_job jobs[] = {
		{.name = "stopped", .argv = SH("echo begun; sleep 1000"), .dir = "/lab/0", .timeout = 300 * SEC},
		{.name = "behind", .argv = SH("echo never"), .dir = "/lab/1"},
	};
	struct guest_run r = {.opts = {.jobs = jobs, .n_jobs = 2}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);

	if (!getenv("COOLBPF_SLOW"))
		skip_because("it takes half a minute; COOLBPF_SLOW=1 (as make check sets it) runs it");
	start_guest(&r, &k);
	while (r.g && r.state == CB_LAB_GUEST_RUNS && !r.begun[0])
		drive_once(&r);
	kill(find_qemu(getpid()), SIGSTOP);
	drive(&r);
	assert_int_equal(r.state, CB_LAB_GUEST_LOST);
	assert_int_equal(r.outcome[0].end, CB_LAB_HANG);
	assert_non_null(strstr(r.outcome[0].message, "did not answer"));
	assert_int_equal(r.outcome[1].end, CB_LAB_NOT_RUN);
	end_guest(&r);
}

/* ---- Guests that are not begun ----------------------------------------------------------------------------------------- */

static void files_that_do_not_fit_are_named(void **state)
{
	struct cb_lab_job job = {.name = "never", .argv = SH("echo never"), .dir = "/lab/0"};
	size_t len = 100 << 20;
	char *zeros = calloc(1, len);
	struct cb_lab_file big = {.path = "/lab/0/big", .data = zeros, .len = len};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1, .files = &big, .n_files = 1, .memory = 256 << 20}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);

	start_guest(&r, &k);
	assert_null(r.g);
	assert_int_equal(errno, EFBIG);
	assert_non_null(strstr(r.err.text, "the largest: /lab/0/big (104.9 MB)"));
	free(zeros);
}

static void what_is_no_kernel_is_refused(void **state)
{
	struct cb_lab_job job = {.name = "never", .argv = SH("echo never"), .dir = "/lab/0"};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1}};
	struct cb_lab_kernel k = {.name = "no kernel", .arch = "x86_64", .image = "/proc/self/exe"};

	start_guest(&r, &k);
	assert_null(r.g);
	assert_int_equal(errno, ENOEXEC);
	assert_non_null(strstr(r.err.text, "/proc/self/exe is no kernel image for x86_64"));
}

static void without_qemu_the_package_is_named(void **state)
{
	struct cb_lab_job job = {.name = "never", .argv = SH("echo never"), .dir = "/lab/0"};
	struct guest_run r = {.opts = {.jobs = &job, .n_jobs = 1}};
	struct cb_lab_kernel k = pick_kernel_for(this_arch(), &kernels);
	char *path = strdup(getenv("PATH"));

	setenv("PATH", "/nowhere", 1);
	start_guest(&r, &k);
	setenv("PATH", path, 1);
	free(path);
	assert_null(r.g);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(r.err.text, "package is qemu-system-"));
}

static int free_kernels(void **state)
{
	cb_lab_kernels_free(&kernels);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(many_jobs_in_one_guest, free_kernels),
		cmocka_unit_test_teardown(a_panic_loses_its_own_job_only, free_kernels),
		cmocka_unit_test_teardown(a_kernel_that_does_not_boot_says_why, free_kernels),
		cmocka_unit_test_teardown(a_kernel_without_serial_ports_is_told, free_kernels),
		cmocka_unit_test_teardown(nothing_is_left_of_a_guest_whose_host_was_killed, free_kernels),
		cmocka_unit_test_teardown(a_guest_that_is_silent_hangs, free_kernels),
		cmocka_unit_test_teardown(files_that_do_not_fit_are_named, free_kernels),
		cmocka_unit_test(what_is_no_kernel_is_refused),
		cmocka_unit_test_teardown(without_qemu_the_package_is_named, free_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
