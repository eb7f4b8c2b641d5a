// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * collect.c - see collect.h.
 *
 * includes.c finds what a source includes, by the names that the server will know: each directory is a place of its own, whose
 * files this file reads. An #include in a branch that is not taken sends a header too many, which does no harm; one whose name
 * is a macro is not found, which the server then says.
 */
#include "service/collect.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/includes.h"
#include "service/api.h"

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "out of memory");
}

/* ---- Flags and directories -------------------------------------------------------------------------------------- */

/* With a zero behind it. */
static char *memdup(const void *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, data, len);
		copy[len] = '\0';
	}
	return copy;
}

static size_t dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

static int add_root(struct cb_collected *c, char *dir, char *sent, struct cb_err *e)
{
	struct cb_collect_root *more = reallocarray(c->roots, c->nroots + 1, sizeof(*more));

	c->roots = more ? more : c->roots;
	if (!more || !dir || !sent) {
		free(dir);
		free(sent);
		return no_memory(e);
	}
	c->roots[c->nroots++] = (struct cb_collect_root){.dir = dir, .sent = sent};
	return 0;
}

/* Where dir is below the source's directory: "include", or "" for that itself; NULL when it is elsewhere. With all symbolic
 * links followed: what is meant is the place. */
static const char *below_source(const struct cb_collected *c, const char *dir, char place[PATH_MAX])
{
	char base[PATH_MAX];
	size_t n;

	if (!realpath(*c->roots[0].dir ? c->roots[0].dir : ".", base) || !realpath(dir, place))
		return NULL;
	n = strlen(base);
	if (strncmp(base, place, n) || (place[n] && place[n] != '/'))
		return NULL;
	return place[n] ? place + n + 1 : "";
}

/* -I takes less than names of headers may have. */
static bool can_be_sent(const char *below)
{
	char flag[PATH_MAX + 2];

	snprintf(flag, sizeof(flag), "-I%s", *below ? below : ".");
	return !cb_api_check_flag(flag, NULL);
}

static char *name_to_send(const struct cb_collected *c, const char *dir)
{
	char place[PATH_MAX], *sent = NULL;
	const char *below = below_source(c, dir, place);
	size_t elsewhere = 1;

	for (size_t i = 1; i < c->nroots; i++)
		elsewhere += !strncmp(c->roots[i].sent, "_I", 2);
	if (!below || !can_be_sent(below))
		return asprintf(&sent, "_I%zu/", elsewhere) < 0 ? NULL : sent;
	return asprintf(&sent, *below ? "%s/" : "%s", below) < 0 ? NULL : sent;
}

static int add_include_dir(struct cb_collected *c, const char *dir, struct cb_err *e)
{
	size_t n = strlen(dir);
	char *with_slash = NULL;

	if (asprintf(&with_slash, n && dir[n - 1] != '/' ? "%s/" : "%s", dir) < 0)
		with_slash = NULL;
	return add_root(c, with_slash, name_to_send(c, dir), e);
}

/* Takes over text (malloc'd, or NULL without memory). */
static int add_flag(struct cb_collected *c, char *text, struct cb_err *e)
{
	char **more = text ? reallocarray(c->flags, c->nflags + 2, sizeof(*more)) : NULL;

	if (!more) {
		free(text);
		return no_memory(e);
	}
	c->flags = more;
	c->flags[c->nflags++] = text;
	c->flags[c->nflags] = NULL;
	return cb_api_check_flag(text, e);
}

static int add_include_flag(struct cb_collected *c, const char *dir, struct cb_err *e)
{
	const struct cb_collect_root *root;
	char *text = NULL;
	int err = add_include_dir(c, dir, e);

	if (err)
		return err;
	root = &c->roots[c->nroots - 1];
	if (*root->sent ? asprintf(&text, "-I%.*s", (int)strlen(root->sent) - 1, root->sent) < 0
			: !(text = strdup("-I.")))
		text = NULL;
	return add_flag(c, text, e);
}

/* -D NAME, as two texts, is one flag. */
static int add_flags(struct cb_collected *c, const char *const *cflags, struct cb_err *e)
{
	int err = 0;

	for (; !err && cflags && *cflags; cflags++) {
		const char *flag = *cflags, *value = flag + 2;
		char letter = flag[0] == '-' ? flag[1] : '\0';
		char *text = NULL;

		if (letter && strchr("DUI", letter) && !*value && cflags[1])
			value = *++cflags;
		if (letter == 'I' && *value)
			err = add_include_flag(c, value, e);
		else if (letter == 'D' || letter == 'U')
			err = add_flag(c, asprintf(&text, "-%c%s", letter, value) < 0 ? NULL : text, e);
		else
			err = add_flag(c, strdup(flag), e);
	}
	return err;
}

