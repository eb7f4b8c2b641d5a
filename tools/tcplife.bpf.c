// SPDX-License-Identifier: GPL-2.0
/*
 * tcplife - TCP sessions as they end: addresses, ports, bytes each way, duration, and the process.
 *
 * Every change of a connection's state passes inet_sock_set_state. A session begins when it is ESTABLISHED and ends when
 * it is CLOSE. Its bytes are what the kernel has counted in tcp_sock by then, less the one that a SYN and a FIN each take
 * in TCP's numbering.
 *
 * Whose session is it? Packets are worked on in interrupts, when any process may be current. Three moments are sure to be
 * in the process itself: connect() (SYN_SENT), accept() (a function, not a state), and close() or shutdown() (FIN_WAIT1,
 * LAST_ACK). The first of them that is seen counts. A session that was accepted and then reset by its peer, on a kernel
 * where accept() cannot be hooked, has pid 0.
 */
#include "lbc.h"

LBC_ABOUT("Show TCP sessions that end: addresses, bytes, duration, process");

LBC_PARAM(__u32, pid, 0, "only sessions of this process");
LBC_PARAM(lbc_port_t, port, 0, "only sessions with this port, local or remote");
LBC_PARAM(lbc_ns_t, min, 0, "only sessions that lasted at least so long");

/* TCP's states, by the kernel's numbers (include/net/tcp_states.h). */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_FIN_WAIT1 = 4,
	STATE_FIN_WAIT2 = 5,
	STATE_CLOSE = 7,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
};

struct session {
	lbc_time_t time; /* of its end */
	lbc_ns_t duration;
	lbc_bytes_t sent;
	lbc_bytes_t received;
	__u32 pid;
	lbc_comm_t comm;
	lbc_port_t local_port;
	lbc_port_t remote_port;
	lbc_ipv6_t local;
	lbc_ipv6_t remote;
};

LBC_EVENTS(sessions, struct session, 256 * 1024);

struct open_session {
	__u64 since; /* when it was established; 0 not yet */
	__u32 pid;
	bool connected; /* by us: our SYN counts as a byte sent */
	lbc_comm_t comm;
};

/* By address of the socket. Of too many at once the oldest are forgotten. */
LBC_LRU_HASH(open_sessions, __u64, struct open_session, 32768);

