// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * main.c - a C program with a tool inside: how many bytes does each process write in large pieces?
 *
 *	large-writes [SECONDS]
 *
 * params.skel.h is made by "coolbpf build --skeleton" from examples/params.bpf.c, see the Makefile. It holds the compiled
 * tool, its event as a C struct, and a typed function for each parameter, so that a mistake is a compiler's error. The
 * program that comes out needs no compiler and no other file where it runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "params.skel.h"

struct writer {
	char name[16];
	unsigned long long calls, bytes;
};

struct writers {
	struct writer list[256];
	size_t n;
};

/* Called for each event; what it returns, if negative, ends params_poll(). */
static int on_transfer(void *ctx, const struct params_transfer *t)
{
	struct writers *w = ctx;
	size_t i;

	for (i = 0; i < w->n && strcmp(w->list[i].name, t->name); i++)
		;
	if (i == w->n) {
		if (w->n == sizeof(w->list) / sizeof(*w->list))
			return -ENOSPC;
		snprintf(w->list[w->n++].name, sizeof(w->list[i].name), "%s", t->name);
	}
	w->list[i].calls++;
	w->list[i].bytes += t->size;
	return 0;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	struct params *tool = params_new(NULL);
	struct writers writers = {0};
	int err;

	/* Each step returns 0, or a negative errno and leaves a sentence. */
	err = !tool || params_open(tool) || params_set_size(tool, 64 * 1024) ||
	      params_set_direction(tool, params_out) || params_on_transfers(tool, on_transfer, &writers) ||
	      params_load(tool) || params_attach(tool);
	while (!err && time(NULL) < end)
		err = params_poll(tool, 100) < 0;
	if (err)
		fprintf(stderr, "large-writes: %s\n", tool ? params_errmsg(tool) : strerror(errno));
	params_free(tool);
	for (size_t i = 0; i < writers.n; i++)
		printf("%-16s %10llu calls %14llu bytes\n", writers.list[i].name, writers.list[i].calls,
		       writers.list[i].bytes);
	return err;
}
