/* SPDX-License-Identifier: GPL-2.0 */
/* count.h - what the tools of these tests share: counters that the test reads, and a process to look at. */
#include "lbc.h"

LBC_ARRAY(counts, __u32, __u64, 16);

LBC_PARAM(__u32, pid, 0, "only this process (0: every one)");

static __always_inline void count(__u32 i, __u64 n)
{
	__u64 *v = bpf_map_lookup_elem(&counts, &i);

	if (v)
		__sync_fetch_and_add(v, n);
}

static __always_inline bool is_wanted(void)
{
	return !pid || bpf_get_current_pid_tgid() >> 32 == pid;
}

char LICENSE[] SEC("license") = "GPL";