struct sock_common___any {
	__u16 skc_family, skc_dport;
	__u32 skc_daddr, skc_rcv_saddr;
	unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

/* The local port as it was: skc_num has been set to 0 when a closing connection gave its port back. */
struct inet_sock___port {
	__u16 inet_sport;
} __attribute__((preserve_access_index));

/* Where the flags were until 3.15. */
struct sock___flags {
	unsigned long sk_flags;
} __attribute__((preserve_access_index));

/* The counters of bytes came with 4.1. */
struct tcp_sock___any {
	__u64 bytes_acked, bytes_received;
	__u32 snd_una, write_seq;
} __attribute__((preserve_access_index));

static __always_inline void set_owner(struct open_session *s)
{
	s->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(s->comm, sizeof(s->comm));
}

/* The peer's FIN has come: SOCK_DONE of enum sock_flags. */
static __always_inline bool fin_received(struct sock *sk)
{
	struct sock_common___any *common = (void *)sk;
	struct sock___flags *then = (void *)sk;
	unsigned long flags;

	flags = bpf_core_field_exists(common->skc_flags) ? _(common->skc_flags) : _(then->sk_flags);
	return flags >> 1 & 1;
}

/* We have sent a FIN, and all that we have sent is acknowledged. */
static __always_inline bool fin_sent(struct tcp_sock___any *tp, int last_state)
{
	const unsigned int closing =
		1 << STATE_FIN_WAIT1 | 1 << STATE_FIN_WAIT2 | 1 << STATE_LAST_ACK | 1 << STATE_CLOSING;

	return closing >> last_state & 1 && _(tp->snd_una) == _(tp->write_seq);
}

static __always_inline void read_bytes(struct sock *sk, bool connected, int last_state, struct session *e)
{
	struct tcp_sock___any *tp = (void *)sk;

	e->sent = 0;
	e->received = 0;
	if (!bpf_core_field_exists(tp->bytes_acked))
		return;
	e->sent = _(tp->bytes_acked) - connected - fin_sent(tp, last_state);
	e->received = _(tp->bytes_received) - fin_received(sk);
}

static __always_inline void read_addresses(struct sock *sk, struct session *e)
{
	struct sock_common___any *c = (void *)sk;

	if (_(c->skc_family) == AF_INET6 && bpf_core_field_exists(c->skc_v6_daddr)) {
		bpf_core_read(&e->local, sizeof(e->local), &c->skc_v6_rcv_saddr);
		bpf_core_read(&e->remote, sizeof(e->remote), &c->skc_v6_daddr);
		return;
	}
	lbc_ipv6_from_v4(&e->local, _(c->skc_rcv_saddr));
	lbc_ipv6_from_v4(&e->remote, _(c->skc_daddr));
}

static __always_inline void report(void *ctx, struct sock *sk, const struct open_session *o, int last_state)
{
	struct sock_common___any *c = (void *)sk;
	__u16 local_port = ntohs(_(((struct inet_sock___port *)sk)->inet_sport));
	__u16 remote_port = ntohs(_(c->skc_dport));
	__u64 now = bpf_ktime_get_ns();
	struct session *e;

	if (!o->since || (pid && pid != o->pid) || now - o->since < min)
		return;
	if (port && port != local_port && port != remote_port)
		return;
	e = lbc_reserve(sessions);
	if (!e)
		return;
	e->time = now;
	e->duration = now - o->since;
	e->pid = o->pid;
	__builtin_memcpy(e->comm, o->comm, sizeof(e->comm));
	e->local_port = local_port;
	e->remote_port = remote_port;
	read_bytes(sk, o->connected, last_state, e);
	read_addresses(sk, e);
	lbc_submit(ctx, sessions, e);
}

static __always_inline int on_state(void *ctx, struct sock *sk, int from, int to)
{
	struct open_session *o, fresh = {};
	__u64 key = (__u64)sk;

	switch (to) {
	case STATE_SYN_SENT:
		set_owner(&fresh);
		fresh.connected = true;
		bpf_map_update_elem(&open_sessions, &key, &fresh, BPF_ANY);
		return 0;
	case STATE_ESTABLISHED:
		o = bpf_map_lookup_elem(&open_sessions, &key);
		if (o) {
			o->since = bpf_ktime_get_ns();
			return 0;
		}
		fresh.since = bpf_ktime_get_ns();
		bpf_map_update_elem(&open_sessions, &key, &fresh, BPF_ANY);
		return 0;
	case STATE_FIN_WAIT1:
	case STATE_LAST_ACK:
		o = bpf_map_lookup_elem(&open_sessions, &key);
		if (o && !o->pid)
			set_owner(o);
		return 0;
	case STATE_CLOSE:
		o = bpf_map_lookup_elem(&open_sessions, &key);
		if (!o)
			return 0;
		report(ctx, sk, o, from);
		bpf_map_delete_elem(&open_sessions, &key);
		return 0;
	}
	return 0;
}

/* Since 4.16 (a program needs 4.17); SCTP and MPTCP pass here too. */
LBC_ALTERNATIVE("state")
SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(state_raw, struct sock *sk, int from, int to)
{
	const __u64 ipproto_tcp = 6;

	/* a bit field until 5.5 */
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol) != ipproto_tcp)
		return 0;
	return on_state(ctx, sk, from, to);
}

LBC_ALTERNATIVE("state")
SEC("kprobe/tcp_set_state")
int BPF_KPROBE(state_kprobe, struct sock *sk, int to)
{
	return on_state(ctx, sk, _(((struct sock_common___any *)sk)->skc_state), to);
}

LBC_ALTERNATIVE("accept")
SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(accept_kretprobe, struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct open_session *o = bpf_map_lookup_elem(&open_sessions, &key);

	if (o && !o->pid)
		set_owner(o);
	return 0;
}

/* Without kprobes: a program that is attached to nothing. */
LBC_ALTERNATIVE("accept")
SEC("socket")
int no_accept(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
