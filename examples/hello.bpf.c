// SPDX-License-Identifier: GPL-2.0
/* hello - the smallest tool: one hook, one event. See it work:  coolbpf run examples/hello.bpf.c */
#include "lbc.h"

struct hello {
	__u32 pid;
	lbc_comm_t name;
};

LBC_EVENTS(events, struct hello, 64 * 1024);

/* The kernel comes here each time a process has begun a new program. */
SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct hello hello = {.pid = bpf_get_current_pid_tgid() >> 32};

	bpf_get_current_comm(hello.name, sizeof(hello.name));
	lbc_emit(ctx, events, &hello);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