/* ---- Headers ---------------------------------------------------------------------------------------------------- */

/* A directory as a place for includes.c, and what was read from there. */
struct place {
	const struct cb_collected *collected;
	const struct cb_collect_root *root;
	struct text *texts;
	bool failed;   /* no memory */
	char *outside; /* a header that is a link to elsewhere, or NULL */
};

struct text {
	struct text *next;
	char *data;
};

/* What is not a regular file that can be read (a pipe, a directory) is not there. */
static int read_regular(const char *path, char **data, size_t *len)
{
	struct stat st;

	return stat(path, &st) || !S_ISREG(st.st_mode) ? -ENOENT : cb_file_read(path, CB_SOURCE_MAX, data, len, NULL);
}

/* Is it, with symbolic links followed, in a directory that the user has named? Who writes a source may put a link beside it, to
 * a file that was never to leave this machine. */
static bool is_given(const struct cb_collected *c, const char *path)
{
	char file[PATH_MAX], dir[PATH_MAX];

	if (!realpath(path, file))
		return false;
	for (size_t i = 0; i < c->nroots; i++) {
		size_t n;

		if (!realpath(*c->roots[i].dir ? c->roots[i].dir : ".", dir))
			continue;
		n = strlen(dir);
		if (!strncmp(file, dir, n) && (file[n] == '/' || !strcmp(dir, "/")))
			return true;
	}
	return false;
}

static const char *find_below(void *ctx, const char *name, size_t *len)
{
	struct place *p = ctx;
	struct text *text = malloc(sizeof(*text));
	char path[PATH_MAX];
	int err = text ? 0 : -ENOMEM;

	if (!err && snprintf(path, sizeof(path), "%s%s", p->root->dir, name) >= (int)sizeof(path))
		err = -ENAMETOOLONG;
	if (!err)
		err = read_regular(path, &text->data, len);
	if (!err && !is_given(p->collected, path)) {
		free(text->data);
		if (!p->outside)
			p->outside = strdup(path);
		err = p->outside ? -EACCES : -ENOMEM;
	}
	if (err) {
		p->failed |= err == -ENOMEM;
		free(text);
		return NULL;
	}
	text->next = p->texts;
	p->texts = text;
	return text->data;
}

static bool is_there_already(const struct cb_collected *c, const char *sent)
{
	for (size_t i = 0; i < c->nheaders; i++)
		if (!strcmp(c->headers[i].name, sent))
			return true;
	return false;
}

/* One directory may be two places (beside the source, and -I): a header of both is one. */
static int add_header(struct cb_collected *c, const struct cb_collect_root *root, const struct cb_included *f,
		      struct cb_err *e)
{
	struct cb_header *h = &c->headers[c->nheaders];
	char *sent = NULL;

	if (asprintf(&sent, "%s%s", root->sent, f->name) < 0)
		return no_memory(e);
	if (is_there_already(c, sent)) {
		free(sent);
		return 0;
	}
	*h = (struct cb_header){.name = sent, .text = memdup(f->text, f->len), .len = f->len};
	c->nheaders++;
	return h->text ? cb_api_check_name(sent, e) : no_memory(e);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct cb_header *)a)->name, ((const struct cb_header *)b)->name);
}

/* "../up.h", which is there: to a server the source's directory is all that there is. */
static int check_missing(const struct cb_collected *c, const struct cb_includes *in, struct cb_err *e)
{
	for (size_t i = 0; i < in->nmissing; i++) {
		const char *name = in->missing[i];
		char path[PATH_MAX];

		if (strncmp(name, "../", 3) && !strstr(name, "/../"))
			continue;
		for (size_t k = 0; k < c->nroots; k++) {
			snprintf(path, sizeof(path), "%s%s", c->roots[k].dir, name);
			if (!access(path, F_OK))
				return cb_fail(
					e, EINVAL,
					"%s includes %s, which is above %s and so cannot be sent to a server; give "
					"its directory by -I, and include it without ..",
					c->path, path, *c->roots[k].dir ? c->roots[k].dir : "its directory");
		}
	}
	return 0;
}

