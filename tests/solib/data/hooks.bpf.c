// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* hooks.bpf.c - a program for each lbc_attach_...(): its section does not say where. Each counts in its own slot. */
#include "lbc.h"

enum { KPROBE, KRETPROBE, UPROBE, URETPROBE, TRACEPOINT, RAW_TRACEPOINT, PERF_EVENT, CGROUP, NETNS, XDP, SLOTS };

LBC_ARRAY(hits, u32, u64, SLOTS);

static void hit(u32 slot)
{
	u64 *n = bpf_map_lookup_elem(&hits, &slot);

	if (n)
		__sync_fetch_and_add(n, 1);
}

#define COUNT(section, name, context, slot, result)                                                                    \
	SEC(section) int name(context *ctx)                                                                            \
	{                                                                                                              \
		hit(slot);                                                                                             \
		return result;                                                                                         \
	}

COUNT("kprobe", on_kprobe, struct pt_regs, KPROBE, 0)
COUNT("kretprobe", on_kretprobe, struct pt_regs, KRETPROBE, 0)
COUNT("uprobe", on_uprobe, struct pt_regs, UPROBE, 0)
COUNT("uretprobe", on_uretprobe, struct pt_regs, URETPROBE, 0)
COUNT("tracepoint", on_tracepoint, void, TRACEPOINT, 0)
COUNT("raw_tracepoint", on_raw_tracepoint, void, RAW_TRACEPOINT, 0)
COUNT("perf_event", on_perf_event, struct bpf_perf_event_data, PERF_EVENT, 0)
COUNT("cgroup_skb/egress", on_cgroup, struct __sk_buff, CGROUP, 1)
COUNT("flow_dissector", on_netns, struct __sk_buff, NETNS, BPF_OK)
COUNT("xdp", on_xdp, struct xdp_md, XDP, XDP_PASS)

char _license[] SEC("license") = "GPL";
