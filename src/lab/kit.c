// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kit.c - see kit.h.
 *
 * Sources are compiled by "coolbpf build", against this machine's BTF for its own architecture, and for another one against
 * that of the kernel at hand: struct pt_regs and the syscalls are the architecture's. What was compiled on one kernel's types is
 * fitted to each other one by CO-RE when it is loaded.
 */
#include "lab/kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/libs.h"
#include "lab/store.h"

int cb_lab_kit_open(struct cb_lab_kit *kit, const struct cb_lab_options *o, struct cb_err *e)
{
	*kit = (struct cb_lab_kit){.o = o};
	return cb_lab_scratch_open(&kit->dir, e);
}

static void free_made(struct cb_lab_made *m)
{
	for (size_t i = 0; m->built && m->built[i]; i++)
		free(m->built[i]);
	free(m->built);
	cb_lab_words_free(&m->found);
	free(m->object);
	free(m->no_object);
	free(m->workload);
	free(m->wrong);
	free(m->not_here);
	free(m);
}

void cb_lab_kit_close(struct cb_lab_kit *kit)
{
	for (size_t i = 0; i < kit->n; i++)
		free_made(kit->made[i]);
	free(kit->made);
	cb_lab_builds_free(&kit->builds);
	cb_lab_scratch_close(&kit->dir);
	*kit = (struct cb_lab_kit){0};
}

/* ---- What is wrong with a test -------------------------------------------------------------------------------------- */

