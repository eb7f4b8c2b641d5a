// SPDX-License-Identifier: GPL-2.0
/* tracepoint - needs tracefs to find its tracepoint. */
#include "lbc.h"

LBC_EVENTS(events, __u32, 4096);

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	lbc_emit(ctx, events, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
