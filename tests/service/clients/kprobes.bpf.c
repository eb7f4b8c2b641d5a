// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What programs of these clients say most: functions of the kernel, their arguments, members by BPF_CORE_READ and _(), bit
 * fields, values that are pointers, perf buffers by two. */
#include "lbc.h"
#define TASK_COMM_LEN 16

union options {
	u8 data;
	struct {
		u8 freebind : 1;
		u8 transparent : 1;
	} fields;
};

struct bind_t {
	u64 ts_us;
	u32 pid;
	u32 saddr;
	int return_code;
	u16 sport;
	u8 options;
	u8 protocol;
	char task[TASK_COMM_LEN];
};

struct task_t {
	u32 c_pid;
	u32 p_pid;
	char c_comm[TASK_COMM_LEN];
	char p_comm[TASK_COMM_LEN];
};

LBC_PERF_OUTPUT(e1_out, struct bind_t, 128);
LBC_PERF_OUTPUT(e2_out, struct task_t, 128);
LBC_HASH(currsock, u32, void *, 1024);

SEC("kprobe/inet_bind")
int j_inet_bind(struct pt_regs *ctx)
{
	struct socket *sock = (struct socket *)PT_REGS_PARM1(ctx);
	u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&currsock, &tid, &sock, BPF_ANY);
	return 0;
}

SEC("kretprobe/inet_bind")
int r_inet_bind(struct pt_regs *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct socket **found = (struct socket **)bpf_map_lookup_elem(&currsock, &tid);
	union options options = {0};
	struct bind_t data = {.return_code = PT_REGS_RC(ctx)};
	struct sock *sk;

	if (found == 0)
		return 0;
	sk = BPF_CORE_READ(*found, sk);
	if (sk == NULL)
		return 0;
	options.fields.transparent = BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport);
	data.options = options.data;
	data.ts_us = bpf_ktime_get_ns() / 1000;
	data.saddr = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	data.sport = ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	data.protocol = BPF_CORE_READ(sk, sk_protocol);
	bpf_get_current_comm(&data.task, sizeof(data.task));
	bpf_perf_event_output(ctx, &e1_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
	bpf_map_delete_elem(&currsock, &tid);
	return 0;
}

SEC("kprobe/wake_up_new_task")
int j_wake_up_new_task(struct pt_regs *ctx)
{
	struct task_struct *task = (struct task_struct *)PT_REGS_PARM1(ctx);
	struct task_t data = {};

	data.c_pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&data.c_comm, TASK_COMM_LEN);
	data.p_pid = _(task->pid);
	bpf_core_read(&data.p_comm[0], TASK_COMM_LEN, &task->comm[0]);
	bpf_printk("new task: %d\n", _(task->tgid));
	lbc_debug("only with -DLBC_DEBUG: %d\n", data.p_pid);
	bpf_perf_event_output(ctx, &e2_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
	return 0;
}

char _license[] SEC("license") = "GPL";
