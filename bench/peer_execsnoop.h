/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* peer_execsnoop.h - what both sides of the hand-written execsnoop know. */
#ifndef PEER_EXECSNOOP_H
#define PEER_EXECSNOOP_H

struct event {
	unsigned int pid;
	unsigned int ppid;
	unsigned int uid;
	char comm[16];
	char file[128];
};

#endif
