/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * compile.h - from a .bpf.c to an object.
 *
 * The one entry of this room. Today it runs clang as a program against the whole vmlinux.h of the kernel that the
 * object is to run on; slicing, a warm compiler and a sandbox take the same request and give the same answer.
 */
#ifndef CB_COMPILE_H
#define CB_COMPILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/log.h"

struct cb_compile_request {
	const char *path;     /* the source file; with text, only its name in messages and its directory for includes */
	const char *text;     /* the source itself, or NULL to read path */
	const char *btf_path; /* as coolbpf_opts.btf_path */
	const char *const *cflags; /* NULL, or arguments for clang ending with NULL */
	const char *clang;	   /* NULL: $CLANG, else found in $PATH */
	const struct cb_log *log;
};

/* *object is malloc'd, the caller frees it. On failure the sentence holds clang's diagnostics against the user's own
 * file and lines; warnings of a compile that succeeds go to the log. Debug sections other than .BTF and .BTF.ext are
 * gone. -EINVAL the source does not compile; -ENOENT no source, no clang, no libbpf headers (the sentence says what to
 * install).
 */
int cb_compile(const struct cb_compile_request *rq, void **object, size_t *size, struct cb_err *e);

#endif
