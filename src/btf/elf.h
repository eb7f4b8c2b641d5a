/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* elf.h - the sections of an object in memory: ELF of 64 bits, in this machine's byte order. */
#ifndef CB_BTF_ELF_H
#define CB_BTF_ELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The bytes of the section of this name; they may be not aligned. -ENOENT; -EINVAL: not ELF, corrupt, or there are two;
 * -ENOTSUP: ELF of another word size or byte order. */
int cb_elf_section(const void *object, size_t size, const char *name, const void **data, size_t *len);

/* Is all that the tables of a relocatable object speak of inside the file? libelf and libbpf look at much of that, not at
 * all. 0, or as above with the sentence. */
int cb_elf_check(const void *object, size_t size, struct cb_err *e);

/* Is there a section of this name, and does each such section hold instructions? */
bool cb_elf_is_code(const void *object, size_t size, const char *name);

#endif
