/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * names.h - the names of files as clang sees them, turned into those that people know.
 *
 * The same source is to give the same bytes wherever it stands. So clang sees the same names always: it gets the source
 * as its descriptor 0, what headers come from as 3 to 5, and names them by /proc/self/fd. In its messages those become
 * what the user typed. In the object they become names relative to the source.
 * (-ffile-prefix-map would do that, but LLVM puts the text of each line into BTF by opening the very name that BTF gets:
 * it must be changed afterwards.)
 */
#ifndef CB_COMPILE_NAMES_H
#define CB_COMPILE_NAMES_H

#include <limits.h>

#include "base/buf.h"
#include "base/err.h"

/* clang's descriptors */
enum { CB_FD_SOURCE, CB_FD_OBJECT, CB_FD_MESSAGES, CB_FD_DIR, CB_FD_KERNEL, CB_FD_LBC, CB_FDS };

#define CB_NAME_DIR	"/proc/self/fd/3" /* the source's directory */
#define CB_NAME_KERNEL	"/proc/self/fd/4" /* vmlinux.h itself */
#define CB_NAME_LBC	"/proc/self/fd/5" /* the directory of coolbpf/lbc.h */
#define CB_NAME_PRESENT "/proc/self/cwd"

struct cb_names {
	const char *path;      /* of the source, as the user gave it */
	int dir_len;	       /* of path: up to and with the last slash */
	const char *lbc;       /* the directory of lbc.h; "": it has no name */
	char source[PATH_MAX]; /* clang's name of the source, at least as long as its base name */
};

int cb_names_init(struct cb_names *n, const char *path, const char *lbc, struct cb_err *e);
/* Append a message of clang's. */
void cb_names_message(const struct cb_names *n, const char *text, struct cb_buf *out);
/* In the section .BTF of an object, in place; aligned to 4. */
void cb_names_btf(const struct cb_names *n, void *btf, size_t size);

#endif
