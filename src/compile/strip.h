/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* strip.h - an object without its DWARF. */
#ifndef CB_COMPILE_STRIP_H
#define CB_COMPILE_STRIP_H

#include <stddef.h>

#include "base/err.h"

/* fd: an object as clang wrote it. *object is malloc'd; .BTF and .BTF.ext stay, debug sections go. An object that libbpf's
 * linker does not understand comes back as it is. */
int cb_strip(int fd, void **object, size_t *size, struct cb_err *e);

#endif
