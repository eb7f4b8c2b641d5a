/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* kernel.h - the BTF of the kernel that a program is to run on. */
#ifndef CB_BTF_KERNEL_H
#define CB_BTF_KERNEL_H

#include <bpf/btf.h>
#include <stdbool.h>

#include "base/err.h"

/* Where it is: path if given, else $BPF_CUSTOM_BTF, else /sys/kernel/btf/vmlinux. */
const char *cb_btf_kernel_path(const char *path);
/* Is this the BTF that the running kernel itself offers (and libbpf finds without being told)? */
bool cb_btf_kernel_is_running(const char *path);
/* Load it: raw BTF, an ELF file with a .BTF section, or a kernel image. The caller frees it with btf__free(). NULL with errno and the
 * sentence: a file that is absent, unreadable, corrupt. */
struct btf *cb_btf_kernel_load(const char *path, struct cb_err *e);

#endif
