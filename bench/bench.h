/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * bench.h - the parts of "make bench".
 *
 *   load.c     how long until a tool is attached and prints, and what it takes: coolbpf, libbpf by hand, bpftrace
 *   events.c   how many events a second are read, and written as JSON
 *   names.c    how long names for addresses take
 *   bench.c    runs them and prints the table
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Where things are: programs and objects of this directory, and the command. */
struct bench_paths {
	char dir[PATH_MAX / 2];
	char coolbpf[PATH_MAX];
	char execsnoop_bt[PATH_MAX];
};

/* Medians. A value below 0 was not measured. */
struct bench_load {
	double attached_ms, event_ms, cpu_ms, rss_mb, exit_ms;
};

struct bench_events {
	double drain[2], sustained[2]; /* events/s: ours, libbpf's */
	double json;		       /* records/s */
	double json_bytes;	       /* per record */
};

struct bench_names {
	double first_kernel_ms, million_kernel_ms, user_ms;
	size_t user_count; /* addresses in user_ms */
};

double bench_now(void);
double bench_median(double *values, size_t n);
/* Start a program with its standard output in a pipe (*out) or, with out NULL, in /dev/null; silent: what it says on
 * standard error, too. */
pid_t bench_spawn(char *const *argv, int *out, bool silent);
/* Say on standard error what went wrong; returns -1. */
int bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Each returns 0 or -1 after saying why. bpftrace may be NULL. */
int bench_load(const struct bench_paths *p, unsigned runs, struct bench_load *ours, struct bench_load *libbpf,
	       struct bench_load *bpftrace);
int bench_events(const struct bench_paths *p, unsigned runs, struct bench_events *out);
int bench_names(struct bench_names *out);

#endif
