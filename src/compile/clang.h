/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* clang.h - find clang and run it. */
#ifndef CB_COMPILE_CLANG_H
#define CB_COMPILE_CLANG_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"

enum { CB_CLANG_OLDEST = 14 }; /* the first that writes declaration tags into BTF */

/* The program: wanted (a path, or a name to search for), else $CLANG, else clang, else the newest clang-N in $PATH. -ENOENT
 * with what to install. path holds PATH_MAX bytes. */
int cb_clang_find(const char *wanted, char *path, size_t size, struct cb_err *e);

/* 0; -ENOENT with a sentence when this is not clang, or older than CB_CLANG_OLDEST. version gets the first line of what it
 * says of itself. Runs it, which takes time: ask when something has gone wrong. */
int cb_clang_check(const char *path, const sigset_t *mask, char *version, size_t size, struct cb_err *e);

/* The directory of clang's own headers (stddef.h), without symbolic links. Runs it. -ENOENT. dir holds PATH_MAX bytes. */
int cb_clang_headers(const char *path, char *dir, struct cb_err *e);

#endif
