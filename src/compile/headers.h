/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * headers.h - the headers that are ours: lbc.h, and vmlinux.h.
 *
 * vmlinux.h is another one for each program (slice.h), so a source finds only a stub of that name, which includes what
 * clang has open as descriptor CB_FD_KERNEL.
 */
#ifndef CB_COMPILE_HEADERS_H
#define CB_COMPILE_HEADERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "compile/workdir.h"

struct cb_headers {
	char lbc[PATH_MAX];	  /* holds coolbpf/lbc.h and kernel/vmlinux.h, the stub */
	char temporary[PATH_MAX]; /* removed by cb_headers_release(), or "" */
};

/* Made when this user's cache does not have them yet; where the cache cannot be written, in a temporary directory.
 * cb_headers_release() even after an error. */
int cb_headers_prepare(struct cb_headers *h, const struct cb_log *log, struct cb_err *e);
void cb_headers_release(struct cb_headers *h);

/* The same in a directory without a name, see workdir.h. */
int cb_headers_workdir(struct cb_workdir *w, struct cb_err *e);

/* A descriptor of the whole vmlinux.h for the BTF at this path, from the cache, or written now, and kept there if keep is
 * set; -errno. */
int cb_headers_whole(const char *btf_path, bool keep, const struct cb_log *log, struct cb_err *e);

/* A nameless file with this text of a vmlinux.h: its descriptor, or -errno. */
int cb_headers_in_memory(const char *text, size_t len, struct cb_err *e);

/* The text of lbc.h. */
extern const unsigned char cb_lbc_h[]; /* include/coolbpf/lbc.h, put in by scripts/embed.py */
extern const size_t cb_lbc_h_len;

#endif
