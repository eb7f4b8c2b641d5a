// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * agent_process.c - where a job's processes live, in the guest. See agent.h.
 *
 * A job has namespaces of its own for mounts, IPC and the host's name, so that what it leaves there goes with it. Not for
 * processes: the process ids that its programs and scripts know are those that BPF programs see. Nor for its network: tools are
 * to meet what they meet on a machine (only the first namespace has all of /proc/sys/net). What holds its processes together is
 * a cgroup, which also limits them.
 */
#include "lab/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/plan.h"

#define CGROUP "/sys/fs/cgroup/job"

static const int space_flags[SPACES] = {CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS};

enum {
	READY_FD = 3,
	OPEN_FILES = 4096,
	PROCESSES = 256,       /* where a job says nothing */
	OWN_MEMORY = 96 << 20, /* bytes that the agent and the kernel keep from a job that has no limit */
	ROOM_PART = 8,	       /* each of a job's file systems may take this part of the guest's memory */
	ROOM_KB = 64 << 10,    /* and so much, if that is less; what its files are comes on top */
	KILL_SECONDS = 5,
	ROOM_SECONDS = 30,
};

/* ---- The cgroup ------------------------------------------------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = cb_write_all(fd, text, strlen(text));
	close(fd);
	return err;
}

static int limit(const char *file, uint64_t value)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_file(path, text);
}

void agent_make_cgroup(struct job *j)
{
	uint64_t memory = j->spec->memory;

	if (!memory)
		memory = j->a->memory > 2ULL * OWN_MEMORY ? j->a->memory - OWN_MEMORY : j->a->memory / 2;
	mkdir(CGROUP, 0755);
	limit("memory.max", memory);
	limit("pids.max", j->spec->processes ? j->spec->processes : PROCESSES);
	j->cgroup = open(CGROUP "/cgroup.procs", O_WRONLY | O_CLOEXEC);
}

static void name_survivor(struct agent *a)
{
	FILE *f = fopen(CGROUP "/cgroup.procs", "re");
	char path[64], *comm = NULL;
	size_t len = 0;
	int pid = 0;

	if (f && fscanf(f, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		cb_file_read(path, 4096, &comm, &len, NULL);
	}
	if (f)
		fclose(f);
	agent_wants_boot(a, "process %d (%.*s) cannot be killed", pid, (int)(comm && len ? len - 1 : 0),
			 comm ? comm : "?");
	free(comm);
}

void agent_kill_all(struct job *j)
{
	uint64_t until = agent_now() + KILL_SECONDS * SECOND;

	/* nothing that forks is faster than us any more */
	limit("pids.max", 0);
	do {
		/* by process 1: all but itself, in whatever cgroup or session they are; each becomes its child and is reaped */
		kill(-1, SIGKILL);
		agent_turn(j, agent_now() + SECOND / 100);
	} while (!j->a->alone && agent_now() < until);
	if (!j->a->alone)
		name_survivor(j->a);
	if (j->cgroup >= 0)
		close(j->cgroup);
	j->cgroup = -1;
	/* busy for a moment behind the last process's end */
	while (j->a->alone && rmdir(CGROUP) && errno == EBUSY && agent_now() < until)
		agent_turn(j, agent_now() + SECOND / 100);
}

/* ---- Namespaces ------------------------------------------------------------------------------------------------------ */

static int enter(const int spaces[SPACES])
{
	for (int i = 0; i < SPACES; i++)
		if (setns(spaces[i], space_flags[i]))
			return -errno;
	return 0;
}

/* Process 1 makes them and goes back: whoever is in them may be killed at any time. */
static int make_spaces(struct job *j)
{
	static const char *const names[SPACES] = {"mnt", "ipc", "uts"};
	char path[64];
	int err = 0;

	for (int i = 0; i < SPACES && !err; i++) {
		if (unshare(space_flags[i]))
			return -errno;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		j->spaces[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (j->spaces[i] < 0)
			err = -errno;
	}
	if (enter(j->a->own))
		agent_wants_boot(j->a, "process 1 cannot return from a job's namespaces: %s", strerror(errno));
	return err;
}

static int furnish(struct job *j, const void *arg)
{
	char size[24];
	uint64_t kb = j->a->memory / ROOM_PART / 1024;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)(kb < ROOM_KB ? kb : ROOM_KB));
	if (enter(j->spaces)) {
		fprintf(stderr, "cannot enter the job's namespaces: %s\n", strerror(errno));
		return 1;
	}
	execl(CB_LAB_ROOM, CB_LAB_ROOM, j->spec->dir, size, j->spec->veth ? "veth" : NULL, (char *)NULL);
	fprintf(stderr, "cannot run " CB_LAB_ROOM ": %s\n", strerror(errno));
	return 1;
}

int agent_make_room(struct job *j)
{
	int err = make_spaces(j), status;

	if (err)
		return cb_fail(&j->message, -err, "cannot make namespaces: %s", strerror(-err));
	status = agent_help(j, furnish, NULL, ROOM_SECONDS * SECOND);
	if (status)
		return cb_fail(&j->message, EIO, "cannot make the job's directories%s: %s",
			       j->spec->veth ? " and network" : "",
			       j->note.len  ? cb_buf_cstr(&j->note)
			       : status < 0 ? "this took too long"
					    : "no reason is known");
	return 0;
}

