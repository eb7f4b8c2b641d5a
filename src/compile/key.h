/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* key.h - the name of what a compile gives, before it is done: everything that goes into it, as one digest. */
#ifndef CB_COMPILE_KEY_H
#define CB_COMPILE_KEY_H

#include <stdbool.h>

#include "base/digest.h"
#include "compile/compile.h"
#include "compile/vmlinux.h"

/* False when not everything is known that goes into it: a header named by a macro, a flag that names files, the time of day.
 * base: the source's name without its directory. */
bool cb_compile_key(const struct cb_compile_request *rq, const struct cb_vmlinux *v, const char *clang,
		    const char *base, const char *text, size_t len, char key[CB_SHA256_HEX]);

#endif
