/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* libbpf_skeleton.h - a C header with an object inside, for programs that use libbpf itself; see libbpf_skeleton.c. */
#ifndef CB_CLI_LIBBPF_SKELETON_H
#define CB_CLI_LIBBPF_SKELETON_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Append the header for an object. name is the object file's ("dir/tool.bpf.o", which makes struct tool_bpf). */
int cb_libbpf_skeleton(const void *object, size_t size, const char *name, struct cb_buf *out, struct cb_err *e);

#endif
