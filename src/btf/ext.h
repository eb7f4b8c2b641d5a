/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * ext.h - the records of .BTF.ext, the section that connects BTF with instructions.
 *
 * It has three parts: functions, lines, CO-RE relocations. A part begins with the size of a record; then, for each
 * section of programs, stand its name (4 bytes), a number (4 bytes), and so many records. (The kernel's
 * Documentation/bpf/btf.rst.)
 */
#ifndef CB_BTF_EXT_H
#define CB_BTF_EXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cb_btf_ext_part { CB_EXT_FUNCTIONS, CB_EXT_LINES, CB_EXT_RELOCATIONS };

/* Call fn for each record of a part; all of them have at least `least` bytes. A record may be not aligned. What fn
 * returns other than 0 ends the walk and comes back. -EINVAL: corrupt; -ENOTSUP: the other byte order. */
int cb_btf_ext_each(void *data, size_t size, enum cb_btf_ext_part part, size_t least,
		    int (*fn)(void *ctx, unsigned char *record), void *ctx, struct cb_err *e);

/* The same for the sections of a part: the offsets of their names among BTF's strings. */
int cb_btf_ext_each_section(const void *data, size_t size, enum cb_btf_ext_part part,
			    int (*fn)(void *ctx, uint32_t name), void *ctx, struct cb_err *e);

#endif
