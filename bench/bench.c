// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * bench.c - "make bench": measures, then prints a table with the targets beside the figures.
 *
 *	bench [--runs N] [--json] [--check]
 *
 * All figures are medians of runs that took turns on the same machine; what counts are the ratios. --json prints one
 * object instead; --check makes a missed target an exit status of 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* ---- Helpers of the parts --------------------------------------------------------------------------------------- */

double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int bench_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

pid_t bench_spawn(char *const *argv, int *out, bool silent)
{
	int to[2] = {-1, -1};
	pid_t pid;

	if (out && pipe2(to, O_CLOEXEC))
		return bench_fail("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDIN_FILENO);
		dup2(out ? to[1] : null, STDOUT_FILENO);
		if (silent)
			dup2(null, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (out) {
		close(to[1]);
		*out = to[0];
	}
	return pid < 0 ? bench_fail("cannot start %s: %s", argv[0], strerror(errno)) : pid;
}

/* ---- Report ----------------------------------------------------------------------------------------------------- */

struct report {
	bool json;
	unsigned missed;
	unsigned printed; /* members of the JSON object */
};

static void member(struct report *r, const char *name, double value)
{
	if (!r->json || value < 0)
		return;
	printf("%s\n  \"%s\": %.6g", r->printed++ ? "," : "", name, value);
}

/* "0.55 (<= 1.30)", and whether that is so. name: its member of the JSON object, or NULL when the value is there. */
static void target(struct report *r, const char *name, double value, bool at_most, double limit, const char *unit)
{
	bool ok = at_most ? value <= limit : value >= limit;
	char text[64];

	r->missed += !ok;
	snprintf(text, sizeof(text), "%.2f%s (%s %g%s)", value, unit, at_most ? "<=" : ">=", limit, unit);
	if (!r->json)
		printf("  %-22s%s", text, ok ? "" : "MISSED  ");
	else if (name)
		member(r, name, value);
}

static void load_row(struct report *r, const char *what, const char *name, double ours, double libbpf, double bpftrace)
{
	char key[128];
	const double values[] = {ours, libbpf, bpftrace};
	static const char *const who[] = {"coolbpf", "libbpf", "bpftrace"};

	for (int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "%s_%s", who[i], name);
		member(r, key, values[i]);
	}
	if (r->json)
		return;
	printf("%-26s %10.2f %10.2f ", what, ours, libbpf);
	if (bpftrace < 0)
		printf("%10s", "-");
	else
		printf("%10.2f", bpftrace);
}

static void end_row(const struct report *r)
{
	if (!r->json)
		putchar('\n');
}

static void print_load(struct report *r, const struct bench_load *ours, const struct bench_load *libbpf,
		       const struct bench_load *bpftrace)
{
	if (!r->json)
		printf("%-26s %10s %10s %10s  %-22s  %s\n", "execsnoop, from exec to", "coolbpf", "libbpf", "bpftrace",
		       "coolbpf / libbpf", "bpftrace / coolbpf");
	load_row(r, "attached, ms", "attached_ms", ours->attached_ms, libbpf->attached_ms, bpftrace->attached_ms);
	target(r, "attached_vs_libbpf", ours->attached_ms / libbpf->attached_ms, true, 1.3, "");
	if (bpftrace->attached_ms >= 0)
		target(r, "attached_vs_bpftrace", bpftrace->attached_ms / ours->attached_ms, false, 8, "");
	end_row(r);
	load_row(r, "first event, ms", "event_ms", ours->event_ms, libbpf->event_ms, bpftrace->event_ms);
	target(r, "event_vs_libbpf", ours->event_ms / libbpf->event_ms, true, 1.3, "");
	if (bpftrace->event_ms >= 0)
		target(r, "event_vs_bpftrace", bpftrace->event_ms / ours->event_ms, false, 8, "");
	end_row(r);
	load_row(r, "CPU in all, ms", "cpu_ms", ours->cpu_ms, libbpf->cpu_ms, bpftrace->cpu_ms);
	end_row(r);
	load_row(r, "peak RSS, MB", "rss_mb", ours->rss_mb, libbpf->rss_mb, bpftrace->rss_mb);
	target(r, NULL, ours->rss_mb, true, 12, " MB");
	end_row(r);
	load_row(r, "Ctrl-C to the end, ms", "exit_ms", ours->exit_ms, libbpf->exit_ms, bpftrace->exit_ms);
	end_row(r);
	end_row(r);
}

static void print_events(struct report *r, const struct bench_events *e)
{
	if (!r->json)
		printf("%-26s %10s %10s %10s  %s\n", "million events/s, none lost", "coolbpf", "libbpf", "",
		       "coolbpf / libbpf");
	load_row(r, "reading alone", "drain_m", e->drain[0] / 1e6, e->drain[1] / 1e6, -1);
	target(r, "drain_vs_libbpf", e->drain[0] / e->drain[1], false, 0.9, "");
	end_row(r);
	load_row(r, "beside the sender", "sustained_m", e->sustained[0] / 1e6, e->sustained[1] / 1e6, -1);
	member(r, "sustained_vs_libbpf", e->sustained[0] / e->sustained[1]);
	if (!r->json)
		printf("  %.2f (the sender decides)", e->sustained[0] / e->sustained[1]);
	end_row(r);
	member(r, "json_bytes_per_record", e->json_bytes);
	if (!r->json)
		printf("%-26s %10.2f %10s %10s", "as JSON to a file", e->json / 1e6, "-", "-");
	target(r, "json_m", e->json / 1e6, false, 1, "");
	end_row(r);
	end_row(r);
}

static void print_names(struct report *r, const struct bench_names *n)
{
	member(r, "first_kernel_symbol_ms", n->first_kernel_ms);
	member(r, "million_kernel_symbols_ms", n->million_kernel_ms);
	member(r, "user_symbols_ms", n->user_ms);
	if (r->json)
		return;
	printf("%-26s %10s\n", "names of addresses", "coolbpf");
	printf("%-26s %10.2f\n", "first of the kernel, ms", n->first_kernel_ms);
	printf("%-26s %10.2f\n", "a million more, ms", n->million_kernel_ms);
	printf("%zu in libc, ms%*s %10.2f\n", n->user_count, 9, "", n->user_ms);
}

static int find_paths(struct bench_paths *p)
{
	ssize_t n = readlink("/proc/self/exe", p->dir, sizeof(p->dir) - 1);
	char *slash;

	if (n < 0)
		return bench_fail("cannot find this program: %s", strerror(errno));
	p->dir[n] = '\0';
	slash = strrchr(p->dir, '/');
	*slash = '\0';
	snprintf(p->coolbpf, sizeof(p->coolbpf), "%s/../src/cli/coolbpf", p->dir);
	snprintf(p->execsnoop_bt, sizeof(p->execsnoop_bt), "%s/execsnoop.bt", p->dir);
	return 0;
}

static int measure_and_print(struct report *r, unsigned runs, bool have_bpftrace)
{
	struct bench_load ours, libbpf, bpftrace = {-1, -1, -1, -1, -1};
	struct bench_events events;
	struct bench_names names;
	struct bench_paths paths;
	struct utsname host;

	if (find_paths(&paths) || bench_load(&paths, runs, &ours, &libbpf, have_bpftrace ? &bpftrace : NULL) ||
	    bench_events(&paths, runs < 7 ? runs : 7, &events) || bench_names(&names))
		return -1;
	uname(&host);
	if (r->json) {
		printf("{\n  \"kernel\": \"%s\", \"machine\": \"%s\"", host.release, host.machine);
		r->printed = 1;
	} else {
		printf("Linux %s %s, %ld CPUs; medians of %u runs\n\n", host.release, host.machine,
		       sysconf(_SC_NPROCESSORS_ONLN), runs);
	}
	print_load(r, &ours, &libbpf, &bpftrace);
	print_events(r, &events);
	print_names(r, &names);
	if (r->json)
		printf(",\n  \"missed\": %u\n}\n", r->missed);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"runs", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{"check", no_argument, NULL, 'c'},
		{0},
	};
	struct report report = {0};
	unsigned runs = 21;
	bool check = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'r')
			runs = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'j')
			report.json = true;
		else if (opt == 'c')
			check = true;
		else
			return 2;
	}
	if (!runs) {
		fputs("usage: bench [--runs N] [--json] [--check]\n", stderr);
		return 2;
	}
	if (getuid()) {
		bench_fail("loading programs into the kernel needs root");
		return 1;
	}
	if (measure_and_print(&report, runs, !system("command -v bpftrace >/dev/null 2>&1")))
		return 1;
	return check && report.missed;
}
