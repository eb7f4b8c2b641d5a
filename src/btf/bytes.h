/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* bytes.h - the bytes of a file's BTF as they are, and a careful way through them. */
#ifndef CB_BTF_BYTES_H
#define CB_BTF_BYTES_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cb_btf_bytes {
	const void *data;
	size_t size;
	bool mapped;   /* otherwise malloc'd */
	bool unpacked; /* the file's own bytes are others (a kernel image's), with which libbpf can do nothing */
};

/* The BTF of a raw BTF file, of the section .BTF of an ELF file, or of a kernel image (image.h). Says nothing yet about what the bytes mean. On an
 * error nothing is open: -ENOENT the file is absent (for the kernel's own: it has no BTF), -EINVAL none of these, or
 * without BTF, -EFBIG, -ENOMEM, and what else opening and reading give. */
int cb_btf_bytes_open(const char *path, struct cb_btf_bytes *b, struct cb_err *e);
void cb_btf_bytes_close(struct cb_btf_bytes *b);

/* BTF in this machine's byte order, with its parts inside its bounds. */
struct cb_btf_view {
	const unsigned char *types; /* aligned to 4 */
	size_t types_len;
	const char *strs; /* begins and ends with a zero byte */
	size_t strs_len;
};

/* -EINVAL with a sentence when the header or the string section is corrupt; -ENOTSUP for the other byte order or a
 * version that is not 1. data must be aligned to 4. */
int cb_btf_view(const void *data, size_t size, struct cb_btf_view *v, struct cb_err *e);

/* The type at *offset of the type section, which moves behind it; all of it is inside. NULL at the end, and at a record
 * that is cut or of an unknown kind: then *offset is not types_len. */
const struct btf_type *cb_btf_next(const struct cb_btf_view *v, size_t *offset);

/* The name at this offset, or NULL when it is outside. */
static inline const char *cb_btf_name(const struct cb_btf_view *v, uint32_t offset)
{
	return offset < v->strs_len ? v->strs + offset : NULL;
}

/* The id of the first type of this kind and name, or -ENOENT. A pass over all types: a millisecond for a kernel's. */
int cb_btf_find(const struct cb_btf_view *v, const char *name, int kind);

#endif
