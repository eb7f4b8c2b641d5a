// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "lbc.h"

LBC_HASH(execs, u32, u64, 1024);

SEC("raw_tracepoint/sched_process_exec")
int on_exec(void *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 ns = bpf_ktime_get_ns();

	bpf_map_update_elem(&execs, &pid, &ns, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
