// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* store.c - see store.h: places, the lock, moving and removing, digests of trees. */
#include "lab/store.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { WAIT_MS = 200, FILE_MAX = 1 << 30 };

int cb_lab_path(char out[PATH_MAX], struct cb_err *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, PATH_MAX, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= PATH_MAX)
		return cb_fail(e, ENAMETOOLONG, "the path %.60s... is too long", out);
	return 0;
}

static int lab_dir(char path[PATH_MAX], struct cb_err *e)
{
	char cache[PATH_MAX];
	int err;

	cb_cache_dir(cache, sizeof(cache));
	if (*cache == '/')
		return cb_lab_path(path, e, "%s/lab", cache);
	/* programs that run elsewhere get these paths */
	err = cb_mkdirs(cache, e);
	if (!err && !realpath(cache, path))
		err = cb_fail(e, errno, "cannot use the cache %s: %s", cache, strerror(errno));
	if (!err && strlen(path) + sizeof("/lab") > PATH_MAX)
		err = cb_fail(e, ENAMETOOLONG, "the path of the cache %s is too long", cache);
	if (!err)
		strcat(path, "/lab");
	return err;
}

int cb_lab_store_path(const char *kind, const char *name, char path[PATH_MAX], struct cb_err *e)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
	char dir[PATH_MAX];
	int err = lab_dir(dir, e);
	size_t at;

	if (!err)
		err = cb_lab_path(path, e, "%s/%s%s%s", dir, kind, *name ? "/" : "", name);
	if (err || !*name)
		return err;
	for (at = strlen(path) - strlen(name); path[at]; at++)
		if (!strchr(plain, path[at]))
			path[at] = '_';
	return 0;
}

/* ---- The lock ---------------------------------------------------------------------------------------------------- */

static int take_lock(int fd, struct cb_lab_hold *h, const struct cb_log *log, struct cb_err *e)
{
	for (bool told = false; flock(fd, LOCK_EX | LOCK_NB); told = true) {
		int err;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return cb_fail(e, errno, "cannot lock the lab's cache: %s", strerror(errno));
		if (!told)
			cb_say(log, CB_INFO, "waiting for another coolbpf that fetches or builds");
		err = cb_lab_pause(h, WAIT_MS, e);
		if (err)
			return err;
	}
	return 0;
}

int cb_lab_store_open(struct cb_lab_store *s, struct cb_lab_hold *h, const struct cb_log *log, struct cb_err *e)
{
	char lock[PATH_MAX];
	int err;

	s->lock = -1;
	err = lab_dir(s->dir, e);
	if (!err)
		err = cb_lab_path(s->tmp, e, "%s/tmp", s->dir);
	if (!err)
		err = cb_lab_path(lock, e, "%s/lock", s->dir);
	if (!err)
		err = cb_mkdirs(s->dir, e);
	if (err)
		return err;
	s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0)
		return cb_fail(e, errno, "cannot open %s: %s", lock, strerror(errno));
	err = take_lock(s->lock, h, log, e);
	if (!err) {
		cb_lab_remove(s->tmp);
		err = cb_mkdirs(s->tmp, e);
	}
	if (err) {
		close(s->lock);
		s->lock = -1;
	}
	return err;
}

void cb_lab_store_close(struct cb_lab_store *s)
{
	if (s->lock < 0)
		return;
	cb_lab_remove(s->tmp);
	close(s->lock);
	s->lock = -1;
}

/* ---- Moving and removing ----------------------------------------------------------------------------------------- */

int cb_lab_rename(const char *from, const char *to, struct cb_err *e)
{
	if (rename(from, to))
		return cb_fail(e, errno, "cannot move %s to %s: %s", from, to, strerror(errno));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	remove(path);
	return 0;
}

void cb_lab_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int cb_lab_store_put(const struct cb_lab_store *s, const char *from, const char *kind, const char *name,
		     struct cb_err *e)
{
	char to[PATH_MAX], parent[PATH_MAX], old[PATH_MAX];
	int err = cb_lab_store_path(kind, name, to, e);

	if (!err)
		err = cb_lab_store_path(kind, "", parent, e);
	if (!err)
		err = cb_mkdirs(parent, e);
	if (!err)
		err = cb_lab_path(old, e, "%s/replaced", s->tmp);
	if (err)
		return err;
	/* one step where the file system can: then there is no moment without it */
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE)) {
		cb_lab_remove(from);
		return 0;
	}
	cb_lab_remove(old);
	if (rename(to, old) && errno != ENOENT)
		return cb_fail(e, errno, "cannot replace %s: %s", to, strerror(errno));
	return cb_lab_rename(from, to, e);
}

/* ---- Digests ----------------------------------------------------------------------------------------------------- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* "PATH DIGEST\n", or "PATH -> TARGET\n" for a link. */
static int add_file(struct cb_buf *list, const FTSENT *f, size_t root, struct cb_err *e)
{
	char hex[CB_SHA256_HEX], target[PATH_MAX];
	char *data;
	size_t len;
	ssize_t n;
	int err;

	if (f->fts_info == FTS_SL || f->fts_info == FTS_SLNONE) {
		n = readlink(f->fts_accpath, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		cb_buf_printf(list, "%s -> %s\n", f->fts_path + root, target);
		return 0;
	}
	err = cb_file_read(f->fts_path, FILE_MAX, &data, &len, e);
	if (err)
		return err;
	cb_sha256_hex(data, len, hex);
	free(data);
	cb_buf_printf(list, "%s %s\n", f->fts_path + root, hex);
	return 0;
}

int cb_lab_tree_digest(const char *dir, const char *except, char hex[CB_SHA256_HEX], struct cb_err *e)
{
	char *paths[] = {(char *)dir, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	struct cb_buf list = {0};
	const FTSENT *f;
	int err = 0;

	if (!fts)
		return cb_fail(e, errno, "cannot look into %s: %s", dir, strerror(errno));
	while (!err && (f = fts_read(fts))) {
		if (except && f->fts_level == 1 && !strcmp(f->fts_name, except))
			continue;
		if (f->fts_info == FTS_F || f->fts_info == FTS_SL || f->fts_info == FTS_SLNONE)
			err = add_file(&list, f, strlen(dir), e);
		else if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS)
			err = cb_fail(e, f->fts_errno, "cannot look into %s: %s", f->fts_path, strerror(f->fts_errno));
	}
	fts_close(fts);
	if (!err && list.failed)
		err = cb_fail(e, ENOMEM, "out of memory");
	if (!err)
		cb_sha256_hex(list.data, list.len, hex);
	cb_buf_free(&list);
	return err;
}
