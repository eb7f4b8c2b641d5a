/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* dump.h - a kernel's types as C. */
#ifndef CB_COMPILE_DUMP_H
#define CB_COMPILE_DUMP_H

#include <stddef.h>

#include "base/err.h"

/* The text of vmlinux.h for the BTF at path, as "bpftool btf dump file ... format c" prints it, but always C. *text is
 * malloc'd, also to be freed after an error. */
int cb_dump_vmlinux_h(const char *path, char **text, size_t *len, struct cb_err *e);

#endif
