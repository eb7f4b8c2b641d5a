// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int read_fd(int fd, const char *path, size_t hint, size_t max, char **out, size_t *out_len, struct cb_err *e)
{
	size_t cap = hint + 1, len = 0;
	char *data = malloc(cap + 1);
	ssize_t n;

	if (!data)
		return cb_fail(e, ENOMEM, "cannot read %s: out of memory", path);
	for (;;) {
		if (len == cap) {
			char *bigger = cap > max ? NULL : realloc(data, cap * 2 + 1);

			if (!bigger) {
				free(data);
				if (cap > max)
					return cb_fail(e, EFBIG, "cannot read %s: it is larger than %zu bytes", path,
						       max);
				return cb_fail(e, ENOMEM, "cannot read %s: out of memory", path);
			}
			data = bigger;
			cap *= 2;
		}
		n = read(fd, data + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (n < 0 || len > max) {
		int err = n < 0 ? errno : EFBIG;

		free(data);
		return cb_fail(e, err, "cannot read %s: %s", path, strerror(err));
	}
	data[len] = '\0';
	*out = data;
	*out_len = len;
	return 0;
}

int cb_file_read(const char *path, size_t max, char **data, size_t *len, struct cb_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t hint = 4095;
	int err;

	if (fd < 0) {
		err = errno;
		return cb_fail(e, err, "cannot open %s: %s", path, strerror(err));
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		if ((size_t)st.st_size > max) {
			close(fd);
			return cb_fail(e, EFBIG, "cannot read %s: it is larger than %zu bytes", path, max);
		}
		hint = (size_t)st.st_size;
	}
	err = read_fd(fd, path, hint, max, data, len, e);
	close(fd);
	return err;
}

int cb_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What is not a regular file (a pipe, a terminal) or has no name (standard output may be a file that is removed already) is
 * written to, not replaced. */
static int write_special(const char *path, const void *data, size_t len, struct cb_err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : cb_write_all(fd, data, len);

	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	return err ? cb_fail(e, -err, "cannot write %s: %s", path, strerror(-err)) : 0;
}

/* A file for writing in target's directory, without a name as long as it is not whole: whoever is killed leaves nothing.
 * Kernels before 3.11, some file systems, and systems without /proc cannot do that; -1 then. */
static int open_nameless(const char *target, mode_t mode)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(target, '/');

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - target) + 1 : 2, slash ? target : "./");
	return access("/proc/self/fd", F_OK) ? -1 : open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}

/* Give the file behind fd this name; 0 or -errno, -EEXIST when there is a file of that name. */
static int give_name(int fd, const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* A name beside target that nobody has, for fd, or for a new file when that is -1. A descriptor or -errno. */
static int name_beside(const char *target, int fd, mode_t mode, char *name, size_t size)
{
	int err = -EEXIST;

	for (unsigned n = 0; err == -EEXIST && n < 1000; n++) {
		snprintf(name, size, "%s.%d-%u", target, getpid(), n);
		if (fd >= 0)
			err = give_name(fd, name);
		else if ((err = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) < 0)
			err = -errno;
		else
			return err;
	}
	return err ? err : fd;
}

/* Write, and put in the place of target; tmp is the name that was needed on the way, or "". */
static int write_and_rename(int fd, bool named, const char *target, const void *data, size_t len, char *tmp,
			    size_t size)
{
	struct stat old;
	int err = cb_write_all(fd, data, len);

	if (!err && !stat(target, &old) && fchmod(fd, old.st_mode & 0777))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (!err && !named) {
		err = give_name(fd, target);
		if (err != -EEXIST)
			return err;
		err = name_beside(target, fd, 0, tmp, size);
	}
	return err < 0 ? err : rename(tmp, target) ? -errno : 0;
}

int cb_file_write(const char *path, const void *data, size_t len, mode_t mode, struct cb_err *e)
{
	char target[PATH_MAX], tmp[PATH_MAX + 32] = "";
	struct stat st;
	bool there, named;
	int fd, err;

	if (strlen(path) >= PATH_MAX)
		return cb_fail(e, ENAMETOOLONG, "cannot write %s: the path is too long", path);
	there = !stat(path, &st);
	if (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return write_special(path, data, len, e);
	/* through symbolic links, so that these stay */
	if (!realpath(path, target)) {
		if (there)
			return write_special(path, data, len, e);
		memcpy(target, path, strlen(path) + 1);
	}
	fd = open_nameless(target, mode);
	named = fd < 0;
	if (named)
		fd = name_beside(target, -1, mode, tmp, sizeof(tmp));
	if (fd < 0)
		return cb_fail(e, -fd, "cannot write %s: %s", path, strerror(-fd));
	err = write_and_rename(fd, named, target, data, len, tmp, sizeof(tmp));
	if (close(fd) && !err)
		err = -errno;
	if (err && *tmp)
		unlink(tmp);
	return err ? cb_fail(e, -err, "cannot write %s: %s", path, strerror(-err)) : 0;
}

int cb_file_nameless(const char *name)
{
	char tmp[] = "/tmp/coolbpf.XXXXXX";
	/* the system call came with 3.17, its wrapper with glibc 2.27; 1 is MFD_CLOEXEC */
	int fd = (int)syscall(SYS_memfd_create, name, 1U);
	int above;

	if (fd < 0) {
		fd = mkostemp(tmp, O_CLOEXEC);
		if (fd >= 0)
			unlink(tmp);
	}
	if (fd < 0)
		return -errno;
	if (fd > 2)
		return fd;
	/* a caller without standard descriptors must not see its file become one */
	above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (above < 0)
		above = -errno;
	close(fd);
	return above;
}

int cb_mkdirs(const char *path, struct cb_err *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (!n || n >= sizeof(part))
		return cb_fail(e, ENAMETOOLONG, "cannot make the directory %s: the path is empty or too long", path);
	memcpy(part, path, n + 1);
	for (char *p = part + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) && errno != EEXIST) {
			int err = errno;

			return cb_fail(e, err, "cannot make the directory %s: %s", part, strerror(err));
		}
		if (!c)
			return 0;
		*p = c;
	}
}

void cb_cache_dir(char *out, size_t size)
{
	const char *dir;

	if ((dir = getenv("COOLBPF_CACHE")) && *dir)
		snprintf(out, size, "%s", dir);
	else if ((dir = getenv("XDG_CACHE_HOME")) && *dir == '/')
		snprintf(out, size, "%s/coolbpf", dir);
	else if ((dir = getenv("HOME")) && *dir == '/')
		snprintf(out, size, "%s/.cache/coolbpf", dir);
	else
		snprintf(out, size, "/var/cache/coolbpf");
}
