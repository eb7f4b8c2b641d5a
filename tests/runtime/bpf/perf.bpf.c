// SPDX-License-Identifier: GPL-2.0
/* perf.bpf.c - counts what perf events report. */
#include "count.h"

/* counts: 0 every event, 1 those in the process of interest, 2 the address of the last one (breakpoints), 3 in words */

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	__u32 two = 2;
	__u64 *addr = bpf_map_lookup_elem(&counts, &two);

	count(0, 1);
	if (is_wanted())
		count(1, 1);
	if (addr)
		*addr = ctx->addr;
	return 0;
}

LBC_PARAM(lbc_hex_t, address, 0, "a variable to watch");

LBC_ATTACH("mem:$address/4:w,pid=$pid")
SEC("?perf_event")
int on_write(struct bpf_perf_event_data *ctx)
{
	count(3, 1);
	return 0;
}

LBC_PARAM(__u32, hz, 50, "samples per second");

LBC_ATTACH("cpu-clock,freq=$hz")
SEC("?perf_event")
int on_clock(struct bpf_perf_event_data *ctx)
{
	count(3, 1);
	if (is_wanted())
		count(1, 1);
	return 0;
}
