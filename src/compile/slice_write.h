/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* slice_write.h - the types that were picked, as C. */
#ifndef CB_COMPILE_SLICE_WRITE_H
#define CB_COMPILE_SLICE_WRITE_H

#include "base/buf.h"
#include "compile/slice_pick.h"

enum { CB_SLICE_MAX = 16 << 20 }; /* bytes: the whole of a kernel is 3 MB */

/* Append their definitions, each behind what it needs. -ENOMEM; -EINVAL the BTF is corrupt there: names that are none,
 * types that nest without end. */
int cb_slice_write(struct cb_picks *p, struct cb_buf *out, struct cb_err *e);

#endif
