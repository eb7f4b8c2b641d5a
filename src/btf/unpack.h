/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* unpack.h - bytes that are compressed in one of the ways that kernels are: gzip, xz, lzma, bzip2, zstd, lz4. */
#ifndef CB_BTF_UNPACK_H
#define CB_BTF_UNPACK_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The name of the compression that the bytes begin with, also of those that cb_unpack() cannot undo; NULL: none. */
const char *cb_packed(const void *data, size_t len);

/* Append to out what was compressed, at most max bytes; what stands behind the end of the compressed stream is not looked at.
 * -EINVAL corrupt, cut or not compressed; -EFBIG; -ENOMEM, also where unpacking would take more memory than a kernel's
 * compression needs; -ENOTSUP lzo, and lz4 but the format that kernels are in; each with a sentence. */
int cb_unpack(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e);

#endif
