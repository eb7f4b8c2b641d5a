// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * includes.c - see includes.h.
 *
 * A file that stands in the list already is not read again, and a list that grows while it is walked is the whole of the
 * recursion: a header that includes itself, by whatever path, costs nothing.
 */
#include "compile/includes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile/lex.h"

struct scan {
	struct cb_includes *out;
	const struct cb_include_place *places;
	size_t nplaces;
	struct cb_err *e;
};

/* A name that an #include gives. */
struct wanted {
	char name[PATH_MAX];
	bool quoted;
	int place;	      /* of the file that includes it, or -1 */
	const char *includer; /* its name there, or "" */
	int depth;
};

/* ---- Adding ----------------------------------------------------------------------------------------------------- */

static int no_memory(const struct scan *s)
{
	return cb_fail(s->e, ENOMEM, "out of memory");
}

/* One more for an array: a new one when its length is a power of two. */
static void *grown(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : reallocarray(array, n ? n * 2 : 1, size);
}

/* Takes f->owned. */
static int add(struct scan *s, struct cb_included f, const char *name)
{
	struct cb_includes *out = s->out;
	struct cb_included *list;
	int err = 0;

	if (out->n >= CB_INCLUDES_MAX)
		err = cb_fail(s->e, E2BIG, "more than %d headers are included", CB_INCLUDES_MAX);
	else if (f.depth > CB_INCLUDES_DEPTH)
		err = cb_fail(s->e, E2BIG, "headers include each other more than %d deep", CB_INCLUDES_DEPTH);
	else if (f.len > CB_INCLUDES_BYTES - out->bytes)
		err = cb_fail(s->e, E2BIG, "the headers that are included have more than %d bytes", CB_INCLUDES_BYTES);
	f.name = err ? NULL : strdup(name);
	list = f.name ? grown(out->list, out->n, sizeof(*list)) : NULL;
	if (!list) {
		free(f.name);
		free(f.owned);
		return err ? err : no_memory(s);
	}
	out->list = list;
	list[out->n++] = f;
	out->bytes += f.len;
	return 0;
}

bool cb_includes_misses(const struct cb_includes *in, const char *name)
{
	for (size_t i = 0; i < in->nmissing; i++)
		if (!strcmp(in->missing[i], name))
			return true;
	return false;
}

static int add_missing(struct scan *s, const char *name)
{
	struct cb_includes *out = s->out;
	char **missing, *copy;

	if (cb_includes_misses(out, name))
		return 0;
	if (out->nmissing >= CB_INCLUDES_MAX)
		return cb_fail(s->e, E2BIG, "more than %d headers are included and not there", CB_INCLUDES_MAX);
	copy = strdup(name);
	missing = copy ? grown(out->missing, out->nmissing, sizeof(*missing)) : NULL;
	if (!missing) {
		free(copy);
		return no_memory(s);
	}
	out->missing = missing;
	missing[out->nmissing++] = copy;
	return 0;
}

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

/* "a/./b/../c.h" as "a/c.h", in place; false when it leads out. */
static bool normalise(char *name)
{
	char *to = name;

	for (char *from = name; *from;) {
		size_t len = strcspn(from, "/");
		bool more = from[len];

		if (len == 2 && !memcmp(from, "..", 2)) {
			if (to == name)
				return false;
			for (to--; to > name && to[-1] != '/';)
				to--;
		} else if (len && !(len == 1 && *from == '.')) {
			memmove(to, from, len);
			to += len;
			if (more)
				*to++ = '/';
		}
		from += len + more;
	}
	*to = '\0';
	return to > name;
}

/* Of a place in memory: 1 found, 0 not there, or -errno. */
static int find_text(struct scan *s, int place, char *path, int depth)
{
	const struct cb_include_place *p = &s->places[place];
	struct cb_included f = {.library = p->library, .place = place, .depth = depth};
	int err;

	if (!normalise(path))
		return 0;
	for (size_t i = 0; i < s->out->n; i++)
		if (s->out->list[i].place == place && !strcmp(s->out->list[i].name, path))
			return 1;
	f.text = p->find(p->ctx, path, &f.len);
	if (!f.text)
		return 0;
	err = add(s, f, path);
	return err ? err : 1;
}

