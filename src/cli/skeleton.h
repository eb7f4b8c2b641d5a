/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* skeleton.h - a C header with a tool inside, see skeleton.c. */
#ifndef CB_CLI_SKELETON_H
#define CB_CLI_SKELETON_H

#include "base/buf.h"
#include "base/err.h"
#include "coolbpf/coolbpf.h"

/* Append the header for an opened tool. The C name of the tool is coolbpf_name() with '_' for what no identifier has. */
int cb_skeleton(struct coolbpf *cb, struct cb_buf *out, struct cb_err *e);

#endif
