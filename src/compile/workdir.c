// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* workdir.c - see workdir.h. Names have been checked, so that none leads out of the directory. */
#include "compile/workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

bool cb_header_name_ok(const char *name)
{
	size_t part = 0, i;

	for (i = 0; name[i]; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x20 || c == 0x7f || c == '\\' || c == '"')
			return false;
		if (c == '/') {
			if (!part)
				return false;
			part = 0;
		} else if (c == '.' && !part &&
			   (name[i + 1] == '/' || !name[i + 1] ||
			    (name[i + 1] == '.' && (name[i + 2] == '/' || !name[i + 2])))) {
			return false;
		} else {
			part++;
		}
	}
	return part && i <= 255;
}

static int check(const struct cb_header *headers, size_t n, struct cb_err *e)
{
	size_t total = 0;

	if (n > CB_HEADERS_MAX)
		return cb_fail(e, E2BIG, "%zu headers are too many; at most %d can be sent", n, CB_HEADERS_MAX);
	for (size_t i = 0; i < n; i++) {
		total += headers[i].len;
		if (!cb_header_name_ok(headers[i].name))
			return cb_fail(
				e, EINVAL,
				"\"%.255s\" cannot be the name of a header: it must be relative, without \"..\" and "
				"control characters, and have at most 255 bytes",
				headers[i].name);
	}
	return total > CB_SOURCE_MAX
		       ? cb_fail(e, E2BIG, "the headers have %zu bytes; at most %d can be sent", total, CB_SOURCE_MAX)
		       : 0;
}

/* A tmpfs that is mounted nowhere, or -errno. */
static int detached_tmpfs(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1, err;

	if (fs < 0)
		return -errno;
	if (!fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	err = -errno;
	close(fs);
	return fd < 0 ? err : fd;
}

static int named_directory(struct cb_workdir *w, struct cb_err *e)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	if (!tmp || *tmp != '/' || strlen(tmp) > sizeof(w->path) - sizeof("/coolbpf.XXXXXX"))
		tmp = "/tmp";
	snprintf(w->path, sizeof(w->path), "%s/coolbpf.XXXXXX", tmp);
	if (!mkdtemp(w->path)) {
		cb_fail(e, errno, "cannot make a directory for headers, %s: %s", w->path, strerror(errno));
		*w->path = '\0';
		return -errno;
	}
	fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : cb_fail(e, errno, "cannot open %s: %s", w->path, strerror(errno));
}

static int make_parents(int dir, const char *name)
{
	char path[256];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
		if (mkdirat(dir, path, 0755) ? errno != EEXIST : fchmodat(dir, path, 0755, 0))
			return -errno;
	}
	return 0;
}

/* Modes are set, and not left to the umask: another user's clang is to read them. */
static int put(int dir, const struct cb_header *h, struct cb_err *e)
{
	int err = make_parents(dir, h->name), fd = -1;

	if (!err) {
		fd = openat(dir, h->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		err = fd < 0 ? -errno : cb_write_all(fd, h->text, h->len);
		if (!err && fchmod(fd, 0644))
			err = -errno;
	}
	if (fd >= 0)
		close(fd);
	if (err == -EEXIST || err == -ENOTDIR || err == -EISDIR)
		return cb_fail(e, EINVAL,
			       "two headers are called \"%s\", or one is called like the directory of another",
			       h->name);
	return err ? cb_fail(e, -err, "cannot keep the header \"%s\" for clang: %s", h->name, strerror(-err)) : 0;
}

int cb_workdir_make(struct cb_workdir *w, const struct cb_header *headers, size_t n, struct cb_err *e)
{
	int err;

	*w = (struct cb_workdir){.fd = -1};
	err = check(headers, n, e);
	if (err)
		return err;
	w->fd = detached_tmpfs();
	if (w->fd < 0)
		w->fd = named_directory(w, e);
	if (w->fd < 0)
		return w->fd;
	for (size_t i = 0; i < n && !err; i++)
		err = put(w->fd, &headers[i], e);
	return err;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void cb_workdir_remove(struct cb_workdir *w)
{
	if (*w->path)
		nftw(w->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct cb_workdir){.fd = -1};
}
