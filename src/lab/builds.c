// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * builds.c - see builds.h. Threads that do nothing but wait for a program each. A signal is read by one of them, which kills its
 * program; the others let theirs end and begin no more.
 */
#include "lab/builds.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

struct work {
	struct cb_lab_builds *list;
	const struct cb_lab_hold *hold;
	const char *tmp;
	atomic_size_t next;
	atomic_int caught; /* the signal, or 0 */
};

int cb_lab_builds_add(struct cb_lab_builds *list, void *owner, unsigned int line, const char **argv)
{
	struct cb_lab_build **more = realloc(list->b, (list->n + 1) * sizeof(struct cb_lab_build *));
	struct cb_lab_build *b = more ? calloc(1, sizeof(*b)) : NULL;

	if (more)
		list->b = more;
	if (!b) {
		free(argv);
		return -ENOMEM;
	}
	b->owner = owner;
	b->line = line;
	b->argv = argv;
	list->b[list->n++] = b;
	return 0;
}

static void *work(void *ctx)
{
	struct work *w = ctx;
	size_t i;

	while (!w->caught && (i = atomic_fetch_add(&w->next, 1)) < w->list->n) {
		struct cb_lab_build *b = w->list->b[i];
		struct cb_lab_prog p = {.argv = b->argv, .tmp = w->tmp};
		struct cb_lab_hold h = *w->hold; /* what it caught is this thread's */

		b->err = cb_lab_prog_run(&p, &h, &b->said, &b->why);
		if (h.caught)
			w->caught = h.caught;
	}
	return NULL;
}

int cb_lab_builds_run(struct cb_lab_builds *list, const char *tmp, struct cb_lab_hold *h, struct cb_err *e)
{
	struct work w = {.list = list, .hold = h, .tmp = tmp};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MAX];
	size_t n = 0;

	/* this thread is one of them */
	while (n + 1 < list->n && n < THREADS_MAX && (long)n + 1 < cpus && !pthread_create(&threads[n], NULL, work, &w))
		n++;
	work(&w);
	while (n)
		pthread_join(threads[--n], NULL);
	if (!w.caught)
		return 0;
	h->caught = w.caught;
	return cb_fail(e, EINTR, "interrupted");
}

void cb_lab_builds_free(struct cb_lab_builds *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->b[i]->argv);
		cb_buf_free(&list->b[i]->said);
		free(list->b[i]);
	}
	free(list->b);
	*list = (struct cb_lab_builds){0};
}
