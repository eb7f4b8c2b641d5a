/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* lineinfo.h - where a source line stands, from the object's .BTF.ext. */
#ifndef CB_LINEINFO_H
#define CB_LINEINFO_H

#include "runtime/runtime.h"

/* The bytes of a section of the handle's object, aligned to 4. -ENOENT; -EINVAL: the ELF file is cut or corrupt. */
int cb_elf_section(const struct coolbpf *cb, const char *name, const char **data, size_t *size);

/* Write "file:line" of the first line record whose text is this (leading blanks aside). -ENOENT; -EINVAL: .BTF.ext is
 * absent or corrupt. */
int cb_lineinfo_find(const struct coolbpf *cb, const char *text, char *out, size_t size);

#endif