/* 0, as the lab goes on without this test; or -ENOMEM. The first reason stays. */
static int wrong(struct cb_lab_made *m, unsigned int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int wrong(struct cb_lab_made *m, unsigned int line, const char *fmt, ...)
{
	struct cb_err why = {0};
	va_list ap;

	if (m->wrong)
		return 0;
	va_start(ap, fmt);
	vsnprintf(why.text, sizeof(why.text), fmt, ap);
	va_end(ap);
	if (line)
		cb_fail_in(&why, 0, "%s:%u", m->test->path, line);
	m->wrong = strdup(why.text);
	return m->wrong ? 0 : -ENOMEM;
}

/* Is this file there, and can it run in the guest? -EINTR, -ENOMEM. */
static int check_file(struct cb_lab_made *m, unsigned int line, const char *path)
{
	struct cb_lab_libs libs = {0};
	struct cb_err why = {0};
	struct stat st;
	char number[32];
	const char *arch;
	bool dynamic;
	int err;

	if (stat(path, &st) || access(path, R_OK))
		return wrong(m, line, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return wrong(m, line, "%s is no regular file", path);
	arch = cb_lab_program_arch(path, &dynamic, number);
	if (!arch || !dynamic)
		return 0;
	if (strcmp(arch, m->arch)) {
		if (!m->not_here && asprintf(&m->not_here, "%s is a program for %s", path, arch) < 0)
			m->not_here = NULL;
		return m->not_here ? 0 : -ENOMEM;
	}
	err = cb_lab_libs(path, &libs, &why);
	cb_lab_libs_free(&libs);
	if (err == -EINTR || err == -ENOMEM)
		return err;
	return err ? wrong(m, line, "%s", why.text) : 0;
}

/* ---- Programs that build --------------------------------------------------------------------------------------------- */

static char *new_file(struct cb_lab_kit *kit, const char *end)
{
	char *path;

	return asprintf(&path, "%s/%u%s", kit->dir.path, ++kit->files, end) < 0 ? NULL : path;
}

/* line: where the test says it, 0: nowhere; flags: NULL, or what the compiler gets. */
static int compile(struct cb_lab_kit *kit, struct cb_lab_made *m, const struct cb_lab_kernel *k, unsigned int line,
		   const char *source, const struct cb_lab_words *flags, const char *out)
{
	const char **argv = calloc((flags ? flags->n : 0) + 12, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		return -ENOMEM;
	argv[n++] = kit->o->builder;
	argv[n++] = "build";
	argv[n++] = "-o";
	argv[n++] = out;
	if (!cb_lab_is_native(k->arch)) {
		argv[n++] = "--arch";
		argv[n++] = k->arch;
		argv[n++] = "--btf";
		argv[n++] = k->image;
	}
	for (size_t i = 0; flags && i < flags->n; i++)
		argv[n++] = flags->w[i];
	argv[n++] = source;
	return cb_lab_builds_add(&kit->builds, m, line, argv);
}

/* The same source for the same architecture, of another test. */
static const struct cb_lab_made *built_before(const struct cb_lab_kit *kit, const struct cb_lab_made *m)
{
	for (size_t i = 0; i < kit->n; i++) {
		const struct cb_lab_made *other = kit->made[i];

		if (other != m && other->test->kind == CB_LAB_RUN && !strcmp(other->arch, m->arch) &&
		    !strcmp(other->test->subject, m->test->subject))
			return other;
	}
	return NULL;
}

static bool is_source(const char *path)
{
	size_t n = strlen(path);

	return n > 2 && !strcmp(path + n - 2, ".c");
}

static int make_object(struct cb_lab_kit *kit, struct cb_lab_made *m, const struct cb_lab_kernel *k)
{
	const struct cb_lab_made *before = built_before(kit, m);

	if (access(m->test->subject, R_OK))
		return wrong(m, m->test->subject_line, "%s: %s", m->test->subject, strerror(errno));
	if (before && before->object) {
		m->same = before->same ? before->same : before;
		m->object = strdup(before->object);
		return m->object ? 0 : -ENOMEM;
	}
	if (!is_source(m->test->subject)) {
		m->object = strdup(m->test->subject);
		return m->object ? 0 : -ENOMEM;
	}
	m->object = new_file(kit, ".bpf.o");
	return m->object ? compile(kit, m, k, 0, m->test->subject, NULL, m->object) : -ENOMEM;
}

static const char *c_compiler(const char *arch)
{
	const char *named = getenv("CC");

	if (!cb_lab_is_native(arch))
		return !strcmp(arch, "arm64") ? "aarch64-linux-gnu-gcc" : "x86_64-linux-gnu-gcc";
	return named && *named ? named : "cc";
}

static int run_cc(struct cb_lab_kit *kit, struct cb_lab_made *m, const struct cb_lab_cc *cc, const char *out)
{
	static const char *const flags[] = {"-static", "-O2", "-g", "-o"};
	enum { FLAGS = sizeof(flags) / sizeof(*flags) };
	const char **argv = calloc(cc->flags.n + FLAGS + 4, sizeof(*argv));
	size_t n = 1;

	if (!argv)
		return -ENOMEM;
	argv[0] = c_compiler(m->arch);
	for (size_t i = 0; i < FLAGS; i++)
		argv[n++] = flags[i];
	argv[n++] = out;
	argv[n++] = cc->source;
	for (size_t i = 0; i < cc->flags.n; i++) /* libraries stand behind what wants them */
		argv[n++] = cc->flags.w[i];
	return cb_lab_builds_add(&kit->builds, m, cc->line, argv);
}

static int make_sources(struct cb_lab_kit *kit, struct cb_lab_made *m, const struct cb_lab_kernel *k)
{
	int err = 0;

	if (!m->test->n_ccs)
		return 0;
	m->built = calloc(m->test->n_ccs + 1, sizeof(*m->built));
	for (size_t i = 0; m->built && !err && i < m->test->n_ccs; i++) {
		const struct cb_lab_cc *cc = &m->test->ccs[i];

		m->built[i] = new_file(kit, "");
		if (!m->built[i])
			err = -ENOMEM;
		else if (cc->bpf)
			err = compile(kit, m, k, cc->line, cc->source, &cc->flags, m->built[i]);
		else
			err = run_cc(kit, m, cc, m->built[i]);
	}
	return m->built ? err : -ENOMEM;
}

/* ---- A test ---------------------------------------------------------------------------------------------------------- */

static int make_workload(struct cb_lab_made *m)
{
	const struct cb_lab_test *t = m->test;
	struct cb_err why = {0};
	size_t len;

	if (t->workload) {
		m->workload = strdup(t->workload);
		return m->workload ? 0 : -ENOMEM;
	}
	if (t->workload_file && cb_file_read(t->workload_file, CB_LAB_SPEC_MAX, &m->workload, &len, &why))
		return wrong(m, t->workload_line, "%s", why.text);
	return 0;
}

static int find_programs(struct cb_lab_made *m)
{
	const struct cb_lab_test *t = m->test;
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; !err && !m->wrong && i < t->programs.n; i++) {
		const char *name = t->programs.w[i];

		if (!cb_lab_prog_find(name, path, sizeof(path)))
			return wrong(m, 0, "%s: there is no program %s here, which this test puts into the guest",
				     t->path, name);
		err = cb_lab_words_add(&m->found, strdup(path)) ? check_file(m, 0, path) : -ENOMEM;
	}
	return err;
}

static int make(struct cb_lab_kit *kit, struct cb_lab_made *m, const struct cb_lab_kernel *k)
{
	const struct cb_lab_test *t = m->test;
	int err = make_workload(m);

	for (size_t i = 0; !err && i < t->n_files; i++)
		err = check_file(m, t->files[i].line, t->files[i].host);
	if (!err)
		err = find_programs(m);
	if (!err && t->kind == CB_LAB_TAP)
		err = check_file(m, t->subject_line, t->subject);
	if (!err && !m->wrong && !m->not_here && t->kind == CB_LAB_RUN)
		err = make_object(kit, m, k);
	if (!err && !m->wrong && !m->not_here)
		err = make_sources(kit, m, k);
	return err;
}

int cb_lab_kit_make(struct cb_lab_kit *kit, const struct cb_lab_test *t, const struct cb_lab_kernel *k,
		    const struct cb_lab_made **out, struct cb_err *e)
{
	struct cb_lab_made **more, *m;
	int err;

	for (size_t i = 0; i < kit->n; i++) {
		*out = kit->made[i];
		if ((*out)->test == t && !strcmp((*out)->arch, k->arch))
			return 0;
	}
	more = realloc(kit->made, (kit->n + 1) * sizeof(struct cb_lab_made *));
	if (more)
		kit->made = more;
	m = more ? calloc(1, sizeof(*m)) : NULL;
	if (!m)
		return cb_fail(e, ENOMEM, "out of memory");
	*m = (struct cb_lab_made){.test = t, .arch = k->arch};
	kit->made[kit->n++] = m;
	*out = m;
	err = make(kit, m, k);
	return err == -ENOMEM ? cb_fail(e, ENOMEM, "out of memory") : err;
}

/* What a build that failed means for its test. */
static int take_build(const struct cb_lab_build *b)
{
	enum { TEXT = 4000 };
	struct cb_lab_made *m = b->owner;
	bool said = b->err == -ECHILD && b->said.len;
	const char *text = said ? b->said.data : b->why.text;
	size_t len = said ? b->said.len : strlen(text);

	if (!b->err || b->err == -ENOMEM)
		return b->err;
	if (!b->line) { /* the tool itself, which others may run too */
		m->no_object = strndup(text, len < TEXT ? len : TEXT);
		return m->no_object ? 0 : -ENOMEM;
	}
	return wrong(m, b->line, "%.*s", (int)(len < TEXT ? len : TEXT), text);
}

int cb_lab_kit_build(struct cb_lab_kit *kit, struct cb_err *e)
{
	int err = cb_lab_builds_run(&kit->builds, kit->dir.path, kit->o->hold, e);

	if (err)
		return err;
	for (size_t i = 0; !err && i < kit->builds.n; i++)
		err = take_build(kit->builds.b[i]);
	for (size_t i = 0; !err && i < kit->n; i++) {
		const struct cb_lab_made *from = kit->made[i]->same ? kit->made[i]->same : kit->made[i];

		if (from->no_object)
			err = wrong(kit->made[i], 0, "%s", from->no_object);
	}
	cb_lab_builds_free(&kit->builds);
	return err ? cb_fail(e, ENOMEM, "out of memory") : 0;
}
