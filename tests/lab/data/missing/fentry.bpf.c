// SPDX-License-Identifier: GPL-2.0
/* fentry - needs the kernel's BTF. */
#include "lbc.h"

LBC_EVENTS(events, __u32, 4096);

SEC("fentry/do_exit")
int BPF_PROG(on_exit)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	lbc_emit(ctx, events, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
