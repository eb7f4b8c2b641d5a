/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * store.h - the lab's part of the cache, "lab/" below cb_cache_dir():
 *
 *	lock			held (flock) by who writes
 *	tmp/			where the holder of the lock makes things; the next one sweeps what a killed one left
 *	kernels/NAME/		a kernel: info.json, vmlinuz, config, modules/RELEASE/
 *	headers/, built/	what modules are built against, and modules that were built (see headers.c, kbuild.c)
 *	images/DIGEST		images of the user's that qemu does not unpack, unpacked (file.c)
 *	apt/ARCH/		apt's state of our own (see apt.h)
 *	kvm-fails		KVM does not boot here (see guest.c)
 *
 * A thing appears in its place by a rename, whole.
 */
#ifndef CB_LAB_STORE_H
#define CB_LAB_STORE_H

#include <limits.h>

#include "base/digest.h"
#include "lab/kernel.h"
#include "lab/prog.h"

struct cb_lab_store {
	char dir[PATH_MAX]; /* .../lab */
	char tmp[PATH_MAX]; /* .../lab/tmp */
	int lock;
};

/* Wait for the lock, and make an empty tmp/. */
int cb_lab_store_open(struct cb_lab_store *s, struct cb_lab_hold *h, const struct cb_log *log, struct cb_err *e);
void cb_lab_store_close(struct cb_lab_store *s);

/* Move the directory `from` to KIND/NAME, in the place of what is there. */
int cb_lab_store_put(const struct cb_lab_store *s, const char *from, const char *kind, const char *name,
		     struct cb_err *e);

/* ".../lab/KIND/NAME", with a name that is no path and means nothing to make: other characters than letters, digits
 * and "._+-" become '_'. */
int cb_lab_store_path(const char *kind, const char *name, char path[PATH_MAX], struct cb_err *e);

/* A path out of pieces; -ENAMETOOLONG with a message. */
int cb_lab_path(char out[PATH_MAX], struct cb_err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* rm -rf. What cannot be removed stays. */
void cb_lab_remove(const char *path);
/* rename(2), with a message. */
int cb_lab_rename(const char *from, const char *to, struct cb_err *e);
/* One digest of all regular files and links below dir: paths and content. `except` is a name in dir itself to leave
 * out, or NULL. */
int cb_lab_tree_digest(const char *dir, const char *except, char hex[CB_SHA256_HEX], struct cb_err *e);

/* ---- info.json: what a kernel's directory holds */

struct cb_lab_info {
	char *name, *release, *arch, *package, *source; /* as in struct cb_lab_kernel */
	char image[CB_SHA256_HEX];			/* digest of vmlinuz */
	char tree[CB_SHA256_HEX];			/* of all files but info.json */
};
enum { CB_LAB_INFO_MAX = 64 * 1024 };

/* -EINVAL with a message for what cb_lab_info_write() does not write. */
int cb_lab_info_parse(const char *json, size_t len, struct cb_lab_info *out, struct cb_err *e);
/* Fill in the digests of dir, and write dir/info.json. */
int cb_lab_info_write(const char *dir, struct cb_lab_info *info, struct cb_err *e);
void cb_lab_info_free(struct cb_lab_info *info);

/* The kernel in this directory. -EBADMSG: it is damaged. whole: compare all its files with their digest, not only
 * the image. */
int cb_lab_store_kernel(const char *dir, bool whole, struct cb_lab_kernel *out, struct cb_err *e);

#endif
