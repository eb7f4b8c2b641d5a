// SPDX-License-Identifier: GPL-2.0
/* socket.bpf.c - UDP datagrams to port 9 that pass a socket: how many, and their bytes. */
#include "count.h"

/* counts: 0 datagrams, 1 their UDP lengths, 2 packets of any kind, 3 datagrams by LBC_ATTACH */

#define ETH_HLEN 14

/* As the packet is on the wire: Ethernet, IPv4 (without options), UDP. */
static __always_inline bool is_ours(struct __sk_buff *skb, __u16 *len)
{
	__u16 proto, port;
	__u8 ip_proto;

	if (bpf_skb_load_bytes(skb, 12, &proto, 2) || proto != htons(0x0800) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + 9, &ip_proto, 1) || ip_proto != 17 ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + 22, &port, 2) || port != htons(9) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + 24, len, 2))
		return false;
	*len = ntohs(*len);
	return true;
}

SEC("socket")
int on_packet(struct __sk_buff *skb)
{
	__u16 len;

	count(2, 1);
	if (is_ours(skb, &len)) {
		count(0, 1);
		count(1, len);
	}
	return 0;
}

LBC_ATTACH("lo")
SEC("?socket")
int on_lo(struct __sk_buff *skb)
{
	__u16 len;

	if (is_ours(skb, &len))
		count(3, 1);
	return 0;
}

/* Lets 10 bytes through; on a socket with a reader. */
SEC("socket")
int cut(struct __sk_buff *skb)
{
	count(4, 1);
	return 8 + 10; /* with the UDP header */
}
