// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * job.c - run clang as a program, and wait for it: see zygote.h. There is no shell between us and clang: arguments arrive as
 * they are.
 */
#include "compile/job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compile/cage.h"
#include "compile/sandbox.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { CB_JOB_FDS = 15 };

extern char **environ;

uint64_t cb_job_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

static bool is_full(int fd, size_t limit)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && (size_t)st.st_size >= limit;
}

/* Memory that runs out is known by what LLVM says of it at the end, in front of up to 256 lines for what was on its stack. (A
 * source that says the same spoils its own answer.) */
static bool ran_out(int fd)
{
	static const char *const words[] = {"out of memory", "bad_alloc", "Cannot allocate memory"};
	char tail[128 << 10];
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (size <= 0)
		return false;
	n = pread(fd, tail, sizeof(tail), size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0);
	for (size_t i = 0; n > 0 && i < sizeof(words) / sizeof(*words); i++)
		if (memmem(tail, (size_t)n, words[i], strlen(words[i])))
			return true;
	return false;
}

void cb_job_ended(const struct cb_job *job, int status, struct cb_job_end *end)
{
	const struct cb_sandbox *s = job->sandbox;

	end->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (!s || !status)
		return;
	/* for its limit the kernel counts ticks, which on a busy virtual machine are far more than the time that was used */
	end->timed_out |= end->signal == SIGKILL && end->cpu_ns >= s->cpu_seconds * 500000000ULL;
	end->output_full = job->n > 2 && (is_full(job->fds[1], s->output) || is_full(job->fds[2], s->output));
	end->out_of_memory = job->n > 2 && ran_out(job->fds[2]);
}

/* Until the child is gone or the time is over. */
static bool ends_in_time(pid_t pid, unsigned ms)
{
	struct timespec tick = {.tv_nsec = 5000000};
	uint64_t until = cb_job_now() + ms, now;
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	siginfo_t info = {0};

	do {
		now = cb_job_now();
		if (p.fd >= 0)
			poll(&p, 1, now < until ? (int)(until - now) : 0);
		else /* before Linux 5.3 */
			nanosleep(&tick, NULL);
		info.si_pid = 0;
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
	} while (!info.si_pid && now < until);
	if (p.fd >= 0)
		close(p.fd);
	return info.si_pid;
}

