/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* lineinfo.h - where a source line stands, from the object's .BTF.ext. */
#ifndef CB_LINEINFO_H
#define CB_LINEINFO_H

#include "runtime/runtime.h"

/* Write "file:line" of the first line record whose text is this (leading blanks aside). -ENOENT; -EINVAL: .BTF.ext is
 * absent or corrupt. */
int cb_lineinfo_find(const struct coolbpf *cb, const char *text, char *out, size_t size);

#endif
