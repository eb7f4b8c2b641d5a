// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * prog.c - see prog.h.
 *
 * A program runs in a process group of its own, so that it and its children can be killed together. Between it and
 * us is a keeper, a copy of this process that does nothing but wait for it: the system tells it when we die
 * (PR_SET_PDEATHSIG), and it kills the group. The program cannot be told itself, as the system forgets that wish
 * when a program changes its user, which apt-get does.
 */
#include "lab/prog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

int cb_lab_hold(struct cb_lab_hold *h, struct cb_err *e)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction now;
	sigset_t wanted;

	sigemptyset(&wanted);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &now) && now.sa_handler != SIG_IGN) /* nohup(1) */
			sigaddset(&wanted, signals[i]);
	*h = (struct cb_lab_hold){.fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
	if (h->fd < 0)
		return cb_fail(e, errno, "cannot make a signalfd: %s", strerror(errno));
	pthread_sigmask(SIG_BLOCK, &wanted, &h->before);
	return 0;
}

void cb_lab_release(struct cb_lab_hold *h)
{
	int caught = h->caught;

	if (h->fd < 0)
		return;
	close(h->fd);
	h->fd = -1;
	if (caught)
		raise(caught); /* blocked still: it comes with the next call */
	pthread_sigmask(SIG_SETMASK, &h->before, NULL);
}

static int interrupted(struct cb_lab_hold *h, struct cb_err *e)
{
	struct signalfd_siginfo info;

	if (!h->caught && read(h->fd, &info, sizeof(info)) == sizeof(info))
		h->caught = (int)info.ssi_signo;
	return h->caught ? cb_fail(e, EINTR, "interrupted") : 0;
}

int cb_lab_pause(struct cb_lab_hold *h, int ms, struct cb_err *e)
{
	struct pollfd p = {.fd = h->fd, .events = POLLIN};

	if (!h->caught)
		poll(&p, 1, ms);
	return interrupted(h, e);
}

/* ---- Finding a program ------------------------------------------------------------------------------------------- */

/* On Debian, a user's $PATH has no sbin, where depmod is. */
static const char more_path[] = ":/usr/sbin:/sbin";

bool cb_lab_prog_find(const char *name, char *path, size_t size)
{
	const char *in = getenv("PATH");
	char all[PATH_MAX];
	struct stat st;

	if (strchr(name, '/'))
		return (size_t)snprintf(path, size, "%s", name) < size && !access(path, X_OK);
	snprintf(all, sizeof(all), "%s%s", in ? in : "/usr/bin:/bin", more_path);
	for (const char *p = all; *p; p += strspn(p, ":")) {
		size_t len = strcspn(p, ":");

		if (len && (size_t)snprintf(path, size, "%.*s/%s", (int)len, p, name) < size && !access(path, X_OK) &&
		    !stat(path, &st) && S_ISREG(st.st_mode))
			return true;
		p += len;
	}
	return false;
}

bool cb_lab_prog_there(const char *name)
{
	char path[PATH_MAX];

	return cb_lab_prog_find(name, path, sizeof(path));
}

/* ---- Running it -------------------------------------------------------------------------------------------------- */

/* Our environment, with the program's in front: what stands first holds. tmpdir: "TMPDIR=DIR", or "". The caller frees the array
 * alone. */
static char **environment(const char *const *more, char *tmpdir)
{
	static char locale[] = "LC_ALL=C"; /* messages are looked into */
	size_t n = 3, m = 0;
	char **env;

	for (size_t i = 0; environ && environ[i]; i++)
		n++;
	for (size_t i = 0; more && more[i]; i++)
		n++;
	env = malloc(n * sizeof(*env));
	if (!env)
		return NULL;
	env[m++] = locale;
	if (*tmpdir)
		env[m++] = tmpdir;
	for (size_t i = 0; more && more[i]; i++)
		env[m++] = (char *)more[i];
	for (size_t i = 0; environ && environ[i]; i++) {
		size_t name = strcspn(environ[i], "=") + 1;
		bool ours = false;

		for (size_t j = 0; j < m && !ours; j++)
			ours = !strncmp(env[j], environ[i], name);
		if (!ours)
			env[m++] = environ[i];
	}
	env[m] = NULL;
	return env;
}

struct running {
	const struct cb_lab_prog *p;
	char path[PATH_MAX];
	char **env;
	pid_t parent;
	int out[2], err[2]; /* pipes */
};

/* From here to exec: nothing but system calls, as another thread may have held a lock when this process was copied. */
static void become(const struct running *r, const sigset_t *mask)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(r->out[1], 1) < 0 || dup2(r->err[1], 2) < 0)
		_exit(126);
	if (r->p->dir && chdir(r->p->dir))
		_exit(126);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execve(r->path, (char *const *)r->p->argv, r->env);
	_exit(127);
}

static void kill_group(int n)
{
	kill(0, SIGKILL);
}

/* Never comes back: ends as the program does. */
static void keep(const struct running *r, const sigset_t *mask)
{
	sigset_t term;
	int status = 0;
	pid_t pid;

	setpgid(0, 0);
	signal(SIGTERM, kill_group);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	if (getppid() != r->parent)
		_exit(126);
	pid = fork();
	if (!pid)
		become(r, mask);
	/* the pipes end with the program */
	syscall(SYS_close_range, 0U, ~0U, 0U);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		kill(getpid(), WTERMSIG(status));
	}
	_exit(pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 126);
}

