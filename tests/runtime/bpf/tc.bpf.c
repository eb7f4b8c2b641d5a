// SPDX-License-Identifier: GPL-2.0
/* tc.bpf.c - datagrams to port 9, as they leave and as they come in; those with a first byte of 'D' are dropped. */
#include "count.h"

/* counts: 0 egress, 1 ingress, 2 dropped, 3 by section "classifier" */

#define ETH_HLEN 14
#define TC_OK	 0
#define TC_DROP	 2

static __always_inline bool is_ours(struct __sk_buff *skb)
{
	__u16 port = 0;
	__u8 proto = 0;

	bpf_skb_load_bytes(skb, ETH_HLEN + 9, &proto, 1);
	bpf_skb_load_bytes(skb, ETH_HLEN + 22, &port, 2);
	return proto == 17 && port == htons(9);
}

LBC_ATTACH("lo,egress")
SEC("tc")
int out(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count(0, 1);
	return TC_OK;
}

LBC_ATTACH("lo,ingress")
SEC("tc")
int in(struct __sk_buff *skb)
{
	__u8 first = 0;

	if (!is_ours(skb))
		return TC_OK;
	count(1, 1);
	bpf_skb_load_bytes(skb, ETH_HLEN + 28, &first, 1);
	if (first != 'D')
		return TC_OK;
	count(2, 1);
	return TC_DROP;
}

SEC("classifier")
int by_hand(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count(3, 1);
	return TC_OK;
}
