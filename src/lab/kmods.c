// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kmods.c - modules of a kernel's own, by depmod's modules.dep (modules.dep(5)). A line is
 *
 *	kernel/drivers/net/veth.ko: kernel/a.ko kernel/b.ko.xz
 *
 * with all that it needs behind the colon; those are inserted from the last to the first. Built-in modules are
 * listed in modules.builtin.
 */
#include "lab/kmods.h"

#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "btf/unpack.h"
#include "lab/store.h"

enum { LIST_MAX = 16 << 20, MODULE_MAX = 256 << 20, SOFT_DEPTH = 4 };

void cb_lab_kos_free(struct cb_lab_kos *kos)
{
	for (size_t i = 0; i < kos->n; i++) {
		free(kos->ko[i].name);
		free(kos->ko[i].data);
	}
	free(kos->ko);
	*kos = (struct cb_lab_kos){0};
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

static char dashed(char c)
{
	return c == '-' ? '_' : c;
}

/* The name within a path: behind the last slash, before the dot. */
static const char *name_in(const char *path, size_t len, size_t *n)
{
	const char *slash = memrchr(path, '/', len), *name = slash ? slash + 1 : path, *dot;

	*n = len - (size_t)(name - path);
	dot = memchr(name, '.', *n);
	if (dot)
		*n = (size_t)(dot - name);
	return name;
}

bool cb_lab_module_is(const char *path, size_t len, const char *module)
{
	size_t n;
	const char *name = name_in(path, len, &n);

	if (!n || strlen(module) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (dashed(name[i]) != dashed(module[i]))
			return false;
	return true;
}

static int give(const char *path, size_t len, int (*each)(void *ctx, const char *path), void *ctx, struct cb_err *e)
{
	char text[PATH_MAX];

	if (len >= sizeof(text))
		return cb_fail(e, EINVAL, "a path in modules.dep is too long");
	memcpy(text, path, len);
	text[len] = '\0';
	if (strlen(text) != len || *text == '/' || strstr(text, ".."))
		return cb_fail(e, EINVAL, "modules.dep has a path that leads out of its directory: %s", text);
	return each(ctx, text);
}

/* The words of a line's right side from the last to the first, then the left side. */
static int walk_line(const char *line, size_t colon, size_t len, int (*each)(void *ctx, const char *path), void *ctx,
		     struct cb_err *e)
{
	size_t end = len;

	while (end > colon + 1) {
		size_t at = end;
		int err;

		while (at > colon + 1 && line[at - 1] != ' ')
			at--;
		err = at < end ? give(line + at, end - at, each, ctx, e) : 0;
		if (err)
			return err;
		end = at > colon + 1 ? at - 1 : at;
	}
	return give(line, colon, each, ctx, e);
}

int cb_lab_dep_walk(const char *dep, size_t len, const char *module, int (*each)(void *ctx, const char *path),
		    void *ctx, struct cb_err *e)
{
	while (len) {
		const char *newline = memchr(dep, '\n', len);
		size_t n = newline ? (size_t)(newline - dep) : len;
		const char *colon = memchr(dep, ':', n);

		if (colon && cb_lab_module_is(dep, (size_t)(colon - dep), module))
			return walk_line(dep, (size_t)(colon - dep), n, each, ctx, e);
		n += newline != NULL;
		dep += n;
		len -= n;
	}
	return cb_fail(e, ENOENT, "there is no module %s", module);
}

/* ---- The files --------------------------------------------------------------------------------------------------- */

static int read_module(const char *path, struct cb_buf *out, struct cb_err *e)
{
	char *data;
	size_t len;
	int err = cb_file_read(path, MODULE_MAX, &data, &len, e);

	if (err)
		return err;
	if (cb_packed(data, len))
		err = cb_unpack(data, len, MODULE_MAX, out, e);
	else
		*out = (struct cb_buf){.data = data, .len = len, .cap = len};
	if (out->data != data)
		free(data);
	if (!err && (out->len < SELFMAG || memcmp(out->data, ELFMAG, SELFMAG)))
		err = cb_fail(e, EBADMSG, "it is not an ELF file");
	return err ? cb_fail_in(e, err, "cannot use the module %s", path) : 0;
}

struct adding {
	const char *dir;
	struct cb_lab_kos *to;
	char *dep, *softdep, *alias; /* the files of depmod's */
	size_t dep_len;
	unsigned depth; /* of soft dependencies */
	struct cb_err *e;
};

static bool is_added(const struct adding *a, const char *path)
{
	for (size_t i = 0; i < a->to->n; i++)
		if (cb_lab_module_is(path, strlen(path), a->to->ko[i].name))
			return true;
	return false;
}

static int add_file(void *ctx, const char *path);

/* A module, or what has this alias: "alias PATTERN MODULE". The first that is there. */
static void add_if_there(struct adding *a, const char *name)
{
	char pattern[256], module[256];

	if (cb_lab_dep_walk(a->dep, a->dep_len, name, add_file, a, NULL) != -ENOENT)
		return;
	for (const char *p = a->alias; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (sscanf(p, "alias %255s %255s", pattern, module) == 2 && !fnmatch(pattern, name, 0) &&
		    cb_lab_dep_walk(a->dep, a->dep_len, module, add_file, a, NULL) != -ENOENT)
			return;
}

/* What should be there before this module, though no symbol says so: "softdep NAME pre: A B post: C" (an algorithm
 * that it asks for by name when it begins). */
static void add_soft(struct adding *a, const char *path)
{
	char name[256], word[256];
	int used;

	for (const char *p = a->softdep; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *at = p;

		used = 0; /* stays, where there is only "post:" */
		if (sscanf(at, "softdep %255s pre:%n", name, &used) != 1 || !used ||
		    !cb_lab_module_is(path, strlen(path), name))
			continue;
		for (at += used; sscanf(at, "%*[ ]%255[^ \n]%n", word, &used) == 1 && strcmp(word, "post:"); at += used)
			add_if_there(a, word);
	}
}

static int add_file(void *ctx, const char *path)
{
	struct adding *a = ctx;
	struct cb_lab_kos *to = a->to;
	struct cb_lab_ko *more;
	struct cb_buf data = {0};
	char full[PATH_MAX];
	size_t n;
	const char *name = name_in(path, strlen(path), &n);
	int err;

	if (a->depth < SOFT_DEPTH && !is_added(a, path)) {
		a->depth++;
		add_soft(a, path);
		a->depth--;
	}
	if (is_added(a, path))
		return 0;
	err = cb_lab_path(full, a->e, "%s/%s", a->dir, path);
	if (!err)
		err = read_module(full, &data, a->e);
	if (err) {
		cb_buf_free(&data);
		return err;
	}
	more = realloc(to->ko, (to->n + 1) * sizeof(*more));
	if (more) {
		to->ko = more;
		more[to->n] = (struct cb_lab_ko){.name = strndup(name, n), .data = data.data, .len = data.len};
		if (more[to->n].name) {
			to->n++;
			return 0;
		}
	}
	cb_buf_free(&data);
	return cb_fail(a->e, ENOMEM, "out of memory");
}

/* Is it listed in modules.builtin, one path a line? A kernel whose list is not there has none. */
static bool is_built_in(const char *dir, const char *name)
{
	char path[PATH_MAX], *text, *rest = NULL;
	bool found = false;
	size_t len;

	if (cb_lab_path(path, NULL, "%s/modules.builtin", dir) || cb_file_read(path, LIST_MAX, &text, &len, NULL))
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line && !found; line = strtok_r(NULL, "\n", &rest))
		found = cb_lab_module_is(line, strlen(line), name);
	free(text);
	return found;
}

/* One of depmod's files; one that is not there is empty. */
static char *read_list(const char *dir, const char *name, size_t *len)
{
	char path[PATH_MAX], *text;

	if (!cb_lab_path(path, NULL, "%s/%s", dir, name) && !cb_file_read(path, LIST_MAX, &text, len, NULL))
		return text;
	*len = 0;
	return strdup("");
}

static int add_module(struct adding *a, const char *name, struct cb_err *e)
{
	char path[PATH_MAX];
	size_t len;
	int err = cb_lab_path(path, e, "%s/modules.dep", a->dir);

	if (!err)
		err = cb_file_read(path, LIST_MAX, &a->dep, &a->dep_len, e);
	if (err)
		return err;
	a->softdep = read_list(a->dir, "modules.softdep", &len);
	a->alias = read_list(a->dir, "modules.alias", &len);
	if (!a->softdep || !a->alias)
		return cb_fail(e, ENOMEM, "out of memory");
	return cb_lab_dep_walk(a->dep, a->dep_len, name, add_file, a, e);
}

int cb_lab_modules(const struct cb_lab_kernel *k, const char *name, struct cb_lab_kos *add_to, struct cb_err *e)
{
	struct adding a = {.dir = k->modules, .to = add_to, .e = e};
	size_t before = add_to->n;
	int err;

	if (!k->modules)
		return cb_fail(e, ENOENT, "no modules of %s are known; give their directory: PATH,modules=DIR",
			       k->name);
	if (is_built_in(k->modules, name))
		return 0;
	err = add_module(&a, name, e);
	free(a.dep);
	free(a.softdep);
	free(a.alias);
	if (!err)
		return 0;
	while (add_to->n > before) {
		free(add_to->ko[--add_to->n].name);
		free(add_to->ko[add_to->n].data);
	}
	return cb_fail_in(e, err, "%s", k->name);
}
