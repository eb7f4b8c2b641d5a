/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cage.h - a child in namespaces of its own.
 *
 * It has no network, sees no process of others and no mount, and as its root a small read-only tree: the directories that
 * clang, its libraries and the job's headers are in, and /proc. It is nobody when its parent is root, and has no privileges.
 * What this machine does not allow is left out; cb_cage.got says what it got.
 */
#ifndef CB_COMPILE_CAGE_H
#define CB_COMPILE_CAGE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { CB_CAGE_USER = 1, CB_CAGE_PID = 2, CB_CAGE_NET = 4, CB_CAGE_IPC = 8, CB_CAGE_UTS = 16, CB_CAGE_FILES = 32 };

struct cb_cage {
	char clang[PATH_MAX]; /* the program, without symbolic links: these are not in the tree */
	struct cb_buf dirs;   /* paths, each with its zero */
	unsigned want, got;   /* CB_CAGE_... */
};

/* readable: ends with NULL. cb_cage_free() after any. */
int cb_cage_plan(struct cb_cage *c, const char *clang, const char *const *readable, bool pid, struct cb_err *e);
void cb_cage_free(struct cb_cage *c);

/* As fork(): 0 in the child, which is in its cage and may call what is safe after fork(); -errno. */
pid_t cb_cage_fork(struct cb_cage *c);

#endif
