/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* headers.h - the directories in which a source finds "vmlinux.h", "lbc.h" and <coolbpf/lbc.h>. */
#ifndef CB_COMPILE_HEADERS_H
#define CB_COMPILE_HEADERS_H

#include <limits.h>

#include "base/err.h"
#include "base/log.h"

struct cb_headers {
	char kernel[PATH_MAX];	  /* holds vmlinux.h; "" when the kernel has no BTF: see no_btf */
	char lbc[PATH_MAX];	  /* holds coolbpf/lbc.h */
	char temporary[PATH_MAX]; /* removed by cb_headers_release(), or "" */
	struct cb_err no_btf;
};

/* For the kernel whose BTF is at btf_path (NULL: see cb_btf_kernel_path()). Made when this user's cache does not have
 * them yet; where the cache cannot be written, in a temporary directory. cb_headers_release() even after an error. */
int cb_headers_prepare(struct cb_headers *h, const char *btf_path, const struct cb_log *log, struct cb_err *e);
void cb_headers_release(struct cb_headers *h);

#endif
