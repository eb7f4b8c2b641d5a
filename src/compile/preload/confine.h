/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * confine.h - a process gives up what a job may not have: resources, files, system calls.
 *
 * Run by coolbpf's child before it becomes clang, and by clang's child before it enters main(). All is prepared: see
 * sandbox.h. It allocates nothing and calls only what is safe after fork().
 */
#ifndef CB_COMPILE_CONFINE_H
#define CB_COMPILE_CONFINE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

/* Where the filter says this, it means the process that it confines. No process has this number: 2^22 is the most. */
enum { CB_CONFINE_SELF = 0x7ac0bb0f };

struct cb_confine_limit {
	uint64_t resource; /* RLIMIT_... */
	uint64_t value;	   /* soft and hard; a smaller one that is there stays */
};

struct cb_confine {
	const struct cb_confine_limit *limits;
	unsigned nlimits;
	struct sock_filter *filter;
	unsigned len; /* instructions */
	int ruleset;  /* Landlock's, or -1 */
};

static inline void cb_confine_self(struct sock_filter *filter, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[i].k == CB_CONFINE_SELF)
			filter[i].k = (uint32_t)getpid();
}

/* False: the process must end. */
static inline bool cb_confine(const struct cb_confine *c)
{
	struct sock_fprog program = {.len = (unsigned short)c->len, .filter = c->filter};

	for (unsigned i = 0; i < c->nlimits; i++) {
		int resource = (int)c->limits[i].resource;
		struct rlimit r;

		if (getrlimit(resource, &r))
			return false;
		if (r.rlim_max > c->limits[i].value)
			r.rlim_max = c->limits[i].value;
		r.rlim_cur = r.rlim_max;
		if (setrlimit(resource, &r))
			return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return false;
	if (c->ruleset >= 0 && (syscall(SYS_landlock_restrict_self, c->ruleset, 0) || close(c->ruleset)))
		return false;
	cb_confine_self(c->filter, c->len);
	/* Without this flag older kernels make all of clang slower, against code that reads its own process's memory by
	 * speculation: a compiler runs nobody's code. Linux 4.17 brought it. */
	return !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) ||
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

#endif
