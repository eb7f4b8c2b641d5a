/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* vmlinux.h - the vmlinux.h that clang gets for one program: its slice, or the whole. */
#ifndef CB_COMPILE_VMLINUX_H
#define CB_COMPILE_VMLINUX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "btf/index.h"
#include "compile/compile.h"
#include "compile/includes.h"

struct cb_vmlinux {
	struct cb_includes includes; /* of the source */
	bool included;		     /* the source asks for vmlinux.h, and brings none itself */
	const char *btf_path;
	struct cb_btf_index index;
	bool indexed;
	struct cb_err no_btf; /* why there is none, though included; "" */
};

/* Read what the source includes. dir: of the user's headers. cb_vmlinux_close() even after an error. */
int cb_vmlinux_open(struct cb_vmlinux *v, const struct cb_compile_request *rq, const char *text, size_t len, int dir,
		    struct cb_err *e);
void cb_vmlinux_close(struct cb_vmlinux *v);

/* Find the kernel's BTF: then indexed is set, or no_btf says why it is not there. */
int cb_vmlinux_index(struct cb_vmlinux *v, const char *cache_dir, struct cb_err *e);

/* A descriptor of the slice for this source; its size. -errno. */
int cb_vmlinux_slice(const struct cb_vmlinux *v, const struct cb_compile_request *rq, const char *text, size_t len,
		     size_t *size, struct cb_err *e);

/* Do these errors speak of something that the kernel has, and the slice might not? */
bool cb_vmlinux_lacks(const struct cb_vmlinux *v, const struct cb_diags *d);

#endif
