// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* packages.c - a package with what it depends on, unpacked (see fetch.h). */
#include "lab/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKAGES = 48, NAME = 256, FIELD = 8192 };

struct work {
	struct cb_lab_apt *apt;
	const char *const *follow;
	char todo[PACKAGES][NAME]; /* "NAME=VERSION", or "NAME": its newest */
	unsigned n;
};

static bool is_followed(const struct work *w, const char *name)
{
	for (const char *const *f = w->follow; *f; f++)
		if (!strncmp(name, *f, strlen(*f)))
			return true;
	return false;
}

static bool is_known(const struct work *w, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < w->n; i++)
		if (!strncmp(w->todo[i], name, n) && (!w->todo[i][n] || w->todo[i][n] == '='))
			return true;
	return false;
}

/* One of Depends, without alternatives: "linux-kbuild-6.1 (>= 6.1.140-1)". */
static int add(struct work *w, const char *relation, struct cb_err *e)
{
	char name[NAME / 2] = "", op[4] = "", version[NAME / 2 - 2] = "";

	sscanf(relation, " %127[^ (:|,] (%3[<>=] %125[^ )])", name, op, version);
	if (!is_followed(w, name) || is_known(w, name))
		return 0;
	if (w->n == PACKAGES)
		return cb_fail(e, E2BIG, "%s depends on more than %d packages", w->todo[0], PACKAGES);
	snprintf(w->todo[w->n++], NAME, "%s%s%s", name, strcmp(op, "=") ? "" : "=", strcmp(op, "=") ? "" : version);
	return 0;
}

static int add_depends(struct work *w, const char *record, struct cb_err *e)
{
	char *field = malloc(FIELD), *rest = NULL;
	int err = 0;

	if (!field)
		return cb_fail(e, ENOMEM, "out of memory");
	if (cb_lab_apt_field(record, "Depends", field, FIELD))
		for (char *p = strtok_r(field, ",", &rest); p && !err; p = strtok_r(NULL, ",", &rest))
			err = add(w, p, e);
	free(field);
	return err;
}

static int unpack(struct work *w, const char *package, const char *root, struct cb_err *e)
{
	struct cb_buf record = {0};
	char size[32] = "0";
	int err = cb_lab_apt_record(w->apt, package, &record, e);

	if (!err) {
		cb_lab_apt_field(cb_buf_cstr(&record), "Size", size, sizeof(size));
		cb_say(w->apt->opts->log, CB_INFO, "fetching %s (%.1f MB)", package, strtod(size, NULL) / 1e6);
		err = add_depends(w, cb_buf_cstr(&record), e);
	}
	if (!err)
		err = cb_lab_apt_unpack(w->apt, package, root, e);
	cb_buf_free(&record);
	return err;
}

static int unpack_all(struct cb_lab_apt *a, const char *package, const char *const *follow, const char *root,
		      struct cb_err *e)
{
	struct work w = {.apt = a, .follow = follow, .n = 1};
	int err = 0;

	if ((size_t)snprintf(w.todo[0], NAME, "%s", package) >= NAME)
		return cb_fail(e, ENAMETOOLONG, "the package's name is too long: %.80s...", package);
	for (unsigned i = 0; i < w.n && !err; i++)
		err = unpack(&w, w.todo[i], root, e);
	return err;
}

int cb_lab_fetch_unpack(struct cb_lab_apt *a, const char *package, const char *const *follow, const char *root,
			struct cb_err *e)
{
	int err = unpack_all(a, package, follow, root, e);

	/* lists that are some days old name packages that were replaced since */
	if (err != -ENOENT || a->updated)
		return err;
	cb_lab_remove(root);
	err = cb_lab_apt_update(a, e);
	return err ? err : unpack_all(a, package, follow, root, e);
}

/* To ask for the record of a package that is not there is an error of apt's. */
static int is_there(struct cb_lab_apt *a, const char *name, bool *there, struct cb_err *e)
{
	struct cb_buf names = {0};
	int err = cb_lab_apt_names(a, name, &names, e);
	size_t n = strlen(name);
	const char *p = err ? "" : cb_buf_cstr(&names);

	while (*p && (strncmp(p, name, n) || p[n] != '\n'))
		p += strcspn(p, "\n") + 1;
	*there = *p;
	cb_buf_free(&names);
	return err;
}

int cb_lab_fetch_newest(struct cb_lab_apt *a, const char *name, char *text, size_t size, struct cb_err *e)
{
	struct cb_buf record = {0};
	char version[128];
	bool there;
	int err = is_there(a, name, &there, e);

	if (!err && !there && cb_lab_apt_is_old(a)) {
		err = cb_lab_apt_update(a, e);
		if (!err)
			err = is_there(a, name, &there, e);
	}
	if (!err && !there)
		err = cb_fail(e, ENOENT, "there is no package %s in these suites", name);
	if (!err)
		err = cb_lab_apt_record(a, name, &record, e);
	if (!err && (!cb_lab_apt_field(cb_buf_cstr(&record), "Version", version, sizeof(version)) ||
		     (size_t)snprintf(text, size, "%s=%s", name, version) >= size))
		err = cb_fail(e, EBADMSG, "the record of %s has no version", name);
	cb_buf_free(&record);
	return err;
}
