// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cache.c - see cache.h.
 *
 *	DIR/3f/a9c1...  (the other 62 digits)	magic, SHA-256 of the content, content
 *
 * An entry is written whole (cb_file_write) and its content is never changed, so readers need no lock. Its time of
 * modification says when it was last used. Nobody keeps a list of the entries: whoever has put enough walks through the
 * directory, adds up what is there, and removes the oldest; one process at a time, by a lock on the directory.
 */
#include "compile/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

enum {
	ENTRY_MAX = 256 << 20, /* an object or a .so is far smaller */
	TOUCH_S = 60,	       /* a use is noted at most so often */
	LEFT_OVER_S = 3600,    /* no write takes so long: its file was left by a process that was killed */
	KEY_DIR = 2,	       /* digits of a key that name its directory */
	KEY_FILE = 2 * CB_SHA256 - KEY_DIR,
};

static const char magic[8] = "CBcache1";

struct header {
	char magic[sizeof(magic)];
	unsigned char digest[CB_SHA256];
};

static struct header header_of(const void *data, size_t len)
{
	struct header h;

	memcpy(h.magic, magic, sizeof(magic));
	cb_sha256(data, len, h.digest);
	return h;
}

static bool is_whole(const struct header *h, const void *data, size_t len)
{
	struct header right = header_of(data, len);

	return !memcmp(h, &right, sizeof(right));
}

void cb_cache_wrap(struct cb_buf *out, const void *data, size_t len)
{
	struct header h = header_of(data, len);

	if (!cb_buf_reserve(out, sizeof(h) + len))
		return;
	cb_buf_add(out, &h, sizeof(h));
	cb_buf_add(out, data, len);
}

const void *cb_cache_unwrap(const void *entry, size_t entry_len, size_t *len)
{
	struct header h;
	const char *data = (const char *)entry + sizeof(h);

	if (entry_len < sizeof(h))
		return NULL;
	memcpy(&h, entry, sizeof(h));
	*len = entry_len - sizeof(h);
	return is_whole(&h, data, *len) ? data : NULL;
}

static bool begins_with_hex(const char *text, size_t n)
{
	return strspn(text, "0123456789abcdef") >= n;
}

/* A key, or a part of one, becomes a path: nothing but n lower-case digits. */
static bool is_hex(const char *text, size_t n)
{
	return begins_with_hex(text, n) && !text[n];
}

enum { ENTRY_PATH = PATH_MAX };

static int entry_path(const struct cb_cache *c, const char *key, char path[ENTRY_PATH], struct cb_err *e)
{
	if (!is_hex(key, KEY_DIR + KEY_FILE))
		return cb_fail(e, EINVAL, "\"%.80s\" is not a key of the cache", key);
	snprintf(path, ENTRY_PATH, "%s/%.*s/%s", c->dir, KEY_DIR, key, key + KEY_DIR);
	return 0;
}

/* Root's or this process's. */
static bool is_ours(const struct stat *st)
{
	return !st->st_uid || st->st_uid == geteuid();
}

/* ---- get -------------------------------------------------------------------------------------------------------- */

/* Read n bytes; 0, -ENODATA when there are fewer, -errno. */
static int read_all(int fd, void *out, size_t n)
{
	char *p = out;

	while (n) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENODATA;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/* Append the content of the entry that is open as fd; -EBADMSG when it is damaged. */
static int read_entry(int fd, const struct stat *st, struct cb_buf *out)
{
	struct header h;
	size_t len;
	int err;

	if (!S_ISREG(st->st_mode) || st->st_size < (off_t)sizeof(h) || st->st_size > ENTRY_MAX)
		return -EBADMSG;
	len = (size_t)st->st_size - sizeof(h);
	if (!cb_buf_reserve(out, len + 1)) /* so that there is a place to read to when len is 0 */
		return -ENOMEM;
	err = read_all(fd, &h, sizeof(h));
	if (!err)
		err = read_all(fd, out->data + out->len, len);
	if (err)
		return err == -ENODATA ? -EBADMSG : err;
	if (!is_whole(&h, out->data + out->len, len))
		return -EBADMSG;
	out->len += len;
	return 0;
}

/* Note the use. Who may not do that (a cache of root's, read by others) may still read. */
static void touch(int fd, const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st->st_mtim.tv_sec >= TOUCH_S)
		futimens(fd, (const struct timespec[2]){{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}});
}

