/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* unpack.h - one compressed file in memory: gzip, xz, Zstandard. */
#ifndef CB_LAB_UNPACK_H
#define CB_LAB_UNPACK_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum cb_lab_packed { CB_LAB_PLAIN, CB_LAB_GZIP, CB_LAB_XZ, CB_LAB_ZSTD };

/* By the first bytes. */
enum cb_lab_packed cb_lab_packed_how(const void *data, size_t len);

/* Append what it is unpacked to out; what stands behind the first stream is left alone. -EBADMSG: it is damaged;
 * -EFBIG: more than max bytes. The message has no name of the file in it. */
int cb_lab_unpack(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e);

#endif
