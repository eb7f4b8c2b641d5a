// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * agent.c - process 1 of a guest: prepares it, runs the jobs of its plan one after another, reboots (which ends qemu).
 *
 * See agent.h for its parts and wire.h for what it says.
 */
#include "lab/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/plan.h"
#include "lab/wire.h"

enum { PLAN_MAX = 64 << 20, NICE = -10 /* to say that it lives even when a job takes every processor */ };

uint64_t agent_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void agent_say(struct agent *a, json_t *message)
{
	a->line.len = 0;
	if (message && cb_wire_frame(&a->line, message))
		cb_write_all(a->port, a->line.data, a->line.len);
	json_decref(message);
}

void agent_wants_boot(struct agent *a, const char *fmt, ...)
{
	va_list ap;

	if (*a->why)
		return;
	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
}

/* What a kernel does not have stays away: who needs it says so. */
static void mount_all(void)
{
	static const struct {
		const char *type, *dir, *options;
	} mounts[] = {
		{"devtmpfs", "/dev", "mode=755"},
		{"proc", "/proc", NULL},
		{"sysfs", "/sys", NULL},
		{"devpts", "/dev/pts", "mode=620,ptmxmode=666"},
		{"tmpfs", "/dev/shm", "mode=1777"},
		{"cgroup2", "/sys/fs/cgroup", NULL},
		{"bpf", "/sys/fs/bpf", "mode=700"},
		{"tracefs", "/sys/kernel/tracing", NULL},
		{"debugfs", "/sys/kernel/debug", NULL},
		{"securityfs", "/sys/kernel/security", NULL},
		{"tmpfs", "/run", "mode=755"},
		{"tmpfs", "/tmp", "mode=1777"},
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		if (!strncmp(mounts[i].dir, "/dev/", 5))
			mkdir(mounts[i].dir, 0755);
		mount(mounts[i].type, mounts[i].dir, mounts[i].type, MS_NOSUID, mounts[i].options);
	}
	/* as every system has it */
	symlink("/proc/self/fd", "/dev/fd");
	symlink("fd/0", "/dev/stdin");
	symlink("fd/1", "/dev/stdout");
	symlink("fd/2", "/dev/stderr");
}

static void run(const char *const *argv)
{
	pid_t pid = fork();

	if (!pid) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void use_busybox(void)
{
	run((const char *const[]){"/bin/busybox", "--install", "-s", "/bin", NULL});
	run((const char *const[]){"/bin/busybox", "ip", "link", "set", "lo", "up", NULL});
}

/* Bytes as they are, both ways. */
static int open_port(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return fd;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

static void __attribute__((noreturn)) end_guest(struct agent *a)
{
	if (a->port >= 0)
		tcdrain(a->port);
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* Said on the console, which is all that is left to say it on. */
static void __attribute__((noreturn)) give_up(struct agent *a, const char *what)
{
	dprintf(STDERR_FILENO, "coolbpf agent: %s\n", what);
	end_guest(a);
}

static void prepare(struct agent *a)
{
	static const char *const spaces[SPACES] = {"mnt", "ipc", "uts"};
	struct sysinfo info;
	sigset_t child;
	char path[64];
	int controllers, null;

	mount_all();
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	close(null);
	use_busybox();
	/* of its own, as unshare() for mounts wants it: the kernel's threads have it too, and newer ones warn */
	unshare(CLONE_FS);
	setpriority(PRIO_PROCESS, 0, NICE);
	sethostname("lab", 3);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	/* each job has a cgroup of its own below; a kernel may have one of them only */
	controllers = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
	if (controllers >= 0) {
		for (int i = 0; i < 2; i++)
			cb_write_all(controllers, i ? "+pids" : "+memory", i ? 5 : 7);
		close(controllers);
	}
	a->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	a->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	for (int i = 0; i < SPACES; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i]);
		a->own[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	sysinfo(&info);
	a->memory = (uint64_t)info.totalram * info.mem_unit;
}

int cb_lab_agent(void)
{
	struct agent a = {.port = -1, .kmsg = -1, .signals = -1};
	struct cb_err e = {0};
	struct cb_lab_plan plan;
	char *text = NULL;
	struct utsname u;
	size_t len = 0;

	prepare(&a);
	if (cb_file_read(CB_LAB_PLAN, PLAN_MAX, &text, &len, &e) || cb_lab_plan_read(&plan, text, len, &e))
		give_up(&a, e.text);
	a.port = open_port(plan.port);
	if (a.port < 0)
		give_up(&a, "cannot open the serial port: has this kernel its driver?");
	uname(&u);
	agent_say(&a, json_pack("{ss ss}", "t", "hello", "release", u.release));
	agent_note_state(&a);
	for (size_t i = 0; i < plan.n && !*a.why; i++) {
		agent_say(&a, json_pack("{ss sI}", "t", "begin", "job", (json_int_t)i));
		agent_read_kmsg(&a, NULL);
		agent_run_job(&a, &plan.jobs[i], i);
	}
	agent_say(&a, *a.why ? json_pack("{ss ss}", "t", "bye", "why", a.why) : json_pack("{ss}", "t", "bye"));
	end_guest(&a);
}