static int delete_pair(struct job *j, const void *arg)
{
	execl("/bin/busybox", "busybox", "ip", "link", "del", "lab0", (char *)NULL);
	return 1;
}

void agent_drop_room(struct job *j)
{
	/* with it goes its other end; the module is then free to be removed */
	if (j->spec->veth && j->spaces[0] >= 0)
		agent_help(j, delete_pair, NULL, ROOM_SECONDS * SECOND);
	for (int i = 0; i < SPACES; i++) {
		if (j->spaces[i] >= 0)
			close(j->spaces[i]);
		j->spaces[i] = -1;
	}
}

/* ---- Processes ------------------------------------------------------------------------------------------------------- */

static void default_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

int agent_help(struct job *j, int (*fn)(struct job *, const void *), const void *arg, uint64_t timeout)
{
	uint64_t until;
	int note[2];

	j->note.len = 0;
	if (pipe2(note, O_CLOEXEC | O_NONBLOCK))
		return -1;
	j->helper = (struct child){.pid = fork()};
	if (!j->helper.pid) {
		default_signals();
		dup2(note[1], STDOUT_FILENO);
		dup2(note[1], STDERR_FILENO);
		_exit(fn(j, arg));
	}
	close(note[1]);
	j->note_fd = note[0];
	if (j->helper.pid < 0 || !agent_ends(j, &j->helper, agent_now() + timeout)) {
		if (j->helper.pid > 0)
			kill(j->helper.pid, SIGKILL);
		close(note[0]);
		j->note_fd = -1;
		return -1;
	}
	for (until = agent_now() + SECOND / 2; j->note_fd >= 0 && agent_now() < until;)
		agent_turn(j, until);
	if (j->note_fd >= 0)
		close(j->note_fd);
	j->note_fd = -1;
	while (j->note.len && j->note.data[j->note.len - 1] == '\n')
		j->note.len--;
	return WIFEXITED(j->helper.status) ? WEXITSTATUS(j->helper.status) : 128 + WTERMSIG(j->helper.status);
}

/* What a kernel without eBPF answers. */
static int refuse_bpf(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int err = ctx ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(bpf), 0);
	/* programs that gain rights by exec keep them: we are root */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

static void __attribute__((noreturn)) cannot(const char *what)
{
	dprintf(STDERR_FILENO, "coolbpf agent: cannot %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void run(struct job *j, const char *const *argv, const int fds[3])
{
	char *path;
	const struct rlimit files = {OPEN_FILES, OPEN_FILES}, none = {0, 0};

	dup2(fds[0], STDOUT_FILENO);
	dup2(fds[1], STDERR_FILENO);
	default_signals();
	setsid();
	setpriority(PRIO_PROCESS, 0, 0);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &none);
	if (j->cgroup >= 0 && write(j->cgroup, "0", 1) != 1)
		cannot("join the job's cgroup");
	errno = -enter(j->spaces);
	if (errno)
		cannot("enter the job's namespaces");
	if (chdir(j->spec->dir))
		cannot("go to the job's directory");
	if (asprintf(&path, "%s:%s", j->spec->dir, getenv("PATH")) < 0)
		cannot("set PATH");
	setenv("PATH", path, 1); /* the job's own programs come first */
	setenv("HOME", j->spec->dir, 1);
	setenv("TMPDIR", "/tmp", 1);
	setenv("TERM", "dumb", 1);
	setenv("COOLBPF_CONFIG", "/dev/null", 1);
	if (j->spec->no_ebpf) {
		errno = -refuse_bpf();
		if (errno)
			cannot("refuse bpf(2)");
	}
	/* last: the number may be one of the agent's, which are closed by exec */
	if (fds[2] >= 0 && dup2(fds[2], READY_FD) < 0)
		cannot("pass a descriptor");
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	cannot("run it");
}

/* Pipes for out and out + 1; the writing ends are in fds. */
static int open_streams(struct job *j, int out, int fds[2])
{
	for (int i = 0; i < 2; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC))
			return -errno;
		fcntl(p[0], F_SETFL, O_NONBLOCK);
		j->stream[out + i].fd = p[0];
		fds[i] = p[1];
	}
	return 0;
}

int agent_start(struct job *j, struct child *c, const char *const *argv, int out)
{
	int fds[3] = {-1, -1, -1}, ready[2], err = open_streams(j, out, fds);

	if (!err && out == OUT && j->spec->ready) {
		if (pipe2(ready, O_CLOEXEC)) {
			err = -errno;
		} else {
			fcntl(ready[0], F_SETFL, O_NONBLOCK);
			j->ready_fd = ready[0];
			fds[2] = ready[1];
		}
	}
	if (!err) {
		*c = (struct child){.pid = fork()};
		if (!c->pid)
			run(j, argv, fds);
		if (c->pid < 0) {
			err = -errno;
			c->pid = 0;
		}
	}
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return err ? cb_fail(&j->message, -err, "cannot start %s: %s", argv[0], strerror(-err)) : 0;
}
