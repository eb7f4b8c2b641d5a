// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* plain.bpf.c - one program and one map, for loaders that know nothing of lbc.h. */
#include <coolbpf/lbc.h>

LBC_HASH(counts, __u32, __u64, 16);

SEC("raw_tracepoint/sched_process_exec")
int plain(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1;

	bpf_map_update_elem(&counts, &pid, &one, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
