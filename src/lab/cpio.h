/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cpio.h - write a cpio archive of the format "newc", which is what the kernel unpacks as its first file system.
 *
 * Directories above a path are made by themselves (0755). A path is put in once: a second time is -EEXIST. Everything belongs
 * to root and was made at the beginning of time, so that equal files make equal archives.
 */
#ifndef CB_LAB_CPIO_H
#define CB_LAB_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hmap.h"

struct cb_cpio {
	int fd;		    /* the caller's; written from where it stands */
	uint64_t size;	    /* bytes written */
	uint32_t inode;	    /* of the last entry */
	struct cb_hmap has; /* paths without the slash in front */
};

/* All of them: 0 or -errno. Paths are absolute. */
int cb_cpio_dir(struct cb_cpio *c, const char *path, mode_t mode);
int cb_cpio_data(struct cb_cpio *c, const char *path, mode_t mode, const void *data, size_t len);
/* A regular file of the host's; one that changes its size meanwhile is -EIO. -EFBIG: 4 GiB and more, the format's limit. */
int cb_cpio_file(struct cb_cpio *c, const char *path, mode_t mode, int from);
int cb_cpio_symlink(struct cb_cpio *c, const char *path, const char *target);
/* type is S_IFCHR or S_IFBLK. */
int cb_cpio_device(struct cb_cpio *c, const char *path, mode_t type_and_mode, unsigned int major, unsigned int minor);
bool cb_cpio_has(const struct cb_cpio *c, const char *path);
/* The archive's last entry. Another archive may follow in the same file. */
int cb_cpio_end(struct cb_cpio *c);
void cb_cpio_free(struct cb_cpio *c);

#endif
