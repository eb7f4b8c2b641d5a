/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* dump.h - a kernel's types as C. */
#ifndef CB_COMPILE_DUMP_H
#define CB_COMPILE_DUMP_H

#include <stddef.h>

#include "base/err.h"

/* What stands around the types in a vmlinux.h, and around those of its structs and unions. */
#define CB_VMLINUX_H_BEGIN "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
#define CB_VMLINUX_H_RECORDS                                                                                           \
	"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"                                                                       \
	"#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n"                   \
	"#endif\n\n"
#define CB_VMLINUX_H_RECORDS_END "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n"
#define CB_VMLINUX_H_END	 "#endif /* __VMLINUX_H__ */\n"

/* The text of vmlinux.h for the BTF at path, as "bpftool btf dump file ... format c" prints it, but always C. *text is
 * malloc'd, also to be freed after an error. */
int cb_dump_vmlinux_h(const char *path, char **text, size_t *len, struct cb_err *e);

#endif
