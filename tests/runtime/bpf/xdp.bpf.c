// SPDX-License-Identifier: GPL-2.0
/* xdp.bpf.c - counts frames; drops the UDP datagrams to port 9. */
#include "count.h"

/* counts: 0 dropped datagrams, 1 frames */

#define ETH_HLEN 14

SEC("xdp")
int drop_discard(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	count(1, 1);
	if (data + ETH_HLEN + 28 > end || *(__u16 *)(data + 12) != htons(0x0800) || data[ETH_HLEN + 9] != 17 ||
	    *(__u16 *)(data + ETH_HLEN + 22) != htons(9))
		return XDP_PASS;
	count(0, 1);
	return XDP_DROP;
}

LBC_ATTACH("lo,mode=skb")
SEC("?xdp")
int pass(struct xdp_md *ctx)
{
	count(2, 1);
	return XDP_PASS;
}
