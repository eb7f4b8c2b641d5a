// SPDX-License-Identifier: GPL-2.0
/* cgroup.bpf.c - packets, connections and sockets of the processes in one control group. */
#include "count.h"

/* counts: 0 packets out, 1 their bytes, 2 packets in, 3 connects, 4 refused connects, 5 sockets, 6 refused sockets, 7
 * established connections as sockops sees them (active), 8 the same (passive) */

typedef char path_t[256];
LBC_PARAM(path_t, group, "", "path of the control group");

LBC_ATTACH("$group")
SEC("cgroup_skb/egress")
int out(struct __sk_buff *skb)
{
	count(0, 1);
	count(1, skb->len);
	return 1;
}

SEC("cgroup_skb/ingress")
int in(struct __sk_buff *skb)
{
	count(2, 1);
	return 1;
}

/* Port 81 is forbidden. */
SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	count(3, 1);
	if (ctx->user_port != htons(81))
		return 1;
	count(4, 1);
	return 0;
}

/* Raw sockets are forbidden. */
SEC("cgroup/sock_create")
int on_socket(struct bpf_sock *ctx)
{
	count(5, 1);
	if (ctx->type != 3)
		return 1;
	count(6, 1);
	return 0;
}

SEC("sockops")
int on_ops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		count(7, 1);
	else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		count(8, 1);
	return 1;
}
