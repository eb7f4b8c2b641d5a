// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* sandbox.c - see sandbox.h. */
#include "compile/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "compile/cage.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#endif

/* ---- files: Landlock */

enum {
	LANDLOCK_REFER = 2, /* the ABI that a right came with */
	LANDLOCK_TRUNCATE = 3,
	LANDLOCK_NET = 4,
	LANDLOCK_IOCTL = 5,
	LANDLOCK_SCOPES = 6,
	FS_RIGHTS_1 = 13, /* bits 0 to 12 are of the first ABI, then one each with REFER, TRUNCATE, IOCTL */
	READ_FILE = LANDLOCK_ACCESS_FS_READ_FILE,
	READ = READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	RUN = READ | LANDLOCK_ACCESS_FS_EXECUTE
};

/* As the newest kernel knows it; an older one is given its first part. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
}

/* All that can be forbidden is. */
static int create_ruleset(void)
{
	int abi = landlock_abi(), fd;
	unsigned rights = FS_RIGHTS_1;
	struct ruleset_attr attr = {0};
	size_t size = sizeof(attr.fs);

	if (abi < 1)
		return -EOPNOTSUPP;
	rights += (abi >= LANDLOCK_REFER) + (abi >= LANDLOCK_TRUNCATE) + (abi >= LANDLOCK_IOCTL);
	attr.fs = (1ULL << rights) - 1;
	if (abi >= LANDLOCK_NET) {
		attr.net = 3; /* bind, connect */
		size += sizeof(attr.net);
	}
	if (abi >= LANDLOCK_SCOPES) {
		attr.scoped = 3; /* abstract sockets, signals */
		size += sizeof(attr.scoped);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return fd < 0 ? -errno : fd;
}

/* What is below the directory, or the file itself. */
static int allow_fd(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
	if (!syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return 0;
	/* a memfd, or no file at all: Landlock has nothing against those */
	return errno == EBADFD ? 0 : -errno;
}

/* A directory that is not there gives nothing. */
static int allow_path(int ruleset, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	err = allow_fd(ruleset, fd, rights);
	close(fd);
	return err;
}

struct program_rules {
	int ruleset, err;
};

static void allow_program(void *ctx, const char *path)
{
	struct program_rules *p = ctx;

	if (!p->err)
		p->err = allow_path(p->ruleset, path, RUN);
}

/* Each absolute directory of a list with colons. */
static void add_list(const char *list, void (*add)(void *ctx, const char *path), void *ctx)
{
	char path[PATH_MAX];

	for (size_t len; list && *list; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		if (*list == '/' && (size_t)snprintf(path, sizeof(path), "%.*s", (int)len, list) < sizeof(path))
			add(ctx, path);
	}
}

void cb_sandbox_program(const char *clang, void (*add)(void *ctx, const char *path), void *ctx)
{
	static const char *const places[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
					     "/etc/ld.so.cache", "/nix", "/gnu",
					     /* malloc() asks whether there are huge pages */
					     "/sys/kernel/mm/transparent_hugepage"};
	char real[PATH_MAX], *slash;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		add(ctx, places[i]);
	add_list(getenv("LD_LIBRARY_PATH"), add, ctx);
	/* its own prefix: /opt/llvm for /opt/llvm/bin/clang, with /opt/llvm/lib */
	if (!realpath(clang, real))
		return;
	add(ctx, real);
	slash = strrchr(real, '/');
	if (slash > real && (size_t)(slash - real) + sizeof("/../lib") <= sizeof(real)) {
		strcpy(slash, "/../lib");
		add(ctx, real);
	}
}

int cb_sandbox_ruleset(const struct cb_job *job, bool exec, struct cb_err *e)
{
	int ruleset = create_ruleset(), err = 0;
	struct program_rules program = {.ruleset = ruleset};

	if (ruleset == -EOPNOTSUPP)
		return ruleset;
	if (ruleset < 0)
		return cb_fail(e, -ruleset, "cannot make a Landlock ruleset: %s", strerror(-ruleset));
	for (const char *const *p = job->sandbox->readable; p && *p && !err; p++)
		err = allow_path(ruleset, *p, READ);
	for (int i = 0; i < job->n && !err; i++)
		if (i != 1 && i != 2)
			err = allow_fd(ruleset, job->fds[i], READ);
	if (exec && !err) {
		cb_sandbox_program(job->clang, allow_program, &program);
		err = program.err;
	}
	if (!err)
		return ruleset;
	close(ruleset);
	return cb_fail(e, -err, "cannot fill a Landlock ruleset: %s", strerror(-err));
}

/* ---- resources */

unsigned cb_sandbox_limits(const struct cb_sandbox *s, struct cb_confine_limit limits[CB_SANDBOX_LIMITS])
{
	/* Soft is hard: SIGKILL at once, without clang's own handling of SIGXCPU. Threads are few; where there is no namespace
	 * for users, others of the same user count too. */
	const struct cb_confine_limit all[CB_SANDBOX_LIMITS] = {
		{RLIMIT_CPU, s->cpu_seconds}, {RLIMIT_AS, s->memory}, {RLIMIT_FSIZE, s->output},
		{RLIMIT_NOFILE, 128},	      {RLIMIT_NPROC, 1024},   {RLIMIT_CORE, 0},
		{RLIMIT_MEMLOCK, 0},	      {RLIMIT_MSGQUEUE, 0},   {RLIMIT_SIGPENDING, 64},
	};

	memcpy(limits, all, sizeof(all));
	return CB_SANDBOX_LIMITS;
}

static int reopen(int fd, int above, int *copy)
{
	int flags = fcntl(fd, F_GETFL), low;
	char path[32];
	struct stat st;

	if (flags < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || flags & O_PATH || (flags & O_ACCMODE) == O_RDONLY)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	low = open(path, O_RDONLY | O_CLOEXEC);
	if (low < 0)
		return -errno;
	*copy = fcntl(low, F_DUPFD_CLOEXEC, above);
	close(low);
	return *copy < 0 ? -errno : 1;
}

int cb_sandbox_descriptors(const struct cb_job *job, int *fds, bool *owned, struct cb_err *e)
{
	for (int i = 0; i < job->n; i++) {
		fds[i] = job->fds[i];
		owned[i] = false;
	}
	for (int i = 0; i < job->n; i++) {
		int copied = i == 1 || i == 2 ? 0 : reopen(job->fds[i], job->n + 1, &fds[i]);

		owned[i] = copied == 1;
		if (copied >= 0)
			continue;
		for (int k = 0; k < i; k++)
			if (owned[k])
				close(fds[k]);
		return cb_fail(e, -copied, "cannot open clang's descriptor %d for reading: %s", i, strerror(-copied));
	}
	return 0;
}

/* ---- good enough? */

/* What namespaces a process gets. */
static unsigned try_cage(struct cb_err *e)
{
	struct cb_cage cage;
	unsigned got = 0;
	pid_t pid;

	if (!cb_cage_plan(&cage, "/proc/self/exe", NULL, true, e)) {
		pid = cb_cage_fork(&cage);
		if (!pid)
			_exit(0);
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		got = pid > 0 ? cage.got : 0;
	}
	cb_cage_free(&cage);
	return got;
}

static void report(const struct cb_log *log, unsigned got)
{
	static const char *const names[] = {"users", "processes", "network", "IPC", "host names", "mounts"};
	char missing[128] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!(got >> i & 1)) {
			strcat(missing, *missing ? ", " : "");
			strcat(missing, names[i]);
		}
	if (*missing)
		cb_say(log, CB_WARN, "a compile does not get namespaces of its own for: %s", missing);
}

int cb_sandbox_check(const struct cb_log *log, struct cb_err *e)
{
	report(log, try_cage(e));
	if (landlock_abi() < 1)
		return cb_fail(e, EPERM,
			       "this kernel cannot keep a compiler away from files: it has no Landlock (Linux 5.13, "
			       "CONFIG_SECURITY_LANDLOCK, and \"landlock\" in the list lsm= when it has one)");
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ||
	    (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno != EFAULT))
		return cb_fail(e, EPERM,
			       "this kernel cannot keep a compiler from making system calls: it has no seccomp filters "
			       "(CONFIG_SECCOMP_FILTER)");
	return 0;
}