static int wait_for(pid_t pid, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	struct rusage usage;
	int status;

	if (job->sandbox && !ends_in_time(pid, job->sandbox->wall_ms)) {
		end->timed_out = true;
		kill(pid, SIGKILL);
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return cb_fail(e, errno, "cannot wait for %s: %s", job->clang, strerror(errno));
	end->cpu_ns = ns(&usage.ru_utime) + ns(&usage.ru_stime);
	end->max_rss = usage.ru_maxrss;
	cb_job_ended(job, status, end);
	return 0;
}

/* The caller's environment with our settings for malloc(), unless it has its own. NULL when there is no memory. */
static char **own_env(void)
{
	static char heap[] = CB_JOB_TUNABLES;
	size_t n = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = malloc((n + 2) * sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		env[i] = environ[i];
	env[n] = getenv("GLIBC_TUNABLES") ? NULL : heap;
	env[n + 1] = NULL;
	return env;
}

static int spawn(const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char **env = own_env();
	pid_t pid;
	int err = 0;

	if (!env)
		return cb_fail(e, ENOMEM, "out of memory");
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, job->mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; i < job->n && !err; i++)
		err = posix_spawn_file_actions_adddup2(&files, job->fds[i], i);
	if (!err)
		err = posix_spawn(&pid, job->clang, &files, &attr, job->argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(env);
	if (err)
		return cb_fail(e, err, "cannot run %s: %s", job->clang, strerror(err));
	return wait_for(pid, job, end, e);
}

/* ---- a program in a sandbox */

struct confined {
	const struct cb_job *job;
	struct cb_cage cage;
	struct cb_sandbox_filter filter;
	struct cb_confine_limit limits[CB_SANDBOX_LIMITS];
	int fds[CB_JOB_FDS + 1]; /* clang's, and behind them Landlock's ruleset or -1 */
	bool owned[CB_JOB_FDS + 1];
	char *env[CB_JOB_ENV];
};

/* What does not survive exec is made here, so that the child makes system calls only. */
static int prepare(struct confined *c, struct cb_err *e)
{
	static char heap[] = CB_JOB_TUNABLES;
	char *const extra[] = {heap, NULL};
	const struct cb_job *job = c->job;
	int err;

	if (job->n > CB_JOB_FDS)
		return cb_fail(e, EINVAL, "clang cannot get %d descriptors", job->n);
	cb_job_env(c->env, extra);
	err = cb_cage_plan(&c->cage, job->clang, job->sandbox->readable, false, e);
	if (!err)
		err = cb_sandbox_filter_make(&c->filter, c->cage.clang, e);
	if (!err)
		err = cb_sandbox_descriptors(job, c->fds, c->owned, e);
	if (err)
		return err;
	cb_sandbox_limits(job->sandbox, c->limits);
	c->fds[job->n] = cb_sandbox_ruleset(job, true, e);
	if (c->fds[job->n] == -EOPNOTSUPP)
		return 0;
	c->owned[job->n] = c->fds[job->n] >= 0;
	return c->fds[job->n] < 0 ? c->fds[job->n] : 0;
}

static void release(struct confined *c)
{
	cb_cage_free(&c->cage);
	cb_sandbox_filter_free(&c->filter);
	for (int i = 0; i <= c->job->n && i <= CB_JOB_FDS; i++)
		if (c->owned[i])
			close(c->fds[i]);
}

/* Never comes back. */
static void become_confined(const struct confined *c)
{
	const struct cb_job *job = c->job;
	struct cb_confine confine = {.limits = c->limits,
				     .nlimits = CB_SANDBOX_LIMITS,
				     .filter = c->filter.code,
				     .len = c->filter.len,
				     .ruleset = c->fds[job->n]};

	setsid();
	/* not to outlive who waits for it; a change of credentials, which was in the cage, would undo it */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	cb_job_signals(job->mask);
	for (int i = 0; i < job->n; i++)
		if (dup2(c->fds[i], i) < 0)
			_exit(126);
	/* all that this process has is close-on-exec, which a caller's may not be */
	syscall(SYS_close_range, job->n, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */);
	if (!cb_confine(&confine))
		_exit(126);
	execve(c->cage.clang, job->argv, c->env);
	_exit(127);
}

static int spawn_confined(const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	struct confined c = {.job = job};
	int err = prepare(&c, e);
	pid_t pid = err;

	if (!err)
		pid = cb_cage_fork(&c.cage);
	if (!err && !pid)
		become_confined(&c);
	release(&c);
	if (err)
		return err;
	if (pid < 0)
		return cb_fail(e, -pid, "cannot start %s in a sandbox: %s", job->clang, strerror(-pid));
	return wait_for(pid, job, end, e);
}

int cb_job_run(struct cb_zygote *z, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e)
{
	memset(end, 0, sizeof(*end));
	if (z)
		return cb_zygote_run(z, job, end, e);
	return job->sandbox ? spawn_confined(job, end, e) : spawn(job, end, e);
}

void cb_job_env(char *env[CB_JOB_ENV], char *const *extra)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	int n = 0;

	env[n++] = path;
	env[n++] = locale;
	/* where an unusual clang finds its libraries is part of the clang */
	for (char **v = environ; v && *v; v++)
		if (!strncmp(*v, "LD_LIBRARY_PATH=", strlen("LD_LIBRARY_PATH=")))
			env[n++] = *v;
	while (*extra && n < CB_JOB_ENV - 1)
		env[n++] = *extra++;
	env[n] = NULL;
}

void cb_job_signals(const sigset_t *mask)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	for (int i = 1; i < 32; i++)
		sigaction(i, &standard, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

int cb_job_killed(const struct cb_job *job, const struct cb_job_end *end, struct cb_err *e)
{
	return cb_fail(e, EIO, "%s was killed by signal %d (%s)%s", job->clang, end->signal, strsignal(end->signal),
		       end->signal == SIGKILL ? "; did memory run out?" : "");
}