/* Drop the older half where it is too much. */
static void keep_last(struct cb_buf *said)
{
	size_t half = said->len / 2;

	if (said->len <= CB_LAB_SAID)
		return;
	memmove(said->data, said->data + half, said->len - half);
	said->len -= half;
}

/* One read of a pipe that has something; false at its end. */
static bool take(int fd, struct cb_buf *into)
{
	char part[16384];
	ssize_t n = read(fd, part, sizeof(part));

	if (n > 0)
		cb_buf_add(into, part, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until both pipes are at their end. */
static int listen_to(struct running *r, struct cb_lab_hold *h, struct cb_buf *out, struct cb_buf *said,
		     struct cb_err *e)
{
	size_t max = r->p->max_out ? r->p->max_out : 64U << 20;
	struct pollfd p[3] = {{.fd = r->out[0], .events = POLLIN},
			      {.fd = r->err[0], .events = POLLIN},
			      {.fd = h->fd, .events = POLLIN}};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int err = interrupted(h, e);

		if (err)
			return err;
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return cb_fail(e, errno, "cannot wait for %s: %s", r->p->argv[0], strerror(errno));
		if (p[0].revents && !take(p[0].fd, out))
			p[0].fd = -1;
		if (p[1].revents && !take(p[1].fd, said))
			p[1].fd = -1;
		keep_last(said);
		if (out->failed || said->failed)
			return cb_fail(e, ENOMEM, "out of memory");
		if (out != said && out->len > max)
			return cb_fail(e, EFBIG, "%s writes more than %zu bytes", r->p->argv[0], max);
	}
	return 0;
}

/* The last n lines of text of len bytes; *out_len without the last newline. */
static const char *last_lines(const char *text, size_t len, unsigned n, size_t *out_len)
{
	size_t at;

	while (len && text[len - 1] == '\n')
		len--;
	for (at = len; at; at--)
		if (text[at - 1] == '\n' && !--n)
			break;
	*out_len = len - at;
	return text + at;
}

/* What an exit status that is not 0 means. */
static int explain(const struct cb_lab_prog *p, int status, const struct cb_buf *said, struct cb_err *e)
{
	size_t len;
	const char *last = last_lines(said->len ? said->data : "", said->len, 12, &len);

	if (len > 2000) {
		last += len - 2000;
		len = 2000;
	}
	if (WIFSIGNALED(status))
		cb_fail(e, ECHILD, "%s was ended by signal %d", p->argv[0], WTERMSIG(status));
	else
		cb_fail(e, ECHILD, "%s failed with exit status %d", p->argv[0], WEXITSTATUS(status));
	return len ? cb_fail_more(e, -ECHILD, ":\n%.*s", (int)len, last) : -ECHILD;
}

static int open_pipes(struct running *r, struct cb_err *e)
{
	if (pipe2(r->out, O_CLOEXEC))
		return cb_fail(e, errno, "cannot make a pipe: %s", strerror(errno));
	if (!pipe2(r->err, O_CLOEXEC))
		return 0;
	close(r->out[0]);
	close(r->out[1]);
	return cb_fail(e, errno, "cannot make a pipe: %s", strerror(errno));
}

static int run(struct running *r, struct cb_lab_hold *h, struct cb_buf *said, struct cb_err *e)
{
	struct cb_buf *out = r->p->out ? r->p->out : said;
	int err = open_pipes(r, e), status = 0;
	pid_t pid;

	if (err)
		return err;
	r->parent = getpid();
	pid = fork();
	if (!pid)
		keep(r, &h->before);
	if (pid < 0)
		err = cb_fail(e, errno, "cannot start %s: %s", r->path, strerror(errno));
	close(r->out[1]);
	close(r->err[1]);
	if (pid > 0) {
		setpgid(pid, pid); /* here too, so that it is done before any kill() */
		err = listen_to(r, h, out, said, e);
		if (err)
			kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(r->out[0]);
	close(r->err[0]);
	if (!err && status)
		err = explain(r->p, status, said, e);
	return err;
}

int cb_lab_prog_run(const struct cb_lab_prog *p, struct cb_lab_hold *h, struct cb_buf *said, struct cb_err *e)
{
	struct running r = {.p = p};
	char tmpdir[PATH_MAX + sizeof("TMPDIR=")] = "";
	struct cb_buf own = {0};
	int err = interrupted(h, e);

	if (err)
		return err;
	if (!cb_lab_prog_find(p->argv[0], r.path, sizeof(r.path)))
		return cb_fail(e, ENOENT, "there is no program %s on this machine", p->argv[0]);
	if (p->tmp)
		snprintf(tmpdir, sizeof(tmpdir), "TMPDIR=%s", p->tmp);
	r.env = environment(p->env, tmpdir);
	if (!r.env)
		return cb_fail(e, ENOMEM, "out of memory");
	err = run(&r, h, said ? said : &own, e);
	cb_buf_free(&own);
	free(r.env);
	return err;
}
