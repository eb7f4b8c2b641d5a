// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * headers.c - Debian's header packages, unpacked and made to work where they are.
 *
 * headers/PACKAGE/ has
 *
 *	usr/src/linux-headers-RELEASE/		for make -C
 *	usr/src/linux-headers-...-common/	whose Makefile that one includes, by /usr/src/...
 *	usr/lib/linux-kbuild-.../		scripts, and programs for the host: fixdep, modpost, objtool
 *	libs/					a C library and others for these programs, where they need newer ones
 *						than the host's, and pahole; each program X is then X.elf, and X a
 *						script that starts it by the loader there
 *
 * All within it is relative, so that the cache may be moved.
 */
#include "lab/headers.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { SMALL_FILE = 1 << 20 };

struct making {
	const struct cb_lab_store *store;
	struct cb_lab_hold *hold;
	const struct cb_lab_fetch *opts;
	const char *arch;  /* Debian's, of the kernel */
	const char *root;  /* where it is made */
	const char *build; /* "linux-headers-RELEASE" */
};

static const char *debian_arch(const char *arch)
{
	return !strcmp(arch, "arm64") ? "arm64" : "amd64";
}

static const char *own_triplet(void)
{
	return !strcmp(cb_lab_own_arch(), "arm64") ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
}

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

/* Replace every `from` in a text file by `to`. */
static int replace_in(const char *path, const char *from, const char *to, struct cb_err *e)
{
	struct cb_buf out = {0};
	char *text;
	size_t len;
	int err = cb_file_read(path, SMALL_FILE, &text, &len, e);

	if (err)
		return err;
	for (const char *p = text; *p;) {
		const char *at = strstr(p, from);

		cb_buf_add(&out, p, at ? (size_t)(at - p) : strlen(p));
		if (!at)
			break;
		cb_buf_str(&out, to);
		p = at + strlen(from);
	}
	err = out.failed ? cb_fail(e, ENOMEM, "out of memory") : cb_file_write(path, out.data, out.len, 0644, e);
	cb_buf_free(&out);
	free(text);
	return err;
}

static int make_relative(const struct making *m, struct cb_err *e)
{
	char path[PATH_MAX];
	int err = cb_lab_path(path, e, "%s/usr/src/%s/Makefile", m->root, m->build);

	return err ? err : replace_in(path, "/usr/src/", "$(dir $(abspath $(lastword $(MAKEFILE_LIST))))../", e);
}

/* ---- Programs for the host --------------------------------------------------------------------------------------- */

static bool is_elf_program(const FTSENT *f)
{
	char magic[SELFMAG];
	bool yes;
	int fd;

	if (f->fts_info != FTS_F || !(f->fts_statp->st_mode & 0111))
		return false;
	fd = open(f->fts_accpath, O_RDONLY | O_CLOEXEC);
	yes = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) && !memcmp(magic, ELFMAG, SELFMAG);
	if (fd >= 0)
		close(fd);
	return yes;
}

