/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* valid.h - BTF from outside, checked before libbpf believes it. */
#ifndef CB_BTF_VALID_H
#define CB_BTF_VALID_H

#include <bpf/btf.h>
#include <stddef.h>

#include "base/err.h"

/* Parse BTF and look at every id, name and chain in it. NULL with errno (EINVAL, ENOMEM) and a sentence without the name
 * of the file, which the caller knows. Free with btf__free(). */
struct btf *cb_btf_parse(const void *data, size_t size, struct cb_err *e);

#endif