/* All of an open regular file; NULL when it cannot be read. *len may shrink. */
static char *read_all(int fd, size_t *len)
{
	char *text = malloc(*len + 1);
	size_t done = 0;
	ssize_t n = 1;

	while (text && done < *len && n > 0) {
		n = pread(fd, text + done, *len - done, (off_t)done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		free(text);
		return NULL;
	}
	*len = done;
	return text;
}

static int add_file(struct scan *s, int fd, const struct stat *st, int place, const char *path, int depth)
{
	struct cb_included f = {.library = s->places[place].library,
				.place = place,
				.depth = depth,
				.device = st->st_dev,
				.inode = st->st_ino,
				.len = (size_t)st->st_size};
	int err;

	for (size_t i = 0; i < s->out->n; i++)
		if (s->out->list[i].owned && s->out->list[i].device == f.device && s->out->list[i].inode == f.inode)
			return 1;
	if (st->st_size > CB_INCLUDES_BYTES)
		return cb_fail(s->e, E2BIG, "the header %s has more than %d bytes", path, CB_INCLUDES_BYTES);
	f.text = f.owned = read_all(fd, &f.len);
	if (!f.owned)
		return 0;
	err = add(s, f, path);
	return err ? err : 1;
}

/* Of a directory. What is not a regular file (a pipe, a device) is not there. */
static int find_file(struct scan *s, int place, char *path, int depth)
{
	const struct cb_include_place *p = &s->places[place];
	struct stat st;
	int found = 0, fd;

	if (p->inside && (*path == '/' || !normalise(path)))
		return 0;
	fd = openat(p->dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		found = add_file(s, fd, &st, place, path, depth);
	close(fd);
	return found;
}

static int find_in(struct scan *s, int place, const struct wanted *w, bool beside)
{
	size_t dir = 0, len = strlen(w->name);
	const char *slash = beside ? strrchr(w->includer, '/') : NULL;
	char path[PATH_MAX];

	if (slash)
		dir = (size_t)(slash - w->includer) + 1;
	if (dir + len >= sizeof(path))
		return 0;
	memcpy(path, w->includer, dir);
	memcpy(path + dir, w->name, len + 1);
	return s->places[place].find ? find_text(s, place, path, w->depth) : find_file(s, place, path, w->depth);
}

static int find(struct scan *s, const struct wanted *w)
{
	int found = w->quoted && w->place >= 0 && *w->name != '/' ? find_in(s, w->place, w, true) : 0;

	for (size_t i = 0; i < s->nplaces && !found; i++)
		if (w->quoted || !s->places[i].quoted)
			found = find_in(s, (int)i, w, false);
	if (!found)
		return add_missing(s, w->name);
	return found < 0 ? found : 0;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* What stands behind #include, up to the end of its line. */
static int read_include(struct scan *s, struct cb_lex *lx, struct wanted *w)
{
	const char *text, *end;

	if (cb_lex_next(lx) == CB_WORD_EOL)
		return 0;
	text = lx->text + 1;
	w->quoted = lx->kind == CB_WORD_STRING && *lx->text == '"';
	if (!w->quoted && !cb_lex_is(lx, '<')) {
		s->out->unknown = true;
		return 0;
	}
	/* (a name in <> is no row of words: it may hold "//") */
	for (end = text; end < lx->end && *end != '\n' && *end != (w->quoted ? '"' : '>');)
		end++;
	if (end == lx->end || *end == '\n' || end == text || (size_t)(end - text) >= sizeof(w->name) ||
	    memchr(text, '\0', (size_t)(end - text)))
		return 0;
	memcpy(w->name, text, (size_t)(end - text));
	w->name[end - text] = '\0';
	lx->at = end + 1;
	return find(s, w);
}

static int read_text(struct scan *s, const char *text, size_t len, struct wanted *w)
{
	struct cb_lex lx = cb_lex_of(text, len);
	int err = 0;

	while (!err && cb_lex_next(&lx) != CB_WORD_NONE) {
		if (lx.kind != CB_WORD_HASH || cb_lex_next(&lx) != CB_WORD_NAME)
			continue;
		if (cb_lex_says(&lx, "include", 7) || cb_lex_says(&lx, "include_next", 12) ||
		    cb_lex_says(&lx, "import", 6))
			err = read_include(s, &lx, w);
	}
	return err;
}

int cb_includes_of(const char *text, size_t len, int base, const struct cb_include_place *places, size_t nplaces,
		   struct cb_includes *out, struct cb_err *e)
{
	struct scan s = {.out = out, .places = places, .nplaces = nplaces, .e = e};
	struct wanted w = {.place = base, .includer = "", .depth = 1};
	int err;

	*out = (struct cb_includes){0};
	err = read_text(&s, text, len, &w);
	for (size_t i = 0; i < out->n && !err; i++) {
		const struct cb_included f = out->list[i];

		w.place = f.place;
		w.includer = f.name;
		w.depth = f.depth + 1;
		err = read_text(&s, f.text, f.len, &w);
	}
	return err;
}

void cb_includes_free(struct cb_includes *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->list[i].name);
		free(in->list[i].owned);
	}
	for (size_t i = 0; i < in->nmissing; i++)
		free(in->missing[i]);
	free(in->list);
	free(in->missing);
	*in = (struct cb_includes){0};
}
