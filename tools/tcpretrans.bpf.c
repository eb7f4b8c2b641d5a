// SPDX-License-Identifier: GPL-2.0
/*
 * tcpretrans - TCP segments that are sent again: which connection, in which state.
 *
 * A segment is sent again when no acknowledgement came for it in time, or when later ones were acknowledged. Both pass
 * tcp_retransmit_skb. A SYN-ACK is sent again for a connection that has no socket of its own yet, only a request, and
 * passes tcp_retransmit_synack. Retransmissions are rare on a good network, so this costs nothing worth measuring.
 *
 * There is no process: a timer or an arriving packet makes the kernel send again.
 */
#include "lbc.h"

LBC_ABOUT("Show TCP retransmissions: addresses, state");

LBC_PARAM(lbc_port_t, port, 0, "only connections with this port, local or remote");

/* The kernel's numbers (include/net/tcp_states.h). */
enum tcp_state {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
	NEW_SYN_RECV,
};

struct retransmission {
	lbc_time_t time;
	enum tcp_state state;
	__u32 sequence; /* the number of its first byte */
	__u32 bytes;	/* a SYN and a FIN count as one */
	__u16 segments; /* what is sent again may be more than one packet */
	lbc_port_t local_port;
	lbc_port_t remote_port;
	lbc_ipv6_t local;
	lbc_ipv6_t remote;
};

LBC_EVENTS(retransmissions, struct retransmission, 256 * 1024);

struct sock_common___any {
	__u16 skc_family, skc_num, skc_dport;
	__u32 skc_daddr, skc_rcv_saddr;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

/* What TCP keeps in sk_buff's cb. */
struct tcp_skb_cb___any {
	__u32 seq, end_seq;
	__u16 tcp_gso_segs;
} __attribute__((preserve_access_index));

static __always_inline struct retransmission *begin(struct sock_common___any *c)
{
	__u16 local_port = _(c->skc_num), remote_port = ntohs(_(c->skc_dport));
	struct retransmission *e;

	if (port && port != local_port && port != remote_port)
		return NULL;
	e = lbc_reserve(retransmissions);
	if (!e)
		return NULL;
	e->time = bpf_ktime_get_ns();
	e->local_port = local_port;
	e->remote_port = remote_port;
	if (_(c->skc_family) == AF_INET6 && bpf_core_field_exists(c->skc_v6_daddr)) {
		bpf_core_read(&e->local, sizeof(e->local), &c->skc_v6_rcv_saddr);
		bpf_core_read(&e->remote, sizeof(e->remote), &c->skc_v6_daddr);
	} else {
		lbc_ipv6_from_v4(&e->local, _(c->skc_rcv_saddr));
		lbc_ipv6_from_v4(&e->remote, _(c->skc_daddr));
	}
	return e;
}

static __always_inline int on_segment(void *ctx, const struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_skb_cb___any *cb = (void *)skb->cb;
	struct retransmission *e = begin((void *)sk);

	if (!e)
		return 0;
	e->state = _(((struct sock_common___any *)sk)->skc_state);
	e->sequence = _(cb->seq);
	e->bytes = _(cb->end_seq) - e->sequence;
	e->segments = bpf_core_field_exists(cb->tcp_gso_segs) ? _(cb->tcp_gso_segs) : 1;
	lbc_submit(ctx, retransmissions, e);
	return 0;
}

/* Since 4.15 (a program needs 4.17). */
LBC_ALTERNATIVE("segment")
SEC("raw_tp/tcp_retransmit_skb")
int BPF_PROG(segment_raw, const struct sock *sk, const struct sk_buff *skb)
{
	return on_segment(ctx, sk, skb);
}

LBC_ALTERNATIVE("segment")
SEC("kprobe/__tcp_retransmit_skb|tcp_retransmit_skb")
int BPF_KPROBE(segment_kprobe, const struct sock *sk, const struct sk_buff *skb)
{
	return on_segment(ctx, sk, skb);
}

/* A request for a connection begins as a socket does, with struct sock_common. */
static __always_inline int on_synack(void *ctx, const struct request_sock *request)
{
	struct retransmission *e = begin((void *)request);

	if (!e)
		return 0;
	e->state = NEW_SYN_RECV;
	e->sequence = 0;
	e->bytes = 1;
	e->segments = 1;
	lbc_submit(ctx, retransmissions, e);
	return 0;
}

LBC_ALTERNATIVE("synack")
SEC("raw_tp/tcp_retransmit_synack")
int BPF_PROG(synack_raw, const struct sock *sk, const struct request_sock *request)
{
	return on_synack(ctx, request);
}

LBC_ALTERNATIVE("synack")
SEC("kprobe/tcp_rtx_synack|inet_rtx_syn_ack")
int BPF_KPROBE(synack_kprobe, const struct sock *sk, const struct request_sock *request)
{
	return on_synack(ctx, request);
}

/* Neither: a program that is attached to nothing. */
LBC_ALTERNATIVE("synack")
SEC("socket")
int no_synack(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
