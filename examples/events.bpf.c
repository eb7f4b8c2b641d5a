// SPDX-License-Identifier: GPL-2.0
/*
 * events - typed events: the type of each member says how it prints.
 *
 *	coolbpf run examples/events.bpf.c
 *	coolbpf run examples/events.bpf.c -o json --filter 'ret != 0 && remote == 127.0.0.1'
 *
 * Each connect() to an IP address is one event: time of day, a duration with its unit, an error by its name, an address
 * of either family. In JSON the same members are numbers and texts for programs.
 */
#include "lbc.h"

LBC_ABOUT("Show connections that programs ask for, and how long they wait for them");

struct connection {
	lbc_time_t time;
	lbc_ns_t latency;
	lbc_ret_t ret;
	__u32 pid;
	lbc_comm_t comm;
	lbc_port_t port;
	lbc_ipv6_t remote;
};

/* A ring buffer of this size where the kernel has them (5.8), perf buffers where it has not: the same source. */
LBC_EVENTS(connections, struct connection, 64 * 1024);

/* A call that is under way, by thread: its event as far as it is known. */
LBC_HASH(calls, __u32, struct connection, 4096);

/* User space's addresses, as connect(2) takes them. */
struct address {
	__u16 family, port;
	union {
		__u32 v4;
		struct {
			__u32 flow;
			lbc_ipv6_t v6;
		};
	};
};

struct sys_enter {
	__u64 common, nr, args[6];
};

struct sys_exit {
	__u64 common, nr;
	long ret;
};

SEC("tracepoint/syscalls/sys_enter_connect")
int on_enter(struct sys_enter *ctx)
{
	struct connection c = {};
	struct address a = {};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_probe_read_user(&a, sizeof(a), (const void *)ctx->args[1]);
	if (a.family == AF_INET)
		lbc_ipv6_from_v4(&c.remote, a.v4);
	else if (a.family == AF_INET6)
		c.remote = a.v6;
	else
		return 0;
	c.port = ntohs(a.port);
	c.time = bpf_ktime_get_ns();
	bpf_map_update_elem(&calls, &tid, &c, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_connect")
int on_exit(struct sys_exit *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct connection *c = bpf_map_lookup_elem(&calls, &tid);

	if (!c)
		return 0;
	c->latency = bpf_ktime_get_ns() - c->time;
	c->ret = ctx->ret;
	c->pid = id >> 32;
	bpf_get_current_comm(c->comm, sizeof(c->comm));
	lbc_emit(ctx, connections, c);
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
