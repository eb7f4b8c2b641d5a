// SPDX-License-Identifier: GPL-2.0
/* tcp - counts what two of TCP's tracepoints see: a kernel has them only where it was built so. */
#include "lbc.h"

LBC_ABOUT("Count what tracepoints of TCP see");

enum { PROBE, RCV_SPACE_ADJUST };

/* by tracepoint, as above */
LBC_HASH(seen, __u32, __u64, 8);

static __always_inline int count(__u32 tracepoint)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&seen, &tracepoint);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&seen, &tracepoint, &one, BPF_ANY);
	return 0;
}

SEC("tracepoint/tcp/tcp_probe")
int on_probe(void *ctx)
{
	return count(PROBE);
}

SEC("tracepoint/tcp/tcp_rcv_space_adjust")
int on_rcv_space_adjust(void *ctx)
{
	return count(RCV_SPACE_ADJUST);
}

char LICENSE[] SEC("license") = "GPL";
