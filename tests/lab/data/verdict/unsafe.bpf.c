// SPDX-License-Identifier: GPL-2.0
/* unsafe - does not ask whether the map has the entry: every verifier refuses it. */
#include "lbc.h"

LBC_HASH(counts, __u32, __u64, 16);

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 key = bpf_get_current_pid_tgid() >> 32;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	++*count;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
