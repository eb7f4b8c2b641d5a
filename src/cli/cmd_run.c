// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_run.c - "coolbpf run": open, load, attach, then wait for events until somebody or something ends it.
 *
 * A signal sets a flag and makes a pipe readable, so that one that comes just before the wait still ends it. Events that
 * come faster than they are read would keep one consume call busy for ever: the event function ends it now and then.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/file.h"
#include "cli/run.h"

enum { LOST_NS = 1000000000 /* lost events are told at most so often */ };

/* What a signal handler needs. */
static volatile sig_atomic_t stopped;
static int stop_pipe[2] = {-1, -1};

static void on_signal(int sig)
{
	int saved = errno;

	stopped = 1;
	if (write(stop_pipe[1], "", 1) < 0)
		stopped = 1; /* the pipe is full: it is readable already */
	errno = saved;
}

static int catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK))
		return cb_cli_fail("cannot make a pipe: %s", strerror(errno));
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	return 0;
}

/* Tracepoints are found through tracefs. Where it is not mounted (containers, minimal systems) it is mounted in a mount
 * namespace of this process's own, so that nothing is left behind. Without the right to do that, attaching says so. */
static void find_tracefs(void)
{
	if (!access("/sys/kernel/tracing/events", F_OK) || !access("/sys/kernel/debug/tracing/events", F_OK))
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return;
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

static int print_iterator(struct coolbpf *cb, const char *program, struct run_out *out)
{
	char text[16384];
	ssize_t got;
	int fd = coolbpf_iter_fd(cb, program), err = 0;

	if (fd < 0)
		return cb_cli_fail("%s", coolbpf_errmsg(cb));
	while (!err && (got = read(fd, text, sizeof(text)))) {
		if (got > 0)
			err = cb_run_out_text(out, text, (size_t)got);
		else if (errno != EAGAIN && errno != EINTR)
			err = -errno;
	}
	close(fd);
	if (err)
		return cb_cli_fail("iterator %s: %s", program,
				   *cb_run_out_error(out) ? cb_run_out_error(out) : strerror(-err));
	return 0;
}

/* The text of iterators is printed once. 0 or an exit status; *only is set when the tool has nothing else to wait for. */
static int print_iterators(struct coolbpf *cb, struct run_out *out, bool *only)
{
	struct coolbpf_program p;
	int status = 0;

	*only = true;
	for (size_t i = 0; !status && !coolbpf_program_get(cb, i, &p); i++) {
		if (!p.attached)
			continue;
		if (strncmp(p.section, "iter", 4))
			*only = false;
		else
			status = print_iterator(cb, p.name, out);
	}
	return status;
}

/* Whoever started this waits for it with its workload. 0 or an exit status. */
static int say_ready(int fd)
{
	static const char line[] = "ready\n";
	int err;

	if (fd < 0)
		return 0;
	err = cb_write_all(fd, line, sizeof(line) - 1);
	/* standard descriptors are still wanted */
	if (fd > STDERR_FILENO)
		close(fd);
	return err ? cb_cli_fail("--ready: cannot write to file descriptor %d: %s", fd, strerror(-err)) : 0;
}

static uint64_t nearer(uint64_t a, uint64_t b)
{
	return a && b ? (a < b ? a : b) : a | b;
}

/* Milliseconds until a time, 0 for one that has passed, -1 for none (0). */
static int wait_ms(uint64_t now, uint64_t until)
{
	if (!until)
		return -1;
	if (until <= now)
		return 0;
	return until - now > INT_MAX * 1000000ULL ? INT_MAX : (int)((until - now + 999999) / 1000000);
}

/* Until a signal, the end of --duration, --count events, or an error. Returns 0 or a negative errno. */
static int loop(const struct run_args *a, struct coolbpf *cb, struct run_out *out)
{
	uint64_t now = cb_run_now_ns();
	uint64_t end = a->duration_ns ? now + a->duration_ns : 0;
	uint64_t next = a->interval_ns ? now + a->interval_ns : 0;
	uint64_t lost_due = now + LOST_NS;
	int n = 0, err;
	struct pollfd fds[] = {
		{.fd = coolbpf_epoll_fd(cb), .events = POLLIN},
		{.fd = stop_pipe[0], .events = POLLIN},
	};

	cb_run_out_until(out, &stopped);
	while (!stopped && !cb_run_out_done(out)) {
		uint64_t due = nearer(cb_run_out_flush_due(out), nearer(end, next));

		/* what a turn has left is read without being told */
		if (poll(fds, 2, n == -ECANCELED ? 0 : wait_ms(now, due)) < 0 && errno != EINTR)
			return -errno;
		n = fds[0].revents || n == -ECANCELED ? coolbpf_consume(cb) : 0;
		if (n < 0 && n != -ECANCELED)
			return n;
		err = cb_run_out_flush(out, n == 0);
		if (err)
			return err;
		now = cb_run_now_ns();
		if (end && now >= end)
			break;
		/* only a buffer that is read can have been full */
		if (n && now >= lost_due && !a->quiet) {
			cb_run_out_lost(out);
			lost_due = now + LOST_NS;
		}
		if (next && now >= next) {
			err = cb_run_out_maps(out, false);
			if (err)
				return err;
			next = now > next + a->interval_ns ? now + a->interval_ns : next + a->interval_ns;
		}
	}
	return 0;
}

/* Nothing new comes; what is in the buffers is printed, then the maps. */
static int finish(const struct run_args *a, struct coolbpf *cb, struct run_out *out)
{
	int err;

	coolbpf_detach(cb);
	cb_run_out_until(out, NULL);
	err = coolbpf_consume(cb);
	if (err > 0 || err == -ECANCELED)
		err = 0;
	if (!err && cb_run_out_has_maps(out))
		err = cb_run_out_maps(out, true);
	return err ? err : cb_run_out_finish(out);
}

static int run_tool(const struct run_args *a, struct coolbpf *cb)
{
	struct run_out *out;
	int status = cb_run_apply(a, cb), err = 0;
	bool only_iterators = false;

	if (status)
		return status;
	out = cb_run_out_new(a, cb, &status);
	if (!out)
		return status;
	find_tracefs();
	if (coolbpf_load(cb) || coolbpf_attach(cb)) {
		cb_run_out_free(out);
		return cb_cli_fail("%s", coolbpf_errmsg(cb));
	}
	if (cb_run_out_begin(out))
		status = cb_cli_fail("%s", cb_run_out_error(out));
	else if (!(status = say_ready(a->ready_fd)))
		status = print_iterators(cb, out, &only_iterators);
	if (status) {
		cb_run_out_free(out);
		return status;
	}
	/* for people; with -v also for scripts, which begin their workload when they read it */
	if (!a->quiet && !only_iterators && (isatty(STDERR_FILENO) || a->source.opts.log_level > COOLBPF_LOG_WARN))
		fprintf(stderr, "%s is running; Ctrl-C ends it.\n", coolbpf_name(cb));
	if (!only_iterators)
		err = loop(a, cb, out);
	if (!err)
		err = finish(a, cb, out);
	cb_run_out_lost(out);
	if (err)
		status = cb_cli_fail("%s", *cb_run_out_error(out) ? cb_run_out_error(out) : coolbpf_errmsg(cb));
	cb_run_out_free(out);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_args a;
	struct coolbpf *cb = NULL;
	char path[PATH_MAX];
	int status = cb_run_args(&a, argc, argv);

	if (!status && a.file)
		a.file = cb_run_find_tool(a.file, path, sizeof(path));
	if (!status && a.help && !a.file) {
		cb_run_usage();
	} else if (!status) {
		cb = coolbpf_new(&a.source.opts);
		if (!cb)
			status = cb_cli_fail("out of memory");
		else if (coolbpf_open_file(cb, a.file))
			status = cb_cli_fail("%s", coolbpf_errmsg(cb));
		else if (a.help)
			cb_run_tool_help(&a, cb);
		else if (!(status = catch_signals()))
			status = run_tool(&a, cb);
	}
	coolbpf_free(cb);
	cb_run_args_free(&a);
	return status;
}
