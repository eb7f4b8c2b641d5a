/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* inspect.h - what an object holds, as JSON: for coolbpf inspect, and for who had it compiled by a server. */
#ifndef CB_CLI_INSPECT_H
#define CB_CLI_INSPECT_H

#include "base/buf.h"
#include "coolbpf/coolbpf.h"

/* Append one JSON object about an opened tool. */
void cb_inspect_json(struct coolbpf *cb, struct cb_buf *out);

#endif
