// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* flood.bpf.c - an event for each system call of one process: far more than anybody can print. */
#include "lbc.h"

LBC_PARAM(__u32, pid, 0, "the process");

struct event {
	__u64 seq;
	char text[200];
};

LBC_EVENTS(cbflood_events, struct event, 64 * 1024);
LBC_ARRAY(cbflood_seq, __u32, __u64, 1);

SEC("raw_tp/sys_enter")
int cbflood(void *ctx)
{
	__u32 zero = 0;
	__u64 *seq = bpf_map_lookup_elem(&cbflood_seq, &zero);
	struct event *e;

	if (!seq || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	*seq += 1;
	e = lbc_reserve(cbflood_events);
	if (!e)
		return 0;
	e->seq = *seq;
	__builtin_memset(e->text, 'x', sizeof(e->text));
	e->text[199] = 0;
	lbc_submit(ctx, cbflood_events, e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
