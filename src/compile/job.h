/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* job.h - what job.c and zygote.c share. */
#ifndef CB_COMPILE_JOB_H
#define CB_COMPILE_JOB_H

#include "compile/zygote.h"

/* The environment of clang where it is not its caller's: a zygote's, a sandbox's. extra: up to 8 more, ends with NULL. */
enum { CB_JOB_ENV = 16 };

/* The heap of clang in huge pages, grown by many at once: with new memory, a fault costs more than what is wasted. malloc's
 * cache of small pieces holds enough of them for LLVM. */
#define CB_JOB_TUNABLES                                                                                                \
	"GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.top_pad=33554432:glibc.malloc.mmap_threshold=1073741824:"  \
	"glibc.malloc.trim_threshold=1073741824:glibc.malloc.tcache_count=1000"

/* env: room for CB_JOB_ENV entries. They live as long as the caller's environment. */
void cb_job_env(char *env[CB_JOB_ENV], char *const *extra);

/* In a child of fork(): signals as a new program expects them, with this mask. */
void cb_job_signals(const sigset_t *mask);

/* Milliseconds of a clock that only goes forward. */
uint64_t cb_job_now(void);

/* cpu_ns is there already. */
void cb_job_ended(const struct cb_job *job, int status, struct cb_job_end *end);

/* By the zygote, which is there. -ENOTCONN: it was dead already, and the job was not begun. */
int cb_zygote_run(struct cb_zygote *z, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e);

#endif
