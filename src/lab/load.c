// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* load.c - see load.h. */
#include "lab/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list's, from then on; NULL: no memory. */
static char *text(struct cb_lab_load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static char *text(struct cb_lab_load *l, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return cb_lab_words_add(&l->texts, s) ? s : NULL;
}

/* A list of n strings, to be filled in, with a NULL behind them. */
static const char **list(struct cb_lab_load *l, size_t n)
{
	const char ***more = realloc(l->lists, (l->n_lists + 1) * sizeof(*more));
	const char **s = more ? calloc(n + 1, sizeof(*s)) : NULL;

	if (more)
		l->lists = more;
	if (s)
		l->lists[l->n_lists++] = s;
	return s;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* path is relative to the test's directory, or absolute. -EEXIST: another test wants another file there. */
static int add_file(struct cb_lab_load *l, size_t row, const char *path, struct cb_lab_file f)
{
	struct cb_lab_file *more = realloc(l->files, (l->n_files + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->files = more;
	f.path = *path == '/' ? text(l, "%s", path) : text(l, "/lab/%zu/%s", row, path);
	if (!f.path)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_files; i++) /* two tests put the same file where both want it */
		if (!strcmp(l->files[i].path, f.path))
			return same_text(l->files[i].host, f.host) && same_text(l->files[i].link, f.link) &&
					       l->files[i].data == f.data
				       ? 0
				       : -EEXIST;
	l->files[l->n_files++] = f;
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- What runs ------------------------------------------------------------------------------------------------------- */

static const char **argv_of(struct cb_lab_load *l, const struct cb_lab_test *t, const char *const *first, size_t n)
{
	const char **argv = list(l, n + t->args.n);

	if (!argv)
		return NULL;
	for (size_t i = 0; i < n; i++)
		argv[i] = first[i];
	for (size_t i = 0; i < t->args.n; i++)
		argv[n + i] = t->args.w[i];
	return argv;
}

/* The object is called after the tool, whose name shows in what it says. */
static const char **run_argv(struct cb_lab_load *l, const struct cb_lab_member *m, int *err)
{
	const char *base = base_name(m->test->subject);
	size_t n = strlen(base);
	const char *object = text(l, "%.*s.o", (int)(n - 2), base); /* .bpf.c or .bpf.o */
	const char *const first[] = {"coolbpf", "run", "-v", "-o", "json", object};

	if (object)
		*err = add_file(l, m->row, object, (struct cb_lab_file){.host = m->made->object});
	if (*err)
		return NULL;
	return argv_of(l, m->test, first, sizeof(first) / sizeof(*first));
}

static const char **tap_argv(struct cb_lab_load *l, const struct cb_lab_member *m, int *err)
{
	const char *base = base_name(m->test->subject);
	const char *program = text(l, "./%s", base);
	/* cmocka's programs print TAP when they are told to */
	const char *const first[] = {"/bin/busybox", "env", "CMOCKA_MESSAGE_OUTPUT=TAP", program};

	if (program)
		*err = add_file(l, m->row, base, (struct cb_lab_file){.host = m->test->subject});
	if (*err)
		return NULL;
	return argv_of(l, m->test, first, sizeof(first) / sizeof(*first));
}

/* NULL with *err, which is -ENOMEM before. */
static const char **job_argv(struct cb_lab_load *l, const struct cb_lab_member *m, int *err)
{
	switch (m->test->kind) {
	case CB_LAB_RUN:
		return run_argv(l, m, err);
	case CB_LAB_TAP:
		return tap_argv(l, m, err);
	default:
		return argv_of(l, m->test, NULL, 0);
	}
}

/* ---- Files ----------------------------------------------------------------------------------------------------------- */

/* Each program once, and a link to it for each test. */
static int add_program(struct cb_lab_load *l, const struct cb_lab_member *m, const char *name, const char *host)
{
	const char *path = text(l, "/lab/programs/%s", name);

	int err = path ? add_file(l, m->row, path, (struct cb_lab_file){.host = host, .mode = 0755}) : -ENOMEM;

	return err ? err : add_file(l, m->row, name, (struct cb_lab_file){.link = path});
}

static int add_files(struct cb_lab_load *l, const struct cb_lab_member *m)
{
	const struct cb_lab_test *t = m->test;
	int err = 0;

	for (size_t i = 0; !err && i < t->n_files; i++)
		err = add_file(l, m->row, t->files[i].guest, (struct cb_lab_file){.host = t->files[i].host});
	for (size_t i = 0; !err && i < t->n_ccs; i++)
		err = add_file(l, m->row, t->ccs[i].name,
			       (struct cb_lab_file){.host = m->made->built[i], .mode = t->ccs[i].bpf ? 0644 : 0755});
	for (size_t i = 0; !err && i < t->programs.n; i++)
		err = add_program(l, m, t->programs.w[i], m->made->found.w[i]);
	return err;
}

static int add_modules(struct cb_lab_load *l, const struct cb_lab_member *m, struct cb_lab_job *job)
{
	const char **paths = m->kos.n ? list(l, m->kos.n) : NULL;
	int err = m->kos.n && !paths ? -ENOMEM : 0;

	for (size_t i = 0; !err && i < m->kos.n; i++) {
		paths[i] = text(l, "/lab/%zu/%s.ko", m->row, m->kos.ko[i].name);
		err = paths[i] ? add_file(l, m->row, paths[i],
					  (struct cb_lab_file){.data = m->kos.ko[i].data, .len = m->kos.ko[i].len})
			       : -ENOMEM;
	}
	job->insmod = paths;
	return err;
}

/* ---- All ------------------------------------------------------------------------------------------------------------- */

static int add_job(struct cb_lab_load *l, const struct cb_lab_member *m, const struct cb_lab_options *o)
{
	const struct cb_lab_test *t = m->test;
	struct cb_lab_job *job = &l->jobs[l->n_jobs++];
	int err = -ENOMEM;

	*job = (struct cb_lab_job){
		.name = t->name,
		.dir = text(l, "/lab/%zu", m->row),
		.ready = t->kind == CB_LAB_RUN,
		.workload = m->made->workload,
		.duration = t->duration,
		.settle = t->settle,
		.timeout = o->timeout ? o->timeout : t->timeout,
		.memory = t->memory,
		.output = t->output,
		.processes = (unsigned int)t->processes,
		.no_ebpf = t->no_ebpf || o->no_ebpf,
		.veth = t->veth,
	};
	job->argv = job_argv(l, m, &err);
	if (!job->argv)
		return err;
	if (!job->dir)
		return -ENOMEM;
	err = add_files(l, m);
	return err ? err : add_modules(l, m, job);
}

int cb_lab_load_make(struct cb_lab_load *l, struct cb_lab_member *const *members, size_t n,
		     const struct cb_lab_options *o)
{
	int err = 0;

	*l = (struct cb_lab_load){.jobs = calloc(n + 1, sizeof(*l->jobs))};
	if (!l->jobs)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = add_job(l, members[i], o);
	if (err)
		cb_lab_load_free(l);
	return err;
}

void cb_lab_load_free(struct cb_lab_load *l)
{
	for (size_t i = 0; i < l->n_lists; i++)
		free(l->lists[i]);
	free(l->lists);
	free(l->files);
	free(l->jobs);
	cb_lab_words_free(&l->texts);
	*l = (struct cb_lab_load){0};
}
