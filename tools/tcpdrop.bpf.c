// SPDX-License-Identifier: GPL-2.0
/*
 * tcpdrop - TCP packets that the kernel throws away: the packet, the reason, and the place in the kernel.
 *
 * A packet that ends well is consumed; one that does not goes through kfree_skb, whose trace point tells the place since
 * ever and the reason since 5.17 (or where a vendor has ported it back: the BTF of the trace point's record says so).
 *
 * Reasons are an enum of the kernel, with other numbers in each release: NO_SOCKET has been 1, 2 and 3. So this file asks
 * for each name that it knows which number it has in the kernel that runs now (a CO-RE relocation, resolved at load), and
 * translates to an enum of its own. A reason it does not know is OTHER, with the kernel's number in code.
 */
#include "lbc.h"

LBC_ABOUT("Show TCP packets that the kernel drops: addresses, reason, place");

LBC_PARAM(lbc_port_t, port, 0, "only packets from or to this port");
LBC_PARAM(bool, stacks, true, "take the kernel's call stack");

/* SKB_DROP_REASON_* (include/net/dropreason-core.h) that a TCP packet can meet, from the first release to 6.18. */
/* clang-format off */
#define REASONS(X)                                                                                                     \
	X(NOT_SPECIFIED) X(NO_SOCKET) X(SOCKET_CLOSE) X(SOCKET_FILTER) X(SOCKET_RCVBUFF) X(PKT_TOO_SMALL) X(TCP_CSUM)  \
	X(TCP_FILTER) X(NETFILTER_DROP) X(OTHERHOST) X(IP_CSUM) X(IP_INHDR) X(IP_RPFILTER) X(UNICAST_IN_L2_MULTICAST)  \
	X(XFRM_POLICY) X(IP_NOPROTO) X(PROTO_MEM) X(TCP_AUTH_HDR) X(TCP_MD5NOTFOUND) X(TCP_MD5UNEXPECTED)              \
	X(TCP_MD5FAILURE) X(TCP_AONOTFOUND) X(TCP_AOUNEXPECTED) X(TCP_AOKEYNOTFOUND) X(TCP_AOFAILURE)                  \
	X(SOCKET_BACKLOG) X(TCP_FLAGS) X(TCP_ABORT_ON_DATA) X(TCP_ZEROWINDOW) X(TCP_OLD_DATA) X(TCP_OVERWINDOW)        \
	X(TCP_OFOMERGE) X(TCP_RFC7323_PAWS) X(TCP_RFC7323_PAWS_ACK) X(TCP_RFC7323_TW_PAWS) X(TCP_RFC7323_TSECR)        \
	X(TCP_LISTEN_OVERFLOW) X(TCP_OLD_SEQUENCE) X(TCP_INVALID_SEQUENCE) X(TCP_INVALID_END_SEQUENCE)                 \
	X(TCP_INVALID_ACK_SEQUENCE) X(TCP_RESET) X(TCP_INVALID_SYN) X(TCP_CLOSE) X(TCP_FASTOPEN) X(TCP_OLD_ACK)        \
	X(TCP_TOO_OLD_ACK) X(TCP_ACK_UNSENT_DATA) X(TCP_OFO_QUEUE_PRUNE) X(TCP_OFO_DROP) X(IP_OUTNOROUTES)             \
	X(BPF_CGROUP_EGRESS) X(IPV6DISABLED) X(NEIGH_CREATEFAIL) X(NEIGH_FAILED) X(NEIGH_QUEUEFULL) X(NEIGH_DEAD)      \
	X(NEIGH_HH_FILLFAIL) X(TC_EGRESS) X(SECURITY_HOOK) X(QDISC_DROP) X(QDISC_OVERLIMIT) X(QDISC_CONGESTED)         \
	X(CAKE_FLOOD) X(FQ_BAND_LIMIT) X(FQ_HORIZON_LIMIT) X(FQ_FLOW_LIMIT) X(CPU_BACKLOG) X(XDP) X(TC_INGRESS)        \
	X(UNHANDLED_PROTO) X(SKB_CSUM) X(SKB_GSO_SEG) X(SKB_UCOPY_FAULT) X(DEV_HDR) X(DEV_READY) X(FULL_RING)          \
	X(NOMEM) X(HDR_TRUNC) X(TAP_FILTER) X(TAP_TXFILTER) X(INVALID_PROTO) X(IP_INADDRERRORS) X(IP_INNOROUTES)       \
	X(IP_LOCAL_SOURCE) X(IP_INVALID_SOURCE) X(IP_LOCALNET) X(IP_INVALID_DEST) X(PKT_TOO_BIG) X(DUP_FRAG)           \
	X(FRAG_REASM_TIMEOUT) X(FRAG_TOO_FAR) X(TCP_MINTTL) X(IPV6_BAD_EXTHDR) X(QUEUE_PURGE) X(TC_COOKIE_ERROR)       \
	X(PACKET_SOCK_ERROR) X(TC_CHAIN_NOTFOUND) X(TC_RECLASSIFY_LOOP) X(MAC_INVALID_SOURCE) X(NO_TX_TARGET)          \
	X(IP_TUNNEL_ECN) X(TUNNEL_TXINFO) X(LOCAL_MAC) X(BRIDGE_INGRESS_STP_STATE) X(PFMEMALLOC)                       \
	X(DUALPI2_STEP_DROP) X(PSP_INPUT) X(PSP_OUTPUT) X(RECURSION_LIMIT)
