// SPDX-License-Identifier: GPL-2.0
/* nohook - attaches to a function that no kernel has. */
#include "lbc.h"

LBC_EVENTS(events, __u32, 4096);

SEC("kprobe/no_such_function_anywhere")
int on_call(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	lbc_emit(ctx, events, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
