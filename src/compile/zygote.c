// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * zygote.c - a clang that waits before main(), and jobs for it: see zygote.h.
 *
 *   coolbpf --(memfd, LD_PRELOAD)--> clang + preload.c: waits; forks --> a child waits for a job --> main() of clang
 *      |---- job: arguments, descriptors, limits, sandbox -----------------^                            |
 *      '<--- end: status, CPU time ----------------------------^-------------------------- is gone -----'
 *
 * A job that must be ended early takes its zygote with it, and the next job starts another: that happens after seconds of
 * CPU time, a new zygote costs less than a tenth of one.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "compile/cage.h"
#include "compile/job.h"
#include "compile/preload/preload.h"
#include "compile/sandbox.h"

extern const unsigned char cb_preload_so[];
extern const size_t cb_preload_so_len;
extern const unsigned char cb_warm_c[]; /* preload/warm.bpf.c */
extern const size_t cb_warm_c_len;

enum { START_MS = 20000, /* for clang to reach its main(): a cold disk, a busy machine */ END_MS = 2000 };

struct cb_zygote {
	char clang[PATH_MAX];
	const struct cb_log *log;
	pid_t pid;   /* 0: not started */
	int socket;  /* -1: none */
	bool warm;   /* it has done its first job, see warm() */
	char *caged; /* directories that its cage shows, each with its zero, and one more; NULL: it is free */
	struct cb_sandbox_filter filter;
};

/* ---- start and end */