/* Call each() with the ELF programs below dir until one gives something else than 0. */
static int each_program(const char *dir, int (*each)(void *ctx, const char *path, struct cb_err *e), void *ctx,
			struct cb_err *e)
{
	char *paths[] = {(char *)dir, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *f;
	int err = 0;

	if (!fts)
		return cb_fail(e, errno, "cannot look into %s: %s", dir, strerror(errno));
	while (!err && (f = fts_read(fts)))
		if (is_elf_program(f))
			err = each(ctx, f->fts_path, e);
	fts_close(fts);
	return err;
}

struct probe {
	struct cb_lab_hold *hold;
	char why[256];
};

/* Others (sign-file, conf ...) are not needed to build a module. */
static bool is_used(const char *name)
{
	static const char *const used[] = {"fixdep", "modpost", "objtool", "recordmcount", "resolve_btfids", "gen"};

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (!strncmp(name, used[i], strlen(used[i])))
			return true;
	return false;
}

/* Ask the host's loader what it would load, without running it. */
static int probe_program(void *ctx, const char *path, struct cb_err *e)
{
	static const char *const env[] = {"LD_TRACE_LOADED_OBJECTS=1", NULL};
	const char *const argv[] = {path, NULL};
	struct cb_buf said = {0};
	const struct cb_lab_prog p = {.argv = argv, .env = env};
	struct probe *probe = ctx;
	const char *name = strrchr(path, '/') + 1;
	int err;

	if (!is_used(name))
		return 0;
	err = cb_lab_prog_run(&p, probe->hold, &said, NULL);
	if (err == -EINTR) {
		cb_fail(e, EINTR, "interrupted");
	} else if (err || strstr(cb_buf_cstr(&said), "not found")) {
		snprintf(probe->why, sizeof(probe->why), "%s does not run here", name);
		err = 1;
	}
	cb_buf_free(&said);
	return err;
}

/* A script in the place of a program, that starts it with the loader and libraries in libs/. */
static int wrap_program(void *ctx, const char *path, struct cb_err *e)
{
	const struct making *m = ctx;
	char elf[PATH_MAX], up[256] = "", text[2048];
	int err = cb_lab_path(elf, e, "%s.elf", path);

	for (const char *p = strchr(path + strlen(m->root) + 1, '/'); p && strlen(up) + 4 < sizeof(up);
	     p = strchr(p + 1, '/'))
		strcat(up, "/..");
	if (!err)
		err = cb_lab_rename(path, elf, e);
	if (err)
		return err;
	/* from where it was called: the system follows a link on the way before it goes up from there */
	snprintf(text, sizeof(text),
		 "#!/bin/sh\nlibs=${0%%/*}%s/libs\nexec \"$libs/loader\" --library-path "
		 "\"$libs/usr/lib/%s:$libs/lib/%s\" "
		 "--argv0 \"$0\" \"$0.elf\" \"$@\"\n",
		 up, own_triplet(), own_triplet());
	return cb_file_write(path, text, strlen(text), 0755, e);
}

/* "libs/loader", a link to the loader among the libraries. */
static int link_loader(const char *libs, struct cb_err *e)
{
	static const char *const formats[] = {"usr/lib/%s/%s", "lib/%s/%s"};
	const char *name = !strcmp(cb_lab_own_arch(), "arm64") ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2";
	char path[PATH_MAX], link[PATH_MAX], to[256];
	int err = cb_lab_path(link, e, "%s/loader", libs);

	for (size_t i = 0; i < 2 && !err; i++) {
		snprintf(to, sizeof(to), formats[i], own_triplet(), name);
		err = cb_lab_path(path, e, "%s/%s", libs, to);
		if (!err && !access(path, X_OK))
			return symlink(to, link)
				       ? cb_fail(e, errno, "cannot make the link %s: %s", link, strerror(errno))
				       : 0;
	}
	return err ? err : cb_fail(e, EBADMSG, "the packages of the C library have no loader in them");
}

/* The libraries that kbuild's package depends on, and pahole, which is too old too. */
static int fetch_libs(struct making *m, struct cb_lab_apt *a, const char *kbuild, struct cb_err *e)
{
	static const char *const follow[] = {"lib", "zlib1g", "pahole", NULL};
	char libs[PATH_MAX], programs[PATH_MAX], bin[PATH_MAX];
	int err = cb_lab_path(libs, e, "%s/libs", m->root);

	if (!err)
		err = cb_lab_path(programs, e, "%s/usr/lib/%s", m->root, kbuild);
	if (!err)
		err = cb_lab_path(bin, e, "%s/usr/bin", libs);
	if (!err)
		err = cb_lab_fetch_unpack(a, kbuild, follow, libs, e);
	if (!err)
		err = link_loader(libs, e);
	if (!err)
		err = each_program(programs, wrap_program, m, e);
	return err || access(bin, R_OK) ? err : each_program(bin, wrap_program, m, e);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* The package of the programs, by the link usr/src/linux-headers-RELEASE/scripts ->
 * ../../lib/linux-kbuild-V/scripts. */
static int kbuild_name(const struct making *m, char name[NAME_MAX + 1], struct cb_err *e)
{
	static const char lib[] = "/lib/";
	char path[PATH_MAX], to[PATH_MAX];
	const char *at;
	ssize_t n;
	int err = cb_lab_path(path, e, "%s/usr/src/%s/scripts", m->root, m->build);

	if (err)
		return err;
	n = readlink(path, to, sizeof(to) - 1);
	to[n > 0 ? n : 0] = '\0';
	at = strstr(to, lib);
	if (!at || strncmp(at + 5, "linux-kbuild-", 13) || strcspn(at + 5, "/") > NAME_MAX)
		return cb_fail(e, EBADMSG, "the package %s does not say which kbuild it needs", m->build);
	snprintf(name, NAME_MAX + 1, "%.*s", (int)strcspn(at + 5, "/"), at + 5);
	return 0;
}

/* kbuild's programs are those for this machine. */
static int add_kbuild(struct making *m, struct cb_lab_apt *a, struct cb_err *e)
{
	static const char *const follow[] = {"linux-kbuild-", NULL};
	struct probe probe = {.hold = m->hold};
	char kbuild[NAME_MAX + 1], programs[PATH_MAX];
	int err = kbuild_name(m, kbuild, e);

	if (!err)
		err = cb_lab_fetch_unpack(a, kbuild, follow, m->root, e);
	if (!err)
		err = cb_lab_path(programs, e, "%s/usr/lib/%s", m->root, kbuild);
	if (!err)
		err = each_program(programs, probe_program, &probe, e);
	if (err <= 0)
		return err;
	cb_say(m->opts->log, CB_INFO, "%s: the libraries that it needs are fetched too", probe.why);
	return fetch_libs(m, a, kbuild, e);
}

/* Documents of the packages. */
static void drop_documents(const struct making *m)
{
	static const char *const dirs[] = {"usr/share", "libs/usr/share", "libs/usr/lib/x86_64-linux-gnu/gconv"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!cb_lab_path(path, NULL, "%s/%s", m->root, dirs[i]))
			cb_lab_remove(path);
}

static int make_headers(struct making *m, const char *package, struct cb_err *e)
{
	static const char *const follow[] = {"linux-headers-", NULL};
	struct cb_lab_apt a = {.store = m->store, .hold = m->hold, .opts = m->opts, .arch = m->arch}, own = a;
	int err = cb_lab_apt_open(&a, e);

	own.arch = debian_arch(cb_lab_own_arch());
	if (!err)
		err = cb_lab_fetch_unpack(&a, package, follow, m->root, e);
	cb_lab_apt_close(&a);
	if (!err)
		err = make_relative(m, e);
	if (!err)
		err = cb_lab_apt_open(&own, e);
	if (!err)
		err = add_kbuild(m, &own, e);
	cb_lab_apt_close(&own);
	drop_documents(m);
	return err;
}

/* ---- Finding ----------------------------------------------------------------------------------------------------- */

/* "dir:DIR", relative to the kernel's directory. */
static int own_tree(const struct cb_lab_kernel *k, const char *dir, struct cb_lab_headers *out, struct cb_err *e)
{
	const char *slash = strrchr(k->image, '/');

	if (*dir == '/')
		return cb_lab_path(out->build, e, "%s", dir);
	return cb_lab_path(out->build, e, "%.*s/%s", slash ? (int)(slash - k->image) : 1, slash ? k->image : ".", dir);
}

/* "deb:linux-headers-RELEASE=VERSION" */
static int package_tree(const struct cb_lab_kernel *k, const char *package, const struct cb_lab_store *store,
			struct cb_lab_hold *hold, const struct cb_lab_fetch *opts, struct cb_lab_headers *out,
			struct cb_err *e)
{
	char dir[PATH_MAX], root[PATH_MAX], build[128];
	struct making m = {store, hold, opts, debian_arch(k->arch), root, build};
	int err = cb_lab_store_path("headers", package, dir, e);

	snprintf(build, sizeof(build), "linux-headers-%s", k->release);
	if (!err)
		err = cb_lab_path(root, e, "%s/headers", store->tmp);
	if (!err)
		err = cb_lab_path(out->build, e, "%s/usr/src/%s", dir, build);
	if (!err && access(out->build, R_OK)) {
		err = make_headers(&m, package, e);
		if (!err)
			err = cb_lab_store_put(store, root, "headers", package, e);
	}
	if (!err)
		err = cb_lab_path(out->pahole, e, "%s/libs/usr/bin/pahole", dir);
	if (!err && access(out->pahole, X_OK))
		*out->pahole = '\0';
	return err;
}

/* The compiler for the kernel's architecture. */
static int find_compiler(const struct cb_lab_kernel *k, struct cb_lab_headers *out, struct cb_err *e)
{
	bool own = cb_lab_is_native(k->arch);
	const char *cross = own ? "" : !strcmp(k->arch, "arm64") ? "aarch64-linux-gnu-" : "x86_64-linux-gnu-";

	snprintf(out->cc, sizeof(out->cc), "%sgcc", cross);
	snprintf(out->cross, sizeof(out->cross), "%s", cross);
	if (!cb_lab_prog_there("make"))
		return cb_fail(e, ENOSYS, "a module cannot be built here: there is no make (Debian's package is make)");
	if (cb_lab_prog_there(out->cc))
		return 0;
	return cb_fail(e, ENOSYS, "a module for %s cannot be built here: there is no %s (Debian's package is gcc%s%s)",
		       k->arch, out->cc, own ? "" : "-",
		       own			  ? ""
		       : strcmp(k->arch, "arm64") ? "x86-64-linux-gnu"
						  : "aarch64-linux-gnu");
}

int cb_lab_headers_get(const struct cb_lab_kernel *k, const struct cb_lab_store *store, struct cb_lab_hold *hold,
		       const struct cb_lab_fetch *opts, struct cb_lab_headers *out, struct cb_err *e)
{
	int err;

	*out = (struct cb_lab_headers){0};
	if (!k->source)
		return cb_fail(e, ENOTSUP, "no headers of %s are known: its modules=DIR has no build/", k->name);
	err = find_compiler(k, out, e);
	if (err)
		return err;
	if (!strncmp(k->source, "dir:", 4))
		return own_tree(k, k->source + 4, out, e);
	if (!strncmp(k->source, "deb:", 4))
		return package_tree(k, k->source + 4, store, hold, opts, out, e);
	return cb_fail(e, EINVAL, "%s has headers of a kind that is not known: %s", k->name, k->source);
}
