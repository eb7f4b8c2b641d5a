// SPDX-License-Identifier: GPL-2.0
/* execsnoop.bpf.c - the tool that `make bench` starts; peer_execsnoop.bpf.c and execsnoop.bt are the same tool. */
#include "lbc.h"

struct event {
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	lbc_comm_t comm;
	char file[128];
};

LBC_EVENTS(events, struct event, 256 * 1024);

SEC("raw_tp/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct event *e = lbc_reserve(events);

	if (!e)
		return 0;
	e->pid = BPF_CORE_READ(task, tgid);
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), BPF_CORE_READ(bprm, filename));
	lbc_submit(ctx, events, e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
