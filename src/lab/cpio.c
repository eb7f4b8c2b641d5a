// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cpio.c - see cpio.h. The format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 *
 * An entry is a header of 6 + 13 * 8 characters, the name with its zero, and the data; the name and the data are each filled up
 * with zeros to a multiple of four bytes.
 */
#include "lab/cpio.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { HEADER = 6 + 13 * 8, ALIGN = 4 };

struct entry {
	const char *name; /* without the slash in front */
	mode_t mode;
	uint64_t size;
	unsigned int major, minor;
};

static int put(struct cb_cpio *c, const void *data, size_t len)
{
	int err = cb_write_all(c->fd, data, len);

	if (!err)
		c->size += len;
	return err;
}

static int fill_up(struct cb_cpio *c)
{
	return put(c, "\0\0\0", (size_t)(-c->size % ALIGN));
}

static int put_header(struct cb_cpio *c, const struct entry *e)
{
	char head[HEADER + PATH_MAX];
	size_t name = strlen(e->name) + 1;
	int err;

	if (name > PATH_MAX)
		return -ENAMETOOLONG;
	if (e->size > UINT32_MAX)
		return -EFBIG;
	snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ++c->inode, e->mode,
		 0, 0, 1, 0, (unsigned int)e->size, 0, 0, e->major, e->minor, (unsigned int)name, 0);
	memcpy(head + HEADER, e->name, name);
	err = put(c, head, HEADER + name);
	return err ? err : fill_up(c);
}

static const char *relative(const char *path)
{
	return path + strspn(path, "/");
}

bool cb_cpio_has(const struct cb_cpio *c, const char *path)
{
	const char *name = relative(path);

	return cb_hmap_get(&c->has, name, strlen(name)) != NULL;
}

static int remember(struct cb_cpio *c, const char *name, size_t len)
{
	return cb_hmap_put(&c->has, name, len, c);
}

/* The directories above name. */
static int put_parents(struct cb_cpio *c, const char *name)
{
	char dir[PATH_MAX];
	int err = 0;

	if (strlen(name) >= sizeof(dir))
		return -ENAMETOOLONG;
	for (const char *slash = strchr(name, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - name);

		if (cb_hmap_get(&c->has, name, len))
			continue;
		memcpy(dir, name, len);
		dir[len] = '\0';
		err = put_header(c, &(struct entry){.name = dir, .mode = S_IFDIR | 0755});
		if (!err)
			err = remember(c, name, len);
	}
	return err;
}

/* All of an entry but its data. */
static int begin(struct cb_cpio *c, const char *path, struct entry e)
{
	int err;

	e.name = relative(path);
	if (!*e.name)
		return -EINVAL;
	if (cb_cpio_has(c, path))
		return -EEXIST;
	err = put_parents(c, e.name);
	if (!err)
		err = put_header(c, &e);
	return err ? err : remember(c, e.name, strlen(e.name));
}

int cb_cpio_dir(struct cb_cpio *c, const char *path, mode_t mode)
{
	return begin(c, path, (struct entry){.mode = S_IFDIR | (mode & 07777)});
}

int cb_cpio_device(struct cb_cpio *c, const char *path, mode_t type_and_mode, unsigned int major, unsigned int minor)
{
	return begin(c, path, (struct entry){.mode = type_and_mode, .major = major, .minor = minor});
}

static int put_bytes(struct cb_cpio *c, const char *path, mode_t mode, const void *data, size_t len)
{
	int err = begin(c, path, (struct entry){.mode = mode, .size = len});

	if (!err)
		err = put(c, data, len);
	return err ? err : fill_up(c);
}

int cb_cpio_data(struct cb_cpio *c, const char *path, mode_t mode, const void *data, size_t len)
{
	return put_bytes(c, path, S_IFREG | (mode & 07777), data, len);
}

int cb_cpio_symlink(struct cb_cpio *c, const char *path, const char *target)
{
	return put_bytes(c, path, S_IFLNK | 0777, target, strlen(target));
}

int cb_cpio_file(struct cb_cpio *c, const char *path, mode_t mode, int from)
{
	struct stat st;
	off_t at = 0;
	int err;

	if (fstat(from, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = begin(c, path, (struct entry){.mode = S_IFREG | (mode & 07777), .size = (uint64_t)st.st_size});
	if (err)
		return err;
	while (at < st.st_size) {
		ssize_t n = sendfile(c->fd, from, &at, (size_t)(st.st_size - at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		c->size += (uint64_t)n;
	}
	return fill_up(c);
}

int cb_cpio_end(struct cb_cpio *c)
{
	return put_header(c, &(struct entry){.name = "TRAILER!!!"});
}

void cb_cpio_free(struct cb_cpio *c)
{
	cb_hmap_free(&c->has);
	*c = (struct cb_cpio){.fd = -1};
}
