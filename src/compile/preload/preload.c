// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * preload.c - the library that makes a zygote of an ordinary clang.
 *
 * The dynamic linker loads it before clang's own libraries, so that clang's start code finds our __libc_start_main() instead
 * of libc's. It calls libc's with a main() of ours: by then the libraries are relocated and LLVM's static objects exist,
 * which is the time that clang needs to start. Our main() forks. The child waits for a job, makes the job's
 * descriptors, limits and sandbox its own, and returns into clang's main(); the parent waits for the child, says how it
 * ended, and forks the next one ahead of its job.
 *
 * It is linked with nothing, neither libc nor a sanitizer: what it calls it finds in clang's own libc, of whatever version,
 * because a reference without a version takes the oldest. It allocates nothing.
 */
#include "preload.h"
#include "confine.h"
#include "hot.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { SOCKET = 3 /* below the descriptors that come with a job */, ARGS_MAX = 4096 };

typedef int main_fn(int argc, char **argv, char **envp);
typedef int start_fn(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		     void (*rtld_fini)(void), void *stack_end);

start_fn __libc_start_main __attribute__((visibility("default")));

extern char **environ;

static main_fn *clang_main;
/* Between a child and its parent. */
static struct shared {
	bool taken;    /* the child has a job */
	bool returned; /* of a first job: clang's main() came back, and has run no other program */
	struct cb_hot hot;
} * shared;
static char message[CB_ZYGOTE_MESSAGE] __attribute__((aligned(8)));
static char *args[ARGS_MAX + 1];

static void forget_variable(const char *name)
{
	size_t len = strlen(name);
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (strncmp(*from, name, len) || (*from)[len] != '=')
			*to++ = *from;
	*to = NULL;
}

static void close_from(unsigned first)
{
	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
	for (unsigned fd = first; fd < 1024; fd++) /* before Linux 5.9 */
		close((int)fd);
}

/* ---- the job's process */

/* The job's message and descriptors; false at the end of file. */
static bool receive(struct cb_zygote_job *job, size_t *size, int *fds, unsigned *nfds)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * CB_ZYGOTE_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {message, sizeof(message)};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(SOCKET, &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(*job))
		return false;
	shared->taken = true;
	memcpy(job, message, sizeof(*job));
	*size = (size_t)n;
	*nfds = 0;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		*nfds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
	}
	return !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && *nfds == job->nfds + job->landlock;
}

/* Those that came are above SOCKET in the order of their arrival, so that each target is free, or one that has moved. */
static bool place_descriptors(const struct cb_zygote_job *job, const int *fds, int *ruleset)
{
	for (unsigned i = 0; i < job->nfds; i++)
		if (fds[i] <= (int)i || dup2(fds[i], (int)i) < 0)
			return false;
	*ruleset = -1;
	if (job->landlock) {
		*ruleset = dup2(fds[job->nfds], (int)job->nfds);
		if (*ruleset < 0)
			return false;
	}
	close_from(job->nfds + job->landlock);
	return true;
}

static bool find_args(const struct cb_zygote_job *job, char *at, const char *end)
{
	for (unsigned i = 0; i < job->argc; i++) {
		args[i] = at;
		while (at < end && *at)
			at++;
		if (at == end)
			return false;
		at++;
	}
	args[job->argc] = NULL;
	return true;
}

static void set_mask(uint64_t mask)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < 64; i++)
		if (mask >> i & 1)
			sigaddset(&set, i + 1);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void after_first(const struct cb_zygote_job *job)
{
	struct rusage children;

	getrusage(RUSAGE_CHILDREN, &children);
	shared->returned = !children.ru_maxrss;
	if (job->first == CB_ZYGOTE_WARM)
		cb_hot_find(&shared->hot);
}

