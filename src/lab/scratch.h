/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * scratch.h - a directory for temporary files, in TMPDIR or /tmp, that stays with nobody: who makes one removes those whose
 * makers were killed.
 */
#ifndef CB_LAB_SCRATCH_H
#define CB_LAB_SCRATCH_H

#include <limits.h>

#include "base/err.h"

struct cb_lab_scratch {
	char path[PATH_MAX]; /* "" when it is not open */
	int lock;	     /* the directory itself, with flock(2), as long as it is in use; negative: it has none */
};

int cb_lab_scratch_open(struct cb_lab_scratch *s, struct cb_err *e);
/* Removes it with all that is in it. */
void cb_lab_scratch_close(struct cb_lab_scratch *s);

#endif
