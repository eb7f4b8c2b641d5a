// SPDX-License-Identifier: GPL-2.0
/* sockmap.bpf.c - messages of 8 bytes that go round in a socket map: what comes in at slot 0 leaves by slot 1. */
#include "count.h"

/* counts: 0 parsed messages, 1 verdicts, 3 messages sent (sk_msg), 4 their bytes */

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} socks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} senders SEC(".maps");

LBC_ATTACH("map=socks")
SEC("sk_skb/stream_parser")
int parse(struct __sk_buff *skb)
{
	count(0, 1);
	return 8;
}

LBC_ATTACH("map=socks")
SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	count(1, 1);
	return bpf_sk_redirect_map(skb, &socks, 1, 0);
}

SEC("sk_msg")
int on_send(struct sk_msg_md *msg)
{
	count(3, 1);
	count(4, msg->size);
	return SK_PASS;
}