static int take(struct cb_collected *c, const struct cb_includes *in, size_t source_len, struct cb_err *e)
{
	size_t bytes = source_len;
	int err = check_missing(c, in, e);

	if (err)
		return err;
	c->headers = calloc(in->n ? in->n : 1, sizeof(*c->headers));
	if (!c->headers)
		return no_memory(e);
	c->nheaders = 0;
	for (size_t i = 0; i < in->n && !err; i++) {
		err = add_header(c, &c->roots[in->list[i].place], &in->list[i], e);
		bytes += in->list[i].len;
	}
	if (!err && (c->nheaders > CB_HEADERS_MAX || bytes > CB_SOURCE_MAX))
		err = cb_fail(e, E2BIG, "%s includes more than a server takes: %d headers, %d bytes", c->path,
			      CB_HEADERS_MAX, CB_SOURCE_MAX);
	qsort(c->headers, c->nheaders, sizeof(*c->headers), by_name);
	return err;
}

static void free_places(struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(places[i].outside);
		for (struct text *t = places[i].texts, *next; t; t = next) {
			next = t->next;
			free(t->data);
			free(t);
		}
	}
	free(places);
}

static int check_place(const struct place *p, struct cb_err *e)
{
	if (p->failed)
		return no_memory(e);
	return p->outside
		       ? cb_fail(e, EINVAL,
				 "%s includes %s, which is a link to a place that was not named, and so is not sent to "
				 "a server; give the directory that it leads to by -I",
				 p->collected->path, p->outside)
		       : 0;
}

static int find_headers(struct cb_collected *c, const char *text, size_t len, struct cb_err *e)
{
	struct place *places = calloc(c->nroots, sizeof(*places));
	struct cb_include_place *search = calloc(c->nroots, sizeof(*search));
	struct cb_includes in = {0};
	int err;

	if (!places || !search) {
		free(places);
		free(search);
		return no_memory(e);
	}
	for (size_t i = 0; i < c->nroots; i++) {
		places[i].collected = c;
		places[i].root = &c->roots[i];
		search[i] = (struct cb_include_place){.find = find_below, .ctx = &places[i], .dir = -1, .quoted = !i};
	}
	err = cb_includes_of(text, len, 0, search, c->nroots, &in, e);
	for (size_t i = 0; i < c->nroots && !err; i++)
		err = check_place(&places[i], e);
	if (!err)
		err = take(c, &in, len, e);
	cb_includes_free(&in);
	free_places(places, c->nroots);
	free(search);
	return err;
}

int cb_collect(struct cb_collected *c, const char *path, const char *text, size_t len, const char *const *cflags,
	       struct cb_err *e)
{
	int err;

	*c = (struct cb_collected){.path = path};
	err = add_root(c, strndup(path, dir_len(path)), strdup(""), e);
	if (!err)
		err = add_flags(c, cflags, e);
	if (!err && c->nflags > CB_FLAGS_MAX)
		err = cb_fail(e, E2BIG, "a server takes at most %d flags", CB_FLAGS_MAX);
	return err ? err : find_headers(c, text, len, e);
}

char *cb_collected_name(const struct cb_collected *c, const char *sent)
{
	const char *base = c->path + dir_len(c->path);
	const struct cb_collect_root *best = &c->roots[0];
	char *name = NULL;

	if (!strcmp(sent, base))
		return strdup(c->path);
	/* only what was sent is the user's: a name in another place is the server's own */
	for (size_t i = 0; i < c->nheaders; i++) {
		if (strcmp(c->headers[i].name, sent))
			continue;
		for (size_t k = 1; k < c->nroots; k++)
			if (!strncmp(sent, c->roots[k].sent, strlen(c->roots[k].sent)) &&
			    strlen(c->roots[k].sent) > strlen(best->sent))
				best = &c->roots[k];
		return asprintf(&name, "%s%s", best->dir, sent + strlen(best->sent)) < 0 ? NULL : name;
	}
	return strdup(sent);
}

void cb_collected_free(struct cb_collected *c)
{
	for (size_t i = 0; i < c->nheaders; i++) {
		free((char *)c->headers[i].name);
		free((char *)c->headers[i].text);
	}
	for (size_t i = 0; i < c->nroots; i++) {
		free(c->roots[i].dir);
		free(c->roots[i].sent);
	}
	for (size_t i = 0; i < c->nflags; i++)
		free(c->flags[i]);
	free(c->headers);
	free(c->roots);
	free(c->flags);
}
