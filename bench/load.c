// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * load.c - from exec to attached, and to the first event.
 *
 * A tool does not say when it is attached, and what it says would not count. So this program starts `marker`, a program
 * that does nothing, every half millisecond while the tool starts, and notes when each was started:
 *
 *	tool      exec|----- load ----- attach|...
 *	markers     1   2   3   4   5   6   7   8   9
 *	tool prints                             "8"   "9"
 *
 * The first marker that the tool reports was started after the tool was attached, the one before it was not: so
 * "attached" is the time of the first one that is reported, at most one interval late. The "first event" is when its line
 * arrives in the pipe. Then the tool gets a SIGINT, and wait4() tells what it has used in all.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { MARKERS_MAX = 20000, RUNS_MAX = 101 };

static const double interval = 0.0005, give_up = 20;

struct marker {
	pid_t pid;
	double at;
};

struct watch {
	struct marker markers[MARKERS_MAX];
	size_t count;
	char text[65536]; /* what the tool has printed and is not looked at yet */
	size_t len;
};

/* The marker that a line reports, or NULL: it has the program's name, and one of the numbers in it is the pid. */
static const struct marker *find_marker(const struct watch *w, char *line)
{
	char *save, *end;

	if (!strstr(line, "marker"))
		return NULL;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		long pid = strtol(word, &end, 10);

		for (size_t i = 0; !*end && i < w->count; i++)
			if (w->markers[i].pid == pid)
				return &w->markers[i];
	}
	return NULL;
}

/* Read what there is. Sets *first when a marker is reported; -1 when the tool has ended. */
static int read_lines(struct watch *w, int fd, const struct marker **first)
{
	ssize_t n = read(fd, w->text + w->len, sizeof(w->text) - w->len);
	char *nl, *line = w->text;

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	w->len += (size_t)n;
	while (!*first && (nl = memchr(line, '\n', w->len - (size_t)(line - w->text)))) {
		*nl = '\0';
		*first = find_marker(w, line);
		line = nl + 1;
	}
	w->len -= (size_t)(line - w->text);
	memmove(w->text, line, w->len);
	return w->len == sizeof(w->text) ? -1 : 0;
}

static int start_marker(struct watch *w, char *path)
{
	char *const argv[] = {path, NULL};
	struct marker *m = &w->markers[w->count];

	m->at = bench_now();
	if (w->count == MARKERS_MAX - 1 || posix_spawn(&m->pid, path, NULL, NULL, argv, NULL))
		return -1;
	w->count++;
	waitpid(m->pid, NULL, 0);
	return 0;
}

/* Until the first marker is reported. 0, or -1 when the tool ends or does not get there. */
static int watch_start(struct watch *w, char *marker, int fd, double start, struct bench_load *out)
{
	const struct marker *first = NULL;
	double next = start;

	w->count = w->len = 0;
	while (!first) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		double now = bench_now();

		if (now - start > give_up)
			return -1;
		if (now >= next) {
			if (start_marker(w, marker))
				return -1;
			next = now + interval;
		}
		now = bench_now();
		if (ppoll(&pfd, 1, &(struct timespec){.tv_nsec = now < next ? (long)((next - now) * 1e9) : 0}, NULL) >
			    0 &&
		    read_lines(w, fd, &first))
			return -1;
	}
	out->event_ms = (bench_now() - start) * 1e3;
	out->attached_ms = (first->at - start) * 1e3;
	return 0;
}

static int measure(struct watch *w, char *marker, char *const *argv, bool silent, struct bench_load *out)
{
	struct rusage used;
	double start, ended;
	int fd, status, err;
	pid_t pid;

	start = bench_now();
	pid = bench_spawn(argv, &fd, silent);
	if (pid < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	err = watch_start(w, marker, fd, start, out);
	fcntl(fd, F_SETFL, 0);
	ended = bench_now();
	kill(pid, err ? SIGKILL : SIGINT);
	while (read(fd, w->text, sizeof(w->text)) > 0)
		;
	close(fd);
	wait4(pid, &status, 0, &used);
	out->exit_ms = (bench_now() - ended) * 1e3;
	out->cpu_ms = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
		      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
	out->rss_mb = (double)used.ru_maxrss / 1024;
	return err ? bench_fail("%s did not report a program that was started", argv[0]) : 0;
}

static void medians(const struct bench_load *samples, size_t n, struct bench_load *out)
{
	double values[RUNS_MAX];

	/* a struct of doubles only, as an array */
	for (size_t field = 0; field < sizeof(*out) / sizeof(double); field++) {
		for (size_t i = 0; i < n; i++)
			memcpy(&values[i], (const char *)&samples[i] + field * sizeof(double), sizeof(double));
		values[0] = bench_median(values, n);
		memcpy((char *)out + field * sizeof(double), &values[0], sizeof(double));
	}
}

/* bpftrace complains of limits that do not keep it from its work.
 *
 * The three take turns, so that what else the machine does hits all of them. The first turn is not counted. */
int bench_load(const struct bench_paths *p, unsigned runs, struct bench_load *ours, struct bench_load *libbpf,
	       struct bench_load *bpftrace)
{
	static struct watch w;
	static struct bench_load samples[3][RUNS_MAX];
	char object[PATH_MAX], peer[PATH_MAX], marker[PATH_MAX];
	char *const commands[][5] = {
		{(char *)p->coolbpf, "run", object, NULL},
		{peer, NULL},
		{"bpftrace", (char *)p->execsnoop_bt, NULL},
	};
	struct bench_load *const out[] = {ours, libbpf, bpftrace};
	unsigned slow_runs = runs > 5 ? 5 : runs;

	if (runs >= RUNS_MAX)
		runs = RUNS_MAX - 1;
	snprintf(object, sizeof(object), "%s/execsnoop.bpf.o", p->dir);
	snprintf(peer, sizeof(peer), "%s/peer_execsnoop", p->dir);
	snprintf(marker, sizeof(marker), "%s/marker", p->dir);
	for (unsigned i = 0; i <= runs; i++)
		for (int c = 0; c < 3; c++)
			if (out[c] && (c < 2 || i <= slow_runs) &&
			    measure(&w, marker, commands[c], c == 2, &samples[c][i ? i - 1 : 0]))
				return -1;
	for (int c = 0; c < 3; c++)
		if (out[c])
			medians(samples[c], c < 2 ? runs : slow_runs, out[c]);
	return 0;
}
