// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * events.c - how many events a second: read by a program (against libbpf's bare loop), and written as JSON lines by
 * "coolbpf run".
 *
 * The events come from ring.bpf.c, which sends as many as there is room for and no more: none can be lost, and whoever
 * reads decides the pace. That none was lost is checked all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { RUNS_MAX = 21, JSON_RECORDS = 4000000, SAMPLES_MAX = 20000 };

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static int run_reader(char *const *argv, double *drain, double *sustained)
{
	double gaps = -1;
	char line[256];
	int fd, status;
	pid_t pid = bench_spawn(argv, &fd, false);
	FILE *f;

	if (pid < 0)
		return -1;
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "drain %lf", drain) != 1 && sscanf(line, "sustained %lf", sustained) != 1)
			sscanf(line, "gaps %lf", &gaps);
	if (f)
		fclose(f);
	waitpid(pid, &status, 0);
	if (status || gaps < 0)
		return bench_fail("%s failed", argv[0]);
	return gaps > 0 ? bench_fail("%s lost events", argv[0]) : 0;
}

static int bench_readers(const struct bench_paths *p, unsigned runs, struct bench_events *out)
{
	static double drain[2][RUNS_MAX], sustained[2][RUNS_MAX];
	char ours[PATH_MAX], peer[PATH_MAX], object[PATH_MAX];
	char *const commands[][3] = {{ours, object, NULL}, {peer, NULL}};

	snprintf(ours, sizeof(ours), "%s/ring_coolbpf", p->dir);
	snprintf(peer, sizeof(peer), "%s/peer_ring", p->dir);
	snprintf(object, sizeof(object), "%s/ring.bpf.o", p->dir);
	for (unsigned i = 0; i < runs; i++)
		for (int c = 0; c < 2; c++)
			if (run_reader(commands[c], &drain[c][i], &sustained[c][i]))
				return -1;
	for (int c = 0; c < 2; c++) {
		out->drain[c] = bench_median(drain[c], runs);
		out->sustained[c] = bench_median(sustained[c], runs);
	}
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

struct sample {
	double at;
	off_t size;
};

static void *fill(void *ctx)
{
	atomic_bool *stop = ctx;

	while (!atomic_load_explicit(stop, memory_order_relaxed))
		syscall(SYS_getpgid, -1024);
	return NULL;
}

/* All lines are there, and their sequence numbers are in a row. */
static int check_file(const char *path, size_t *bytes)
{
	unsigned long long seq, next = 0, lines = 0;
	FILE *f = fopen(path, "r");
	char line[1024];

	*bytes = 0;
	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "\"seq\":");

		if (!at || sscanf(at + 6, "%llu", &seq) != 1 || (lines && seq != next))
			break;
		next = seq + 1;
		lines++;
		*bytes += strlen(line);
	}
	if (f)
		fclose(f);
	return lines == JSON_RECORDS ? 0 : bench_fail("after %llu of %d JSON records one is lost", lines, JSON_RECORDS);
}

/* Bytes a second, from when the file begins to grow until it is complete: neither the start of the command nor its end
 * counts. */
static double pace(const struct sample *s, size_t n)
{
	size_t complete = 0;

	while (complete + 1 < n && s[complete].size < s[n - 1].size)
		complete++;
	return complete ? (double)(s[complete].size - s[0].size) / (s[complete].at - s[0].at) : 0;
}

static int bench_json(const struct bench_paths *p, struct bench_events *out)
{
	static struct sample samples[SAMPLES_MAX];
	char path[PATH_MAX], object[PATH_MAX], count[32];
	char *const argv[] = {(char *)p->coolbpf, "run", "-q", "-o", "json", "-f", path, "-n", count, object, NULL};
	const struct timespec tick = {.tv_nsec = 2000000};
	atomic_bool stop = false;
	pthread_t filler;
	size_t n = 0, bytes;
	struct stat st;
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/records.json", p->dir);
	snprintf(object, sizeof(object), "%s/ring.bpf.o", p->dir);
	snprintf(count, sizeof(count), "%d", JSON_RECORDS);
	unlink(path);
	pid = bench_spawn(argv, NULL, false);
	if (pid < 0)
		return -1;
	if (pthread_create(&filler, NULL, fill, &stop))
		return bench_fail("cannot start a thread");
	while (!waitpid(pid, &status, WNOHANG)) {
		if (n < SAMPLES_MAX && !stat(path, &st) && st.st_size)
			samples[n++] = (struct sample){bench_now(), st.st_size};
		nanosleep(&tick, NULL);
	}
	atomic_store(&stop, true);
	pthread_join(filler, NULL);
	if (status)
		return bench_fail("%s run -o json failed", p->coolbpf);
	status = check_file(path, &bytes);
	unlink(path);
	if (status)
		return status;
	out->json_bytes = (double)bytes / JSON_RECORDS;
	out->json = pace(samples, n) / out->json_bytes;
	return 0;
}

int bench_events(const struct bench_paths *p, unsigned runs, struct bench_events *out)
{
	struct bench_events once = {0};
	double values[RUNS_MAX] = {0};

	runs = runs < RUNS_MAX ? runs : RUNS_MAX;
	if (bench_readers(p, runs, out))
		return -1;
	for (unsigned i = 0; i < runs; i++) {
		if (bench_json(p, &once))
			return -1;
		values[i] = once.json;
	}
	out->json = bench_median(values, runs);
	out->json_bytes = once.json_bytes;
	return 0;
}
