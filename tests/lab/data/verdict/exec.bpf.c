// SPDX-License-Identifier: GPL-2.0
/* exec - programs that are started; right, or wrong in a way that a test of the lab asks for. */
#include "lbc.h"

LBC_PARAM(bool, lies, false, "the process id is wrong by one");
LBC_PARAM(bool, doubles, false, "each event comes twice");
LBC_PARAM(bool, silent, false, "no event comes");

struct event {
	__u32 pid;
	lbc_comm_t comm;
};

LBC_EVENTS(events, struct event, 4096);

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct event e = {.pid = (bpf_get_current_pid_tgid() >> 32) + lies};

	bpf_get_current_comm(&e.comm, sizeof(e.comm));
	if (silent)
		return 0;
	lbc_emit(ctx, events, &e);
	if (doubles)
		lbc_emit(ctx, events, &e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