/* Ends as clang does, or with 125 before it when the job cannot be what it is to be. */
static int run_job(pid_t parent)
{
	struct cb_zygote_job job;
	struct cb_confine confine;
	int fds[CB_ZYGOTE_FDS] = {0};
	unsigned nfds;
	size_t size;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || !receive(&job, &size, fds, &nfds) || job.argc > ARGS_MAX)
		_exit(125);
	confine.limits = (const struct cb_confine_limit *)(message + sizeof(job));
	confine.nlimits = job.nlimits;
	confine.filter = (struct sock_filter *)(confine.limits + job.nlimits);
	confine.len = job.filter_len;
	if (!find_args(&job, (char *)(confine.filter + confine.len), message + size) ||
	    !place_descriptors(&job, fds, &confine.ruleset))
		_exit(125);
	signal(SIGCHLD, SIG_DFL);
	set_mask(job.mask);
	if (job.sandbox && !cb_confine(&confine))
		_exit(125);
	/* the zygote believes what it finds there */
	if (!job.first)
		munmap(shared, sizeof(*shared));
	status = clang_main((int)job.argc, args, environ);
	if (job.first)
		after_first(&job);
	if (job.leave)
		_exit(status);
	return status;
}

/* ---- the zygote */

static void wake(int signal)
{
}

static uint64_t ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

/* Until the child is gone; it is killed when coolbpf says so or is gone itself, and then false comes back. */
static bool wait_for(pid_t child, int *status, struct rusage *usage)
{
	/* the events of this socket are the child's, but for this one */
	struct pollfd socket = {.fd = SOCKET, .events = POLLRDHUP};
	bool go_on = true;
	sigset_t none;

	sigemptyset(&none);
	while (wait4(child, status, WNOHANG, usage) != child) {
		if (go_on && ppoll(&socket, 1, NULL, &none) > 0) {
			go_on = false;
			kill(child, SIGKILL);
		} else if (!go_on) {
			wait4(child, status, 0, usage);
			break;
		}
	}
	return go_on;
}

static bool say_end(int status, const struct rusage *usage)
{
	struct cb_zygote_end end = {.status = status,
				    .taken = shared->taken,
				    .returned = shared->returned,
				    .cpu_ns = ns(&usage->ru_utime) + ns(&usage->ru_stime),
				    .max_rss = usage->ru_maxrss};

	return send(SOCKET, &end, sizeof(end), MSG_NOSIGNAL) == sizeof(end);
}

/* Nothing of what made this a zygote is left but SOCKET. */
static bool settle(void)
{
	struct sigaction act = {.sa_handler = wake};
	sigset_t all;

	forget_variable("LD_PRELOAD");
	forget_variable("LD_BIND_NOW");
	forget_variable("GLIBC_TUNABLES");
	forget_variable(CB_ZYGOTE_VARIABLE);
	if (dup2(CB_ZYGOTE_SOCKET, SOCKET) != SOCKET)
		return false;
	close_from(SOCKET + 1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &act, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared != MAP_FAILED;
}

static int serve(int argc, char **argv, char **envp)
{
	struct cb_zygote_hello hello = {.magic = CB_ZYGOTE_MAGIC};
	pid_t self = getpid();
	struct rusage usage;
	bool go_on;

	if (!settle() || send(SOCKET, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello))
		_exit(125);
	do {
		pid_t child;
		int status;

		memset(shared, 0, sizeof(*shared));
		child = fork();
		if (child < 0)
			_exit(125);
		if (!child)
			return run_job(self);
		go_on = wait_for(child, &status, &usage);
		cb_hot_move(&shared->hot);
		/* A child that was killed as it waited may have a job or not: coolbpf is to start anew. */
		go_on &= say_end(status, &usage) && shared->taken;
	} while (go_on);
	/* clang's own end is not ours */
	_exit(0);
}

int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	start_fn *start = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");

	clang_main = main;
	return start(getenv(CB_ZYGOTE_VARIABLE) ? serve : main, argc, argv, init, fini, rtld_fini, stack_end);
}
