/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* workdir.h - headers that came as data, as a directory that nobody else sees. */
#ifndef CB_COMPILE_WORKDIR_H
#define CB_COMPILE_WORKDIR_H

#include <limits.h>

#include "base/err.h"
#include "compile/compile.h"

struct cb_workdir {
	int fd;	       /* -1: none */
	char path[64]; /* removed by cb_workdir_remove(); "": it has no name */
};

/* Is this the name of a header that may be sent (see struct cb_header)? */
bool cb_header_name_ok(const char *name);

/* A directory with these headers: a tmpfs that is mounted nowhere and goes with its descriptor; for who may not make one, a
 * directory in $TMPDIR. cb_workdir_remove() even after an error. -EINVAL a bad name or two of one name, -E2BIG too many. */
int cb_workdir_make(struct cb_workdir *w, const struct cb_header *headers, size_t n, struct cb_err *e);
void cb_workdir_remove(struct cb_workdir *w);

#endif
