/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * sandbox.h - what a job with a sandbox may not, prepared for its process (preload/confine.h) to give up.
 *
 * A source cannot make clang run code, but it can name files (#include, .incbin), and find a bug of clang's. So each layer
 * stands alone:
 *
 *   seccomp     no network, no other process, no file but for reading, no new program
 *   Landlock    of all files only those below the given directories and the job's descriptors
 *   limits      CPU time, address space, size of output, descriptors, threads; no core file
 *   namespaces  no process, mount, address or name of the machine is in sight: see cage.h
 */
#ifndef CB_COMPILE_SANDBOX_H
#define CB_COMPILE_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"
#include "compile/preload/confine.h"
#include "compile/zygote.h"

enum { CB_SANDBOX_LIMITS = 9 };

struct cb_sandbox_filter {
	struct sock_filter *code;
	unsigned len;
};

/* For a job by exec the filter lets execve() through, of the string at exec alone; NULL: by a zygote. */
int cb_sandbox_filter_make(struct cb_sandbox_filter *f, const char *exec, struct cb_err *e);
void cb_sandbox_filter_free(struct cb_sandbox_filter *f);

/* Landlock's ruleset for a job; exec: also clang and its libraries. A descriptor; -EOPNOTSUPP where the kernel has no
 * Landlock. */
int cb_sandbox_ruleset(const struct cb_job *job, bool exec, struct cb_err *e);

/* Returns how many. */
unsigned cb_sandbox_limits(const struct cb_sandbox *s, struct cb_confine_limit limits[CB_SANDBOX_LIMITS]);

/* The job's descriptors as it gets them: all but 1 and 2 for reading only. owned[i] says which ones to close. */
int cb_sandbox_descriptors(const struct cb_job *job, int *fds, bool *owned, struct cb_err *e);

/* Directories that clang and its libraries are in: for each one calls add(ctx, path). */
void cb_sandbox_program(const char *clang, void (*add)(void *ctx, const char *path), void *ctx);

#endif
