// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice.c - what a slice costs and gives: slice [-n RUNS] PROGRAM.bpf.c ...
 *
 * Against the running kernel's BTF, for each program: bytes of its slice, CPU time of making it (the index being open, as in
 * a server; the headers read), and CPU time and page faults of plain clang with the whole vmlinux.h and with the slice. The
 * first lines say what opening an index costs, and clang without any header. All are medians.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/index.h"
#include "compile/dump.h"
#include "compile/includes.h"
#include "compile/slice.h"

enum { RUNS_MAX = 1000 };

static const char BTF[] = "/sys/kernel/btf/vmlinux";

struct cost {
	double ms; /* of CPU */
	long faults;
};

static void die(const char *what, const struct cb_err *e)
{
	fprintf(stderr, "slice: %s: %s\n", what, e && *e->text ? e->text : strerror(errno));
	exit(1);
}

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_ms(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->ms, y = ((const struct cost *)b)->ms;

	return (x > y) - (x < y);
}

static struct cost median(struct cost *costs, int n)
{
	qsort(costs, (size_t)n, sizeof(*costs), by_ms);
	return costs[n / 2];
}

/* One run of clang; dir: where vmlinux.h is. */
static struct cost compile(const char *dir, const char *include, const char *program)
{
	char *argv[] = {"clang",
			"-g",
			"-O2",
			"-target",
			"bpf",
			"-mcpu=v2",
#ifdef __x86_64__
			"-D__TARGET_ARCH_x86",
			"-idirafter",
			"/usr/include/x86_64-linux-gnu",
#else
			"-D__TARGET_ARCH_arm64",
			"-idirafter",
			"/usr/include/aarch64-linux-gnu",
#endif
			"-I",
			(char *)dir,
			"-I",
			(char *)include,
			"-c",
			(char *)program,
			"-o",
			"/dev/null",
			NULL};
	struct rusage r;
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &r) < 0 || status)
		die(program, NULL);
	return (struct cost){
		.ms = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
		      (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3,
		.faults = r.ru_minflt,
	};
}

static struct cost compiles(int runs, const char *dir, const char *include, const char *program)
{
	struct cost costs[RUNS_MAX];

	for (int i = 0; i < runs; i++)
		costs[i] = compile(dir, include, program);
	return median(costs, runs);
}

static void show_open(const char *cache, int runs, struct cb_btf_index *ix)
{
	struct cost costs[RUNS_MAX];
	struct cb_err e = {0};
	double from = cpu_ms();

	if (cb_btf_index_open(BTF, cache, ix, &e))
		die(BTF, &e);
	printf("index made           %8.3f ms\n", cpu_ms() - from);
	for (int i = 0; i < runs; i++) {
		cb_btf_index_close(ix);
		from = cpu_ms();
		if (cb_btf_index_open(BTF, cache, ix, &e))
			die(BTF, &e);
		costs[i].ms = cpu_ms() - from;
	}
	printf("index opened         %8.3f ms\n", median(costs, runs).ms);
}

/* The texts of a program; with them, the slice, made so many times. */
static size_t show_slice(const struct cb_btf_index *ix, const char *program, const char *include, int runs,
			 const char *to)
{
	struct cb_include_place places[] = {{.dir = open(include, O_PATH | O_CLOEXEC), .library = true},
					    {.dir = open(CB_LIBBPF_INCLUDE, O_PATH | O_CLOEXEC), .library = true}};
	struct cb_slice_text texts[CB_INCLUDES_MAX + 1];
	struct cost scan[RUNS_MAX], slice[RUNS_MAX];
	struct cb_includes in;
	struct cb_buf out = {0};
	struct cb_err e = {0};
	char *text;
	size_t len;

	if (cb_file_read(program, 16 << 20, &text, &len, &e))
		die(program, &e);
	for (int i = 0; i < runs; i++) {
		double from = cpu_ms();

		if (cb_includes_of(text, len, -1, places, 2, &in, &e))
			die(program, &e);
		scan[i].ms = cpu_ms() - from;
		texts[0] = (struct cb_slice_text){.text = text, .len = len};
		for (size_t k = 0; k < in.n; k++)
			texts[k + 1] = (struct cb_slice_text){
				.text = in.list[k].text, .len = in.list[k].len, .library = in.list[k].library};
		cb_buf_free(&out);
		out = (struct cb_buf){0};
		from = cpu_ms();
		if (cb_slice(ix, texts, in.n + 1, &out, &e))
			die(program, &e);
		slice[i].ms = cpu_ms() - from;
		cb_includes_free(&in);
	}
	if (cb_file_write(to, out.data, out.len, 0644, &e))
		die(to, &e);
	len = out.len;
	printf("%-20s %7zu %8.3f %8.3f", basename((char *)program), len, median(scan, runs).ms, median(slice, runs).ms);
	cb_buf_free(&out);
	free(text);
	close(places[0].dir);
	close(places[1].dir);
	return len;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/coolbpf-slice.XXXXXX", whole[64], slice[64], path[128], include[4096], command[64];
	int runs = 11, opt;
	struct cb_btf_index ix;
	struct cb_err e = {0};
	struct cost none;
	char *text;
	size_t len;

	while ((opt = getopt(argc, argv, "n:")) == 'n')
		runs = atoi(optarg) > 0 && atoi(optarg) <= RUNS_MAX ? atoi(optarg) : runs;
	if (opt != -1 || optind == argc) {
		fprintf(stderr, "usage: slice [-n RUNS] PROGRAM.bpf.c ... (below the source tree's top directory)\n");
		return 2;
	}
	if (!mkdtemp(dir) || !realpath("include/coolbpf", include))
		die(dir, NULL);
	snprintf(whole, sizeof(whole), "%s/whole", dir);
	snprintf(slice, sizeof(slice), "%s/slice", dir);
	mkdir(whole, 0755);
	mkdir(slice, 0755);
	show_open(dir, runs, &ix);
	if (cb_dump_vmlinux_h(BTF, &text, &len, &e))
		die(BTF, &e);
	snprintf(path, sizeof(path), "%s/vmlinux.h", whole);
	if (cb_file_write(path, text, len, 0644, &e))
		die(path, &e);
	free(text);
	snprintf(path, sizeof(path), "%s/none.c", dir);
	if (cb_file_write(path, "int x;\n", 7, 0644, &e))
		die(path, &e);
	none = compiles(runs, slice, include, path);
	printf("clang without header %8.1f ms %6ld faults\n\n", none.ms, none.faults);
	printf("program                bytes     scan    slice  clang: whole           slice           ratio\n");
	for (int i = optind; i < argc; i++) {
		struct cost a, b;

		snprintf(path, sizeof(path), "%s/vmlinux.h", slice);
		show_slice(&ix, argv[i], include, runs, path);
		a = compiles(runs < 5 ? runs : 5, whole, include, argv[i]);
		b = compiles(runs, slice, include, argv[i]);
		printf("  %7.1f ms %6ld %7.1f ms %6ld  %.2f\n", a.ms, a.faults, b.ms, b.faults, b.ms / a.ms);
		fflush(stdout);
	}
	cb_btf_index_close(&ix);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
