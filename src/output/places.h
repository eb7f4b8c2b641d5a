/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * places.h - names for numbers: those this machine's headers define (system calls, errors, signals), and those one has
 * to look up in /sys (control groups, block devices), which are remembered.
 */
#ifndef CB_OUTPUT_PLACES_H
#define CB_OUTPUT_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* names.c. "openat", "ENOENT", "SIGTERM"; NULL for a number that has no name. */
const char *cb_syscall_name(uint64_t nr);
const char *cb_errno_name(uint64_t err);
/* Real-time signals count from SIGRTMIN as the C library sees it ("SIGRTMIN+2"). The text may be made in out. */
const char *cb_signal_name(uint64_t nr, char out[16]);
/* The number for such a name, -1 when there is none. Signals also without SIG. */
int64_t cb_syscall_number(const char *name);
int64_t cb_errno_number(const char *name);
int64_t cb_signal_number(const char *name);

struct cb_places;

/* cgroup_root: where the cgroup2 hierarchy is mounted; NULL: found in /proc/self/mountinfo. */
struct cb_places *cb_places_new(const char *cgroup_root);
void cb_places_free(struct cb_places *p);
/* The path of a control group below the mount ("/" the root), or NULL. The tree is walked when an id is asked for that
 * was not there at the last walk, and at most once a second. */
const char *cb_places_cgroup(struct cb_places *p, uint64_t id);
/* The name of a block device by the kernel's dev_t (major << 20 | minor), or NULL. */
const char *cb_places_dev(struct cb_places *p, uint32_t dev);

#endif