int cb_cache_get(struct cb_cache *c, const char *key, struct cb_buf *out, struct cb_err *e)
{
	char path[ENTRY_PATH];
	struct stat st;
	int err = entry_path(c, key, path, e);
	int fd;

	if (err)
		return err;
	/* a pipe with the name of an entry must not make us wait */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return cb_fail(e, errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		err = -errno;
	else if (!is_ours(&st))
		err = -ENOENT;
	else
		err = read_entry(fd, &st, out);
	if (!err)
		touch(fd, &st);
	close(fd);
	if (err == -EBADMSG) {
		c->damaged++;
		unlink(path);
		err = -ENOENT;
	}
	return err ? cb_fail(e, -err, "cannot read %s: %s", path, strerror(-err)) : 0;
}

/* ---- put -------------------------------------------------------------------------------------------------------- */

/* What a walk finds: 256 directories of entries. */
struct entry {
	char name[KEY_DIR + 1 + KEY_FILE + 1]; /* "3f/a9c1..." */
	struct timespec used;
	uint64_t size;
};

struct entries {
	struct entry *list;
	size_t n, cap;
	uint64_t bytes;
};

static int add_entry(struct entries *all, const char *dir, const char *name, const struct stat *st)
{
	struct entry *to;

	if (all->n == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 256;
		struct entry *more = realloc(all->list, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		all->list = more;
		all->cap = cap;
	}
	to = &all->list[all->n++];
	snprintf(to->name, sizeof(to->name), "%.*s/%.*s", KEY_DIR, dir, KEY_FILE, name);
	to->used = st->st_mtim;
	to->size = (uint64_t)st->st_size;
	all->bytes += to->size;
	return 0;
}

/* What cb_file_write() needs on file systems where a file cannot be without a name: "a9c1...62 digits.PID-N". */
static bool is_left_over(const char *name, const struct stat *st)
{
	return begins_with_hex(name, KEY_FILE) && name[KEY_FILE] == '.' &&
	       time(NULL) - st->st_mtim.tv_sec > LEFT_OVER_S;
}

/* DIR/3f: take the entries down, and what killed processes have left away. */
static int walk_part(int fd, const char *dir, struct entries *all)
{
	int part = openat(fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = part < 0 ? NULL : fdopendir(part);
	const struct dirent *de;
	struct stat st;
	int err = 0;

	if (!d) {
		err = errno == ENOMEM ? -ENOMEM : 0;
		if (part >= 0)
			close(part);
		return err;
	}
	while (!err && (de = readdir(d))) {
		if (fstatat(part, de->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (is_hex(de->d_name, KEY_FILE))
			err = add_entry(all, dir, de->d_name, &st);
		else if (is_left_over(de->d_name, &st))
			unlinkat(part, de->d_name, 0);
	}
	closedir(d);
	return err;
}

static int walk(int fd, struct entries *all)
{
	int err = 0;

	for (int i = 0; i < 256 && !err; i++) {
		char dir[KEY_DIR + 1];

		snprintf(dir, sizeof(dir), "%02x", (unsigned char)i);
		err = walk_part(fd, dir, all);
	}
	return err;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used, *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static bool is_of(const struct entry *one, const char *key)
{
	return !strncmp(one->name, key, KEY_DIR) && !strcmp(one->name + KEY_DIR + 1, key + KEY_DIR);
}

/* Somewhat less than the limit, so that not every entry from now on makes a walk. newest: the key that has just been put; its
 * time may be that of others, for file systems count in milliseconds. */
static void evict(struct cb_cache *c, int fd, struct entries *all, const char *newest)
{
	uint64_t enough = c->max_bytes / 10 * 9;

	qsort(all->list, all->n, sizeof(*all->list), by_use);
	for (size_t i = 0; i < all->n && all->bytes > enough; i++) {
		if (is_of(&all->list[i], newest))
			continue;
		if (!unlinkat(fd, all->list[i].name, 0))
			c->evicted++;
		all->bytes -= all->list[i].size;
	}
}

/* This key has been put: see to the size. What goes wrong here is tried again at the next put. */
static void keep_size(struct cb_cache *c, const char *key, size_t added)
{
	struct entries all = {0};
	int fd;

	c->put_bytes += added;
	/* others put too: with 16 of them the directory gets about twice as large as the limit before one looks */
	if (!c->max_bytes ||
	    (c->measured && c->bytes + c->put_bytes <= c->max_bytes && c->put_bytes <= c->max_bytes / 16))
		return;
	fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* held by another: it is doing the same */
	if (!flock(fd, LOCK_EX | LOCK_NB) && !walk(fd, &all)) {
		if (all.bytes > c->max_bytes)
			evict(c, fd, &all, key);
		c->bytes = all.bytes;
		c->put_bytes = 0;
		c->measured = true;
	}
	free(all.list);
	close(fd);
}

/* What is there under this key has the same content already, unless it is damaged, which the next get will find. */
static bool is_there(const char *path, size_t size)
{
	struct stat st;

	return !lstat(path, &st) && S_ISREG(st.st_mode) && is_ours(&st) && st.st_size == (off_t)size;
}

static int write_entry(const struct cb_cache *c, const char *key, const struct cb_buf *entry, struct cb_err *e)
{
	char path[ENTRY_PATH], *slash;
	int err = entry_path(c, key, path, e);

	if (err || is_there(path, entry->len))
		return err;
	slash = path + strlen(path) - KEY_FILE - 1;
	*slash = '\0';
	err = access(path, F_OK) ? cb_mkdirs(path, e) : 0;
	*slash = '/';
	return err ? err : cb_file_write(path, entry->data, entry->len, 0644, e);
}

int cb_cache_put(struct cb_cache *c, const char *key, const void *data, size_t len, struct cb_err *e)
{
	struct cb_buf entry = {0};
	int err;

	if (len > ENTRY_MAX - sizeof(struct header) || (c->max_bytes && len + sizeof(struct header) > c->max_bytes))
		return cb_fail(e, EFBIG, "%zu bytes are too large for the cache %s", len, c->dir);
	cb_cache_wrap(&entry, data, len);
	err = entry.failed ? cb_fail(e, ENOMEM, "out of memory") : write_entry(c, key, &entry, e);
	if (!err)
		keep_size(c, key, entry.len);
	cb_buf_free(&entry);
	return err;
}
