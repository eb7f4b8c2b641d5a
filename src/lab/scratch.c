// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * scratch.c - see scratch.h.
 *
 * Whoever uses a directory holds its lock, which ends with the process, whatever ends that. A directory of ours (by name and
 * owner) whose lock can be taken was left by one that was killed - or is so new that its maker has not locked it yet: the maker
 * looks afterwards whether it is still there, and makes another one if not. Where directories cannot be locked nothing is swept.
 */
#include "lab/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/store.h"

static const char prefix[] = "coolbpf-lab-", pattern[] = "XXXXXX";

/* The directory itself, locked. -EWOULDBLOCK: another process has it; -ENOENT: it is gone; -EPERM: it is another user's; other
 * errors: directories cannot be locked there, as on some network file systems. */
static int lock_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat held, named;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &held) || held.st_uid != geteuid())
		err = -EPERM;
	else if (flock(fd, LOCK_EX | LOCK_NB))
		err = -errno;
	else if (lstat(path, &named) || held.st_dev != named.st_dev || held.st_ino != named.st_ino)
		err = -ENOENT;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, prefix, sizeof(prefix) - 1) && strlen(name) == sizeof(prefix) - 1 + sizeof(pattern) - 1;
}

static void sweep(const char *tmp)
{
	DIR *dir = opendir(tmp);
	const struct dirent *d;
	char path[PATH_MAX];
	int lock;

	while (dir && (d = readdir(dir))) {
		if (!is_ours(d->d_name) || cb_lab_path(path, NULL, "%s/%s", tmp, d->d_name))
			continue;
		lock = lock_directory(path);
		if (lock < 0)
			continue;
		cb_lab_remove(path);
		close(lock);
	}
	if (dir)
		closedir(dir);
}

int cb_lab_scratch_open(struct cb_lab_scratch *s, struct cb_err *e)
{
	const char *tmp = getenv("TMPDIR");
	int err;

	if (!tmp || *tmp != '/')
		tmp = "/tmp";
	sweep(tmp);
	do {
		err = cb_lab_path(s->path, e, "%s/%s%s", tmp, prefix, pattern);
		if (!err && !mkdtemp(s->path))
			err = cb_fail(e, errno, "cannot make a directory %s: %s (TMPDIR names another place)", s->path,
				      strerror(errno));
		s->lock = err ? -1 : lock_directory(s->path);
	} while (s->lock == -EWOULDBLOCK || s->lock == -ENOENT); /* another one has swept it away */
	if (err)
		*s->path = '\0';
	return err;
}

void cb_lab_scratch_close(struct cb_lab_scratch *s)
{
	if (*s->path)
		cb_lab_remove(s->path);
	if (s->lock >= 0)
		close(s->lock);
	*s = (struct cb_lab_scratch){.lock = -1};
}