static void stop(struct cb_zygote *z)
{
	if (z->socket >= 0)
		close(z->socket);
	z->socket = -1;
	if (z->pid) {
		kill(z->pid, SIGKILL);
		while (waitpid(z->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	z->pid = 0;
	z->warm = false;
	free(z->caged);
	z->caged = NULL;
}

/* The library as a file without a name, in clang's place for it. */
static int library_file(struct cb_err *e)
{
	int fd = cb_file_nameless("coolbpf-preload.so");
	int err = fd < 0 ? fd : cb_write_all(fd, cb_preload_so, cb_preload_so_len);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return cb_fail(e, -err, "cannot make a temporary file: %s", strerror(-err));
}

/* Which cage the zygote is in: its directories, or nothing. */
static bool is_for(const struct cb_zygote *z, const struct cb_job *job)
{
	const char *at = z->caged;
	const char *const *p = job->sandbox ? job->sandbox->readable : NULL;

	if (!job->sandbox || !at)
		return !job->sandbox && !at;
	for (; p && *p; p++, at += strlen(at) + 1)
		if (strcmp(at, *p))
			return false;
	return !*at;
}

static char *list_of(const char *const *paths)
{
	struct cb_buf b = {0};

	for (; paths && *paths; paths++)
		cb_buf_add(&b, *paths, strlen(*paths) + 1);
	cb_buf_ch(&b, '\0');
	if (!b.failed)
		return b.data;
	cb_buf_free(&b);
	return NULL;
}

/* What clang gets, above its descriptors: nothing to read, our library, its end of the socket. */
enum { NOTHING, LIBRARY, SOCKET, GIVEN };

/* In the child: only what is safe after fork() in a program with threads. */
static void become_clang(const struct cb_zygote *z, const char *path, const int *fds, char *const *env)
{
	char *const argv[] = {(char *)z->clang, NULL};
	sigset_t none;

	sigemptyset(&none);
	cb_job_signals(&none);
	setsid(); /* a terminal's signals are for coolbpf, which ends its zygote in its own time */
	for (int i = 0; i < 3; i++)
		if (dup2(fds[NOTHING], i) < 0)
			_exit(126);
	if (dup2(fds[LIBRARY], CB_ZYGOTE_LIBRARY) < 0 || dup2(fds[SOCKET], CB_ZYGOTE_SOCKET) < 0)
		_exit(126);
	execve(path, argv, env);
	_exit(127);
}

static int say_hello(struct cb_zygote *z, struct cb_err *e)
{
	struct pollfd ready = {.fd = z->socket, .events = POLLIN};
	struct cb_zygote_hello hello;
	int n;

	do
		n = poll(&ready, 1, START_MS);
	while (n < 0 && errno == EINTR);
	if (n > 0 && recv(z->socket, &hello, sizeof(hello), 0) == sizeof(hello) && hello.magic == CB_ZYGOTE_MAGIC)
		return 0;
	return cb_fail(e, ENOTSUP, "%s cannot wait before its main(): each compile starts it anew", z->clang);
}

/* The child of a free zygote, or one in a cage. */
static pid_t fork_child(struct cb_zygote *z, const struct cb_job *job, struct cb_cage *cage, struct cb_err *e)
{
	pid_t pid;
	int err;

	if (!job || !job->sandbox) {
		pid = fork();
		return pid < 0 ? cb_fail(e, errno, "cannot start %s: %s", z->clang, strerror(errno)) : pid;
	}
	err = cb_cage_plan(cage, z->clang, job->sandbox->readable, true, e);
	if (err)
		return err;
	z->caged = list_of(job->sandbox->readable);
	pid = z->caged ? cb_cage_fork(cage) : -ENOMEM;
	return pid < 0 ? cb_fail(e, -pid, "cannot start %s in a sandbox: %s", z->clang, strerror(-pid)) : pid;
}

static int start_with(struct cb_zygote *z, const struct cb_job *job, const int *fds, struct cb_err *e)
{
	static char preload[] = "LD_PRELOAD=/proc/self/fd/3", on[] = CB_ZYGOTE_VARIABLE "=1", bind[] = "LD_BIND_NOW=1",
		    heap[] = CB_JOB_TUNABLES;
	char *const extra[] = {preload, on, bind, heap, NULL};
	struct cb_cage cage = {0};
	char *env[CB_JOB_ENV];
	pid_t pid;

	cb_job_env(env, extra);
	pid = fork_child(z, job, &cage, e);
	if (!pid)
		become_clang(z, *cage.clang ? cage.clang : z->clang, fds, env);
	cb_cage_free(&cage);
	if (pid < 0)
		return pid;
	z->pid = pid;
	cb_say(z->log, CB_DEBUG, "%s waits as process %d%s", z->clang, pid, z->caged ? ", in a sandbox" : "");
	return 0;
}

static void close_all(int *fds)
{
	for (int i = 0; i < GIVEN; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Also z->socket. */
static int open_given(struct cb_zygote *z, int *fds, struct cb_err *e)
{
	int pair[2], err = 0;

	fds[LIBRARY] = library_file(e);
	if (fds[LIBRARY] < 0)
		return fds[LIBRARY];
	fds[NOTHING] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds[NOTHING] < 0)
		return cb_fail(e, errno, "cannot open /dev/null: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return cb_fail(e, errno, "cannot make a socket: %s", strerror(errno));
	z->socket = pair[0];
	fds[SOCKET] = pair[1];
	for (int i = 0; i < GIVEN && !err; i++) {
		int low = fds[i];

		fds[i] = fcntl(low, F_DUPFD_CLOEXEC, CB_ZYGOTE_SOCKET + 1);
		err = fds[i] < 0 ? errno : 0;
		close(low);
	}
	return err ? cb_fail(e, err, "cannot start %s: %s", z->clang, strerror(err)) : 0;
}

/* job: for whose like it is to be; NULL: free. */
static int start(struct cb_zygote *z, const struct cb_job *job, struct cb_err *e)
{
	int fds[GIVEN] = {-1, -1, -1}, err = open_given(z, fds, e);

	if (!err)
		err = start_with(z, job, fds, e);
	close_all(fds);
	if (!err)
		err = say_hello(z, e);
	if (err)
		stop(z);
	return err;
}

/* ---- what is sent and comes back */

static void put_confinement(struct cb_buf *b, struct cb_zygote_job *head, const struct cb_zygote *z,
			    const struct cb_job *job)
{
	struct cb_confine_limit limits[CB_SANDBOX_LIMITS];

	if (!job->sandbox)
		return;
	head->sandbox = 1;
	head->nlimits = cb_sandbox_limits(job->sandbox, limits);
	head->filter_len = z->filter.len;
	cb_buf_add(b, limits, head->nlimits * sizeof(*limits));
	cb_buf_add(b, z->filter.code, z->filter.len * sizeof(*z->filter.code));
}

/* Objects and messages are written by the time that main() comes back; what clang prints of itself is not. */
static bool compiles(char *const *argv)
{
	while (*argv && strcmp(*argv, "-c"))
		argv++;
	return *argv;
}

static bool put(struct cb_buf *b, const struct cb_zygote *z, const struct cb_job *job, bool landlock, uint32_t first)
{
	struct cb_zygote_job head = {
		.nfds = (uint32_t)job->n, .landlock = landlock, .first = first, .leave = compiles(job->argv)};

	for (int i = 0; i < 64; i++)
		if (sigismember(job->mask, i + 1) == 1)
			head.mask |= 1ULL << i;
	cb_buf_add(b, &head, sizeof(head));
	put_confinement(b, &head, z, job);
	for (; job->argv[head.argc]; head.argc++)
		cb_buf_add(b, job->argv[head.argc], strlen(job->argv[head.argc]) + 1);
	if (!b->failed)
		memcpy(b->data, &head, sizeof(head));
	return !b->failed;
}

static int send_message(const struct cb_zygote *z, const void *data, size_t len, const int *fds, int n)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * CB_ZYGOTE_FDS)];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.room,
			     .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t sent;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
	do
		sent = sendmsg(z->socket, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* fds: the job's, and behind them the ruleset or -1. */
static int send_with(const struct cb_zygote *z, const struct cb_job *job, const int *fds, uint32_t first,
		     struct cb_err *e)
{
	bool landlock = fds[job->n] >= 0;
	struct cb_buf b = {0};
	int err;

	if (!put(&b, z, job, landlock, first))
		err = -ENOMEM;
	else if (b.len > CB_ZYGOTE_MESSAGE)
		err = -E2BIG;
	else
		err = send_message(z, b.data, b.len, fds, job->n + landlock);
	cb_buf_free(&b);
	if (err == -EPIPE || err == -ECONNRESET)
		return -ENOTCONN;
	return err ? cb_fail(e, -err, "cannot give %s its arguments: %s", z->clang, strerror(-err)) : 0;
}

static int send_job(const struct cb_zygote *z, const struct cb_job *job, struct cb_err *e)
{
	int fds[CB_ZYGOTE_FDS], err;
	bool owned[CB_ZYGOTE_FDS];

	if (job->n > CB_ZYGOTE_FDS - 1)
		return cb_fail(e, EINVAL, "clang cannot get %d descriptors", job->n);
	if (!job->sandbox) {
		memcpy(fds, job->fds, sizeof(int) * (size_t)job->n);
		fds[job->n] = -1;
		return send_with(z, job, fds, 0, e);
	}
	err = cb_sandbox_descriptors(job, fds, owned, e);
	if (err)
		return err;
	fds[job->n] = cb_sandbox_ruleset(job, false, e);
	err = fds[job->n] < 0 && fds[job->n] != -EOPNOTSUPP ? fds[job->n] : send_with(z, job, fds, 0, e);
	owned[job->n] = fds[job->n] >= 0;
	for (int i = 0; i <= job->n; i++)
		if (owned[i])
			close(fds[i]);
	return err;
}

/* 1, or 0 when the time is over. */
static int wait_readable(int fd, uint64_t until)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = cb_job_now();
		int n = poll(&p, 1, until == UINT64_MAX ? -1 : until > now ? (int)(until - now) : 0);

		if (n >= 0)
			return n;
	}
}

static int wait_end(struct cb_zygote *z, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	struct cb_zygote_end said;
	uint64_t until = job->sandbox ? cb_job_now() + job->sandbox->wall_ms : UINT64_MAX;
	ssize_t n = -1;

	if (!wait_readable(z->socket, until)) {
		end->timed_out = true;
		shutdown(z->socket, SHUT_WR);
		if (!wait_readable(z->socket, cb_job_now() + END_MS)) {
			end->signal = SIGKILL;
			end->status = -1;
			stop(z);
			return 0;
		}
	}
	n = recv(z->socket, &said, sizeof(said), 0);
	if (n != sizeof(said)) {
		stop(z);
		return cb_fail(e, EIO, "the waiting %s is gone; was it killed, did memory run out?", z->clang);
	}
	if (!said.taken && !end->timed_out)
		return -ENOTCONN;
	end->cpu_ns = said.cpu_ns;
	end->max_rss = said.max_rss;
	cb_job_ended(job, said.status, end);
	if (end->timed_out)
		stop(z);
	return 0;
}

/* ---- its first job */

static bool has_huge_pages(void)
{
	char *text;
	size_t len;
	bool has;

	if (cb_file_read("/sys/kernel/mm/transparent_hugepage/enabled", 1 << 16, &text, &len, NULL))
		return false;
	has = !strstr(text, "[never]");
	free(text);
	return has;
}

static bool is_object(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && !memcmp(magic, ELFMAG, SELFMAG);
}

static int wait_first(const struct cb_zygote *z, int object, struct cb_err *e)
{
	struct cb_zygote_end end;

	if (wait_readable(z->socket, cb_job_now() + START_MS) && recv(z->socket, &end, sizeof(end), 0) == sizeof(end) &&
	    end.returned && is_object(object))
		return 0;
	return cb_fail(e, ENOTSUP, "%s cannot be kept waiting: each compile starts it anew", z->clang);
}

/* A small program of ours, see preload/hot.h. -ENOTSUP when this is no clang: a program that runs one, say. */
static int first_job(struct cb_zygote *z, uint32_t first, struct cb_err *e)
{
	static const char *const argv[] = {"clang", "-g", "-O2", "-target",	    "bpf", "-w", "-x", "c",
					   "-c",    "-o", "-",	 "/proc/self/fd/0", NULL};
	int fds[] = {cb_file_nameless("warm"), cb_file_nameless("object"), cb_file_nameless("messages"), -1};
	sigset_t none;
	struct cb_job job = {.clang = z->clang, .argv = (char *const *)argv, .fds = fds, .n = 3, .mask = &none};
	int err = 0;

	sigemptyset(&none);
	for (int i = 0; i < 3 && !err; i++)
		err = fds[i] < 0 ? fds[i] : 0;
	if (!err)
		err = cb_write_all(fds[0], cb_warm_c, cb_warm_c_len);
	if (err)
		cb_fail(e, -err, "cannot try %s: %s", z->clang, strerror(-err));
	else
		err = send_with(z, &job, fds, first, e);
	if (err == -ENOTCONN)
		err = cb_fail(e, ENOTSUP, "%s does not wait: each compile starts it anew", z->clang);
	if (!err)
		err = wait_first(z, fds[1], e);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return err;
}

static bool is_dead(const struct cb_zygote *z)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)z->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* A zygote that can do this job. */
static int ready(struct cb_zygote *z, const struct cb_job *job, struct cb_err *e)
{
	int err = 0;

	if (job->sandbox && !z->filter.len)
		err = cb_sandbox_filter_make(&z->filter, NULL, e);
	if (!err && z->pid && (!is_for(z, job) || is_dead(z)))
		stop(z);
	if (!err && !z->pid)
		err = start(z, job, e);
	if (!err && !z->warm && has_huge_pages())
		err = first_job(z, CB_ZYGOTE_WARM, e);
	z->warm = !err;
	if (err == -ENOTSUP)
		stop(z);
	return err;
}

/* ---- a job */

int cb_zygote_run(struct cb_zygote *z, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	int err = -ENOTCONN;

	for (int tries = 0; tries < 2 && err == -ENOTCONN; tries++) {
		err = ready(z, job, e);
		if (!err)
			err = send_job(z, job, e);
		if (!err)
			err = wait_end(z, job, end, e);
		if (err == -ENOTCONN)
			stop(z);
	}
	return err == -ENOTCONN ? cb_fail(e, EIO, "the waiting %s ends at once", z->clang) : err;
}

/* ---- which clang can */

/* A dynamically linked program: what has an interpreter. A script, or a static clang, does not take our library. */
static bool takes_library(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Phdr ph;
	Elf64_Ehdr eh;
	bool found = false;

	if (fd < 0)
		return false;
	if (pread(fd, &eh, sizeof(eh), 0) == sizeof(eh) && !memcmp(eh.e_ident, ELFMAG, SELFMAG) &&
	    eh.e_ident[EI_CLASS] == ELFCLASS64 && eh.e_phentsize == sizeof(ph))
		for (unsigned i = 0; i < eh.e_phnum && !found; i++)
			found = pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) == sizeof(ph) &&
				ph.p_type == PT_INTERP;
	close(fd);
	return found;
}

int cb_zygote_new(const char *clang, const struct cb_log *log, struct cb_zygote **zp, struct cb_err *e)
{
	struct cb_zygote *z;
	int err;

	*zp = NULL;
	if (strlen(clang) >= sizeof(z->clang))
		return cb_fail(e, ENAMETOOLONG, "%s: the path is too long", clang);
	if (!takes_library(clang))
		return cb_fail(e, ENOTSUP, "%s is not a dynamically linked program: each compile starts it anew",
			       clang);
	z = calloc(1, sizeof(*z));
	if (!z)
		return cb_fail(e, ENOMEM, "out of memory");
	strcpy(z->clang, clang);
	z->log = log;
	z->socket = -1;
	err = start(z, NULL, e);
	if (!err)
		err = first_job(z, CB_ZYGOTE_TRY, e);
	if (err) {
		cb_zygote_free(z);
		return err;
	}
	*zp = z;
	return 0;
}

void cb_zygote_free(struct cb_zygote *z)
{
	if (!z)
		return;
	stop(z);
	cb_sandbox_filter_free(&z->filter);
	free(z);
}
