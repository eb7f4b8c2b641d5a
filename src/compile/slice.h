/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* slice.h - of a kernel's types, the vmlinux.h that one program needs. */
#ifndef CB_COMPILE_SLICE_H
#define CB_COMPILE_SLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "btf/index.h"

struct cb_slice_text {
	const char *text;
	size_t len;
	bool library; /* of lbc.h, libbpf, the kernel's uapi: not written for this program */
};

/* texts: the program, and the headers that it includes. Append the text of a vmlinux.h to out. The same texts and BTF give
 * the same bytes. -ENOMEM; -EINVAL the BTF is corrupt where the program needs it. */
int cb_slice(const struct cb_btf_index *ix, const struct cb_slice_text *texts, size_t n, struct cb_buf *out,
	     struct cb_err *e);

#endif