/* clang-format on */

/* vmlinux.h has a TCP_CLOSE of its own, the state of a connection. */
#define TCP_CLOSE TCP_CLOSED

/* NOT_TOLD: this kernel gives no reasons. */
#define ENUMERATOR(name) name,
enum drop_reason { NOT_TOLD, OTHER, REASONS(ENUMERATOR) };
#undef ENUMERATOR

/* The kernel's enum as CO-RE looks for it: what follows ___ does not count. The numbers here mean nothing. */
#define ENUMERATOR(name) SKB_DROP_REASON_##name##___any,
enum skb_drop_reason___any { REASONS(ENUMERATOR) };
#undef ENUMERATOR

#define TRANSLATE(name)                                                                                                \
	if (bpf_core_enum_value_exists(enum skb_drop_reason___any, SKB_DROP_REASON_##name##___any) &&                  \
	    code == bpf_core_enum_value(enum skb_drop_reason___any, SKB_DROP_REASON_##name##___any))                   \
		return name;

static __always_inline enum drop_reason reason_of(__u32 code)
{
	REASONS(TRANSLATE)
	return OTHER;
}

/* The kernel's numbers (include/net/tcp_states.h). */
enum tcp_state {
	NO_STATE, /* the packet belongs to no socket */
	ESTABLISHED,
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

struct drop {
	lbc_time_t time;
	enum drop_reason reason;
	__u32 code; /* the kernel's number of the reason */
	enum tcp_state state;
	char flags[8]; /* SYN, ACK, FIN, RST, PSH, URG by their first letter */
	lbc_port_t source_port;
	lbc_port_t target_port;
	lbc_ipv6_t source;
	lbc_ipv6_t target;
	__u32 length; /* of the packet with its IP header */
	lbc_ksym_t place;
	lbc_kstack_t stack;
};

LBC_EVENTS(drops, struct drop, 256 * 1024);
LBC_STACK(kernel_stacks, 2048);

/* The record of the trace point tells what its arguments are: reason since 5.17, the receiving socket since 6.11. */
struct trace_event_raw_kfree_skb___reason {
	enum skb_drop_reason___any reason;
} __attribute__((preserve_access_index));

struct trace_event_raw_kfree_skb___socket {
	void *rx_sk;
} __attribute__((preserve_access_index));

struct sk_buff___any {
	unsigned char *head;
	__u16 network_header; /* from head */
	__u16 protocol;
	struct sock *sk;
} __attribute__((preserve_access_index));

struct sock_common___any {
	unsigned char skc_state;
} __attribute__((preserve_access_index));

/* Of the headers, what is wanted. Their layout is that of the wire. */
struct ip4_head {
	__u8 version_length, tos;
	__u16 length, id, fragment;
	__u8 ttl, protocol;
	__u16 checksum;
	__u32 source, target;
};

struct ip6_head {
	__u32 version_flow;
	__u16 length;
	__u8 protocol, hops;
	lbc_ipv6_t source, target;
};

struct tcp_head {
	__u16 source, target;
	__u32 sequence, acknowledgement;
	__u8 offset, flags;
};

struct packet {
	lbc_ipv6_t source, target;
	__u32 length;
	struct tcp_head tcp;
};

/* False when the packet is not TCP over IP. */
static __always_inline bool read_packet(struct sk_buff *skb, struct packet *p)
{
	const __u16 eth_p_ip = 0x0800, eth_p_ipv6 = 0x86dd;
	const __u8 ipproto_tcp = 6;
	struct sk_buff___any *s = (void *)skb;
	__u16 protocol = ntohs(_(s->protocol));
	unsigned char *at;

	if (protocol != eth_p_ip && protocol != eth_p_ipv6)
		return false;
	at = _(s->head) + _(s->network_header);
	if (protocol == eth_p_ip) {
		struct ip4_head ip;

		if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.version_length >> 4 != 4 ||
		    ip.protocol != ipproto_tcp)
			return false;
		lbc_ipv6_from_v4(&p->source, ip.source);
		lbc_ipv6_from_v4(&p->target, ip.target);
		p->length = ntohs(ip.length);
		at += (ip.version_length & 15) * 4;
	} else {
		struct ip6_head ip;

		if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.protocol != ipproto_tcp)
			return false;
		p->source = ip.source;
		p->target = ip.target;
		p->length = ntohs(ip.length) + sizeof(ip);
		at += sizeof(ip);
	}
	return !bpf_probe_read_kernel(&p->tcp, sizeof(p->tcp), at);
}

/* Letters are shifted in from below and stored with the first in front. */
static __always_inline void name_flags(__u8 flags, char *out)
{
	__u32 n = 0;
	__u64 text = 0;

#define letter(bit, c)                                                                                                 \
	if (flags & (bit)) {                                                                                           \
		text = text << 8 | (c);                                                                                \
		n += 8;                                                                                                \
	}
	letter(0x02, 'S');
	letter(0x10, 'A');
	letter(0x01, 'F');
	letter(0x04, 'R');
	letter(0x08, 'P');
	letter(0x20, 'U');
#undef letter
	*(__u64 *)out = n ? htonll(text << (64 - n)) : 0;
}

static __always_inline int on_drop(void *ctx, struct sk_buff *skb, void *place, bool told, __u32 code,
				   struct sock_common___any *sk)
{
	struct packet p;
	struct drop *e;

	if (!read_packet(skb, &p))
		return 0;
	if (port && port != ntohs(p.tcp.source) && port != ntohs(p.tcp.target))
		return 0;
	e = lbc_reserve(drops);
	if (!e)
		return 0;
	e->time = bpf_ktime_get_ns();
	e->reason = told ? reason_of(code) : NOT_TOLD;
	e->code = code;
	e->state = sk ? _(sk->skc_state) : NO_STATE;
	name_flags(p.tcp.flags, e->flags);
	e->source_port = ntohs(p.tcp.source);
	e->target_port = ntohs(p.tcp.target);
	e->source = p.source;
	e->target = p.target;
	e->length = p.length;
	e->place = (__u64)place;
	e->stack = stacks ? bpf_get_stackid(ctx, &kernel_stacks, KERN_STACKID_FLAGS) : LBC_NO_STACK;
	lbc_submit(ctx, drops, e);
	return 0;
}

LBC_ALTERNATIVE("kfree_skb")
SEC("raw_tp/kfree_skb")
int drop_raw(unsigned long long *ctx)
{
	bool told = bpf_core_field_exists(((struct trace_event_raw_kfree_skb___reason *)0)->reason);
	struct sk_buff *skb = (void *)ctx[0];
	void *sk = _(((struct sk_buff___any *)skb)->sk);

	if (!sk && bpf_core_field_exists(((struct trace_event_raw_kfree_skb___socket *)0)->rx_sk))
		sk = (void *)ctx[3];
	return on_drop(ctx, skb, (void *)ctx[1], told, told ? ctx[2] : 0, sk);
}

/* Before 4.17. */
struct kfree_skb {
	__u64 common;
	void *skb, *place;
};

LBC_ALTERNATIVE("kfree_skb")
SEC("tracepoint/skb/kfree_skb")
int drop_tracepoint(struct kfree_skb *ctx)
{
	struct sk_buff___any *skb = ctx->skb;

	return on_drop(ctx, ctx->skb, ctx->place, false, 0, (void *)_(skb->sk));
}

char LICENSE[] SEC("license") = "GPL";
