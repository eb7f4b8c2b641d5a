/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* zygote.h - run clang for one job: as a program, or as a fork of one that waits before its main(); free or in a sandbox. */
#ifndef CB_COMPILE_ZYGOTE_H
#define CB_COMPILE_ZYGOTE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

struct cb_zygote;

/*
 * What a stranger's source may do to clang. When coolbpf is root such a clang is nobody: what it is to read must be readable
 * by all. Its current directory is / and its environment none of the caller's: names must be absolute.
 */
struct cb_sandbox {
	const char *const
		*readable; /* directories below which files may be read, ends with NULL; descriptors of the job
				      * that are directories may be read too */
	unsigned cpu_seconds, wall_ms;
	size_t memory; /* bytes of address space, which clang and its libraries need 300 to 500 MB of before they begin */
	size_t output; /* bytes of any file; descriptors 1 and 2 are looked at for it */
};

struct cb_job {
	const char *clang;
	char *const *argv;
	const int *fds; /* clang's descriptors 0 to n - 1; those from fds[3] on are above n */
	int n;
	const sigset_t *mask;		  /* clang's signal mask */
	const struct cb_sandbox *sandbox; /* NULL: clang may what its caller may */
};

struct cb_job_end {
	int status; /* exit status, or -1 */
	int signal; /* that ended it, or 0 */
	/* limits of the sandbox that ended it, or made it fail */
	bool timed_out; /* wall time or CPU time */
	bool out_of_memory, output_full;
	uint64_t cpu_ns;
	long max_rss; /* kB */
};

/* Run the job and wait. z NULL: start clang anew. 0 whenever clang ran, however it ended. */
int cb_job_run(struct cb_zygote *z, const struct cb_job *job, struct cb_job_end *end, struct cb_err *e);

/* -EIO with the sentence for a job that a signal ended. */
int cb_job_killed(const struct cb_job *job, const struct cb_job_end *end, struct cb_err *e);

/* A clang that waits before main(); its jobs fork from it, whatever clang they name. Its environment is none of the caller's.
 * A job with a sandbox starts it anew in one when it was free before, or had other readable directories. It takes some 100
 * MB (preload/hot.h). -ENOTSUP when this clang (a static one, a script) cannot be used
 * that way: run it without. One job at a time. A zygote that died is started anew by the next job. */
int cb_zygote_new(const char *clang, const struct cb_log *log, struct cb_zygote **z, struct cb_err *e);
void cb_zygote_free(struct cb_zygote *z);

/* 0: this machine can keep a job with a sandbox apart well enough for a stranger's source. -EPERM with what is missing. What
 * else would be good and is not there goes to the log. Starts a process: ask once. */
int cb_sandbox_check(const struct cb_log *log, struct cb_err *e);

#endif
