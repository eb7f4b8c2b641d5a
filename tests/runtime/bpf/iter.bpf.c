// SPDX-License-Identifier: GPL-2.0
/* iter.bpf.c - one line per thread: process, thread, name. */
#include "count.h"

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (task && (!pid || task->tgid == pid)) {
		count(0, 1);
		BPF_SEQ_PRINTF(seq, "%d %d %s\n", task->tgid, task->pid, task->comm);
	}
	return 0;
}
