// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kbuild.c - out-of-tree modules for a kernel (see kernel.h).
 *
 * A copy of the directory is built in the cache's tmp/ by the kernel's own kbuild ("make -C HEADERS M=COPY
 * modules"), and the modules are kept in built/DIGEST, as 0-NAME.ko, 1-NAME.ko ... in the order in which they are
 * to be inserted.
 *
 * Headers of a newer release of Debian were made for a newer compiler and may have options in them that the host's
 * does not know. Those are taken out by a script around the compiler, one after the other as it complains, and the
 * build goes on.
 */
#include "lab/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/headers.h"

enum { DROPS = 16, OPTION = 128, MODULE_MAX = 256 << 20, MODULES = 64, SHOWN = 4000 };

struct build {
	const struct cb_lab_kernel *k;
	const char *dir; /* of the user's */
	const struct cb_lab_fetch *opts;
	struct cb_lab_store store;
	struct cb_lab_hold hold;
	struct cb_lab_headers headers;
	char copy[PATH_MAX];	     /* where it is built */
	char key[2 * CB_SHA256_HEX]; /* what it is kept by */
	char drops[DROPS][OPTION];   /* options of the compiler's that it has not */
	unsigned n_drops;
};

/* ---- What was built before --------------------------------------------------------------------------------------- */

static int add_ko(struct cb_lab_kos *to, const char *name, size_t n, char *data, size_t len, struct cb_err *e)
{
	struct cb_lab_ko *more = realloc(to->ko, (to->n + 1) * sizeof(*more));

	if (more) {
		to->ko = more;
		more[to->n] = (struct cb_lab_ko){.name = strndup(name, n), .data = data, .len = len};
		if (more[to->n].name) {
			to->n++;
			return 0;
		}
	}
	free(data);
	return cb_fail(e, ENOMEM, "out of memory");
}

/* Modules of the kernel's own that this file needs. modinfo reads them from the file. */
static int add_needed(struct build *b, const char *path, struct cb_lab_kos *to, struct cb_err *e)
{
	const char *const argv[] = {"modinfo", "-F", "depends", path, NULL};
	struct cb_buf out = {0};
	const struct cb_lab_prog p = {.argv = argv, .out = &out};
	char *rest = NULL;
	int err = cb_lab_prog_run(&p, &b->hold, NULL, e);

	if (!err && out.len)
		for (char *w = strtok_r((char *)cb_buf_cstr(&out), ",\n", &rest); w && !err;
		     w = strtok_r(NULL, ",\n", &rest)) {
			bool there = false;

			for (size_t i = 0; i < to->n && !there; i++)
				there = !strcmp(to->ko[i].name, w);
			err = there ? 0 : cb_lab_modules(b->k, w, to, e);
		}
	cb_buf_free(&out);
	return err;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_ko(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 3 && !strcmp(entry->d_name + n - 3, ".ko") && strchr(entry->d_name, '-');
}

/* 1: they were not built yet. */
static int take_built(struct build *b, struct cb_lab_kos *to, struct cb_err *e)
{
	char dir[PATH_MAX], path[PATH_MAX], *data;
	struct dirent **entries;
	size_t len;
	int err = cb_lab_store_path("built", b->key, dir, e), n;

	if (err)
		return err;
	n = scandir(dir, &entries, is_ko, by_number);
	if (n < 0)
		return errno == ENOENT ? 1 : cb_fail(e, errno, "cannot look into %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = strchr(entries[i]->d_name, '-') + 1;

		if (!err)
			err = cb_lab_path(path, e, "%s/%s", dir, entries[i]->d_name);
		if (!err)
			err = add_needed(b, path, to, e);
		if (!err)
			err = cb_file_read(path, MODULE_MAX, &data, &len, e);
		if (!err)
			err = add_ko(to, name, strlen(name) - 3, data, len, e);
		free(entries[i]);
	}
	free(entries);
	return err;
}

/* By its content, and by what it is built against. */
static int make_key(struct build *b, struct cb_err *e)
{
	char tree[CB_SHA256_HEX];
	struct cb_buf all = {0};
	int err = cb_lab_tree_digest(b->dir, NULL, tree, e);

	if (err)
		return err;
	cb_buf_printf(&all, "%s %s %s %s", tree, b->k->release, b->k->package ? b->k->package : b->k->name,
		      b->k->source ? b->k->source : "");
	cb_sha256_hex(all.data, all.len, b->key);
	err = all.failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
	cb_buf_free(&all);
	return err;
}

/* ---- The compiler ------------------------------------------------------------------------------------------------ */

/* An option that it does not know, out of its complaint; false: that is not what went wrong. */
static bool take_unknown(struct build *b, const char *said)
{
	static const char says[] = "unrecognized command-line option '";
	const char *at = strstr(said, says), *end;

	at = at ? at + sizeof(says) - 1 : NULL;
	end = at ? strchr(at, '\'') : NULL;
	if (!end || *at != '-' || end - at >= OPTION || b->n_drops == DROPS ||
	    at[strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=_.,+-")] != '\'')
		return false;
	for (unsigned i = 0; i < b->n_drops; i++)
		if (!strncmp(b->drops[i], at, (size_t)(end - at)) && !b->drops[i][end - at])
			return false; /* it is not we who pass it */
	snprintf(b->drops[b->n_drops++], OPTION, "%.*s", (int)(end - at), at);
	return true;
}

/* The options that say the same to an older compiler. Source: the kernel's own Makefile, where the newer one is not
 * there. */
static const char *older_form(const char *option, char text[OPTION])
{
	static const char newer[] = "-fmin-function-alignment=";

	if (strncmp(option, newer, sizeof(newer) - 1))
		return NULL;
	snprintf(text, OPTION, "-falign-functions=%.32s", option + sizeof(newer) - 1);
	return text;
}

static int write_compiler(struct build *b, char path[PATH_MAX], struct cb_err *e)
{
	struct cb_buf text = {0};
	char older[OPTION];
	int err = cb_lab_path(path, e, "%s/cc", b->store.tmp);

	cb_buf_str(&text, "#!/bin/sh\nfor word; do\n\tshift\n\tcase $word in\n");
	for (unsigned i = 0; i < b->n_drops; i++)
		if (older_form(b->drops[i], older))
			cb_buf_printf(&text, "\t%s) set -- \"$@\" %s ;;\n", b->drops[i], older);
		else
			cb_buf_printf(&text, "\t%s) ;;\n", b->drops[i]);
	cb_buf_printf(&text, "\t*) set -- \"$@\" \"$word\" ;;\n\tesac\ndone\nexec %s \"$@\"\n", b->headers.cc);
	if (!err)
		err = text.failed ? cb_fail(e, ENOMEM, "out of memory")
				  : cb_file_write(path, text.data, text.len, 0755, e);
	cb_buf_free(&text);
	return err;
}

/* ---- Building ---------------------------------------------------------------------------------------------------- */

/* With the user's paths; make's words only where make is asked for. */
static void put_said(const struct build *b, const char *said, bool make, struct cb_buf *text)
{
	size_t n = strlen(b->copy);

	for (const char *p = said; *p && text->len < SHOWN;) {
		size_t len = strcspn(p, "\n");
		const char *at = memmem(p, len, b->copy, n);

		if (make || strncmp(p, "make", 4)) {
			cb_buf_ch(text, '\n');
			if (at) {
				cb_buf_add(text, p, (size_t)(at - p));
				cb_buf_str(text, b->dir);
				cb_buf_add(text, at + n, len - (size_t)(at - p) - n);
			} else {
				cb_buf_add(text, p, len);
			}
		}
		p += len + (p[len] == '\n');
	}
}

static int compile_error(struct build *b, const char *said, struct cb_err *e)
{
	struct cb_buf text = {0};

	put_said(b, said, false, &text);
	if (!text.len) /* it is make itself that fails: "No rule to make target" */
		put_said(b, said, true, &text);
	cb_fail(e, EBADMSG, "the module in %s cannot be built for %s:%s", b->dir, b->k->name,
		text.len ? cb_buf_cstr(&text) : " make does not say why");
	cb_buf_free(&text);
	return -EBADMSG;
}

static int make_once(struct build *b, const char *cc, struct cb_buf *said, struct cb_err *e)
{
	char m[PATH_MAX + 2], cc_is[PATH_MAX + 3], pahole[PATH_MAX + 32], cross[96];
	const char *argv[] = {"make", "-C", b->headers.build, m, cc_is, "modules", NULL, NULL, NULL};
	struct cb_buf out = {0}; /* which files it compiles */
	/* the kernel's Makefile takes LC_ALL away, and the compiler's complaints are looked into */
	static const char *const env[] = {"LANG=C", "LC_CTYPE=C", "LC_MESSAGES=C", "LANGUAGE=C", NULL};
	const struct cb_lab_prog p = {.argv = argv, .out = &out, .env = env, .tmp = b->store.tmp};
	unsigned n = 6;
	int err;

	snprintf(m, sizeof(m), "M=%s", b->copy);
	snprintf(cc_is, sizeof(cc_is), "CC=%s", cc);
	/* BTF of a module is made by pahole; without it, a module has none */
	if (*b->headers.pahole)
		snprintf(pahole, sizeof(pahole), "PAHOLE=%s", b->headers.pahole);
	else
		snprintf(pahole, sizeof(pahole), "CONFIG_DEBUG_INFO_BTF_MODULES=");
	if (*b->headers.pahole || !cb_lab_prog_there("pahole"))
		argv[n++] = pahole;
	snprintf(cross, sizeof(cross), "CROSS_COMPILE=%s", b->headers.cross);
	if (*b->headers.cross)
		argv[n++] = cross;
	err = cb_lab_prog_run(&p, &b->hold, said, e);
	cb_buf_free(&out);
	return err;
}

static int make(struct build *b, struct cb_err *e)
{
	char cc[PATH_MAX];

	snprintf(cc, sizeof(cc), "%s", b->headers.cc);
	for (;;) {
		struct cb_buf said = {0};
		int err = make_once(b, cc, &said, e);
		bool again = err == -ECHILD && take_unknown(b, cb_buf_cstr(&said));

		if (again) {
			cb_say(b->opts->log, CB_INFO, "%s does not know %s: left out", b->headers.cc,
			       b->drops[b->n_drops - 1]);
			err = write_compiler(b, cc, e);
		} else if (err == -ECHILD) {
			err = compile_error(b, cb_buf_cstr(&said), e);
		}
		cb_buf_free(&said);
		if (!again || err)
			return err;
	}
}

/* One of modules.order: "/ABS/hello.ko", or "hello.o" within the directory. */
static int keep_one(struct build *b, const char *line, unsigned number, const char *into, struct cb_err *e)
{
	const char *slash = strrchr(line, '/'), *name = slash ? slash + 1 : line, *dot = strrchr(name, '.');
	int stem = (int)(dot ? (size_t)(dot - line) : strlen(line)), n = (int)(stem - (name - line));
	char from[PATH_MAX], to[PATH_MAX];
	int err = cb_lab_path(from, e, "%s%s%.*s.ko", *line == '/' ? "" : b->copy, *line == '/' ? "" : "/", stem, line);

	if (!err)
		err = cb_lab_path(to, e, "%s/%u-%.*s.ko", into, number, n, name);
	return err ? err : cb_lab_rename(from, to, e);
}

static int keep(struct build *b, struct cb_err *e)
{
	char path[PATH_MAX], into[PATH_MAX], *order, *rest = NULL;
	unsigned number = 0;
	size_t len;
	int err = cb_lab_path(path, e, "%s/modules.order", b->copy);

	if (!err)
		err = cb_lab_path(into, e, "%s/kept", b->store.tmp);
	if (!err)
		err = cb_mkdirs(into, e);
	if (!err)
		err = cb_file_read(path, 1 << 20, &order, &len, e);
	if (err)
		return err;
	for (char *line = strtok_r(order, " \n", &rest); line && !err; line = strtok_r(NULL, " \n", &rest))
		err = keep_one(b, line, number++, into, e);
	free(order);
	if (!err && !number)
		err = cb_fail(e, EINVAL, "%s builds no module: its Kbuild or Makefile has no obj-m", b->dir);
	return err ? err : cb_lab_store_put(&b->store, into, "built", b->key, e);
}

static int copy_dir(struct build *b, struct cb_err *e)
{
	char from[PATH_MAX];
	const char *const argv[] = {"cp", "-R", "--", from, b->copy, NULL};
	const struct cb_lab_prog p = {.argv = argv};
	/* files of a read-only directory stay so, and neither could be built in nor removed */
	const char *const writable[] = {"chmod", "-R", "u+rwX", "--", b->copy, NULL};
	const struct cb_lab_prog chmod = {.argv = writable};
	int err = cb_lab_path(from, e, "%s/.", b->dir);

	if (!err)
		err = cb_lab_path(b->copy, e, "%s/module", b->store.tmp);
	if (!err && strpbrk(b->copy, " \t:"))
		err = cb_fail(
			e, EINVAL,
			"make cannot build in %s: it has a blank or colon in it; $COOLBPF_CACHE names another place",
			b->copy);
	if (!err)
		err = cb_lab_prog_run(&p, &b->hold, NULL, e);
	return err ? err : cb_lab_prog_run(&chmod, &b->hold, NULL, e);
}

int cb_lab_module_check(const char *dir, struct cb_err *e)
{
	static const char *const names[] = {"Kbuild", "Makefile"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++)
		if (!cb_lab_path(path, e, "%s/%s", dir, names[i]) && !access(path, R_OK))
			return 0;
	return cb_fail(e, ENOENT, "%s is no directory of a module: it has neither a Kbuild nor a Makefile", dir);
}

static int build(struct build *b, struct cb_err *e)
{
	int err = cb_lab_store_open(&b->store, &b->hold, b->opts->log, e);

	if (err)
		return err;
	err = cb_lab_headers_get(b->k, &b->store, &b->hold, b->opts, &b->headers, e);
	if (!err)
		err = copy_dir(b, e);
	if (!err) {
		cb_say(b->opts->log, CB_INFO, "building %s for %s", b->dir, b->k->name);
		err = make(b, e);
	}
	if (!err)
		err = keep(b, e);
	cb_lab_store_close(&b->store);
	return err;
}

int cb_lab_module_build(const struct cb_lab_kernel *k, const char *dir, const struct cb_lab_fetch *opts,
			struct cb_lab_kos *add_to, struct cb_err *e)
{
	static const struct cb_lab_fetch none = {0};
	struct build b = {.k = k, .dir = dir, .opts = opts ? opts : &none};
	size_t before = add_to->n;
	int err = cb_lab_module_check(dir, e);

	if (!err)
		err = cb_lab_hold(&b.hold, e);
	if (err)
		return err;
	err = make_key(&b, e);
	if (!err)
		err = take_built(&b, add_to, e);
	if (err == 1) {
		err = build(&b, e);
		if (!err)
			err = take_built(&b, add_to, e);
	}
	while (err && add_to->n > before) {
		free(add_to->ko[--add_to->n].name);
		free(add_to->ko[add_to->n].data);
	}
	cb_lab_release(&b.hold);
	return err;
}
