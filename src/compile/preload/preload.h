/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * preload.h - what coolbpf and its library inside a waiting clang say to each other.
 *
 * Over one SOCK_SEQPACKET socket, which is clang's descriptor CB_ZYGOTE_SOCKET when it starts:
 *
 *   clang -> cb_zygote_hello             once, when it waits before main()
 *   coolbpf -> cb_zygote_job + bytes     with the job's descriptors
 *   clang -> cb_zygote_end               when the job's process is gone
 *
 * coolbpf shuts its side down to end a job early, and with it the zygote. Both are of one build, so that nothing here needs a
 * version of its own.
 */
#ifndef CB_COMPILE_PRELOAD_H
#define CB_COMPILE_PRELOAD_H

#include <stdint.h>

enum {
	CB_ZYGOTE_LIBRARY = 3, /* descriptors of a zygote that starts */
	CB_ZYGOTE_SOCKET = 4,
	CB_ZYGOTE_FDS = 16,	       /* at most, of a job */
	CB_ZYGOTE_MESSAGE = 128 << 10, /* bytes of a job's message at most */
	CB_ZYGOTE_MAGIC = 0x67797a63
};

/* In the environment of clang: without it the library does nothing. */
#define CB_ZYGOTE_VARIABLE "COOLBPF_ZYGOTE"

struct cb_zygote_hello {
	uint32_t magic;
};

/* Behind it: nlimits struct cb_confine_limit, filter_len instructions (struct sock_filter), argc strings with their zeros. */
struct cb_zygote_job {
	uint64_t mask; /* signals 1 to 64 that are blocked: bit 0 is signal 1 */
	uint32_t nfds; /* clang's: 0 to nfds - 1 */
	uint32_t sandbox;
	uint32_t nlimits; /* all this only with a sandbox */
	uint32_t filter_len;
	uint32_t landlock; /* 1: behind clang's descriptors comes a ruleset */
	uint32_t argc;
	uint32_t first; /* CB_ZYGOTE_... */
	uint32_t leave; /* 1: end when main() has come back, without what libraries do at an exit */
};

/* A job of the zygote's own, before others: it shows that main() can be called, and what is hot (hot.h). */
enum { CB_ZYGOTE_TRY = 1, CB_ZYGOTE_WARM = 2 };

struct cb_zygote_end {
	int32_t status;	   /* as wait() has it */
	uint32_t taken;	   /* 0: the child was killed before its job began, and the zygote has ended */
	uint32_t returned; /* of a first job: this process's own main() came back */
	uint32_t pad;
	uint64_t cpu_ns;
	int64_t max_rss; /* kB */
};

#endif
