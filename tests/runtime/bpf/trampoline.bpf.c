// SPDX-License-Identifier: GPL-2.0
/* trampoline.bpf.c - one process's kill() calls by fentry and fexit, its getpgid() calls by fmod_ret and LSM. */
#include "count.h"

/* counts: 0 fentry, 1 sum of its argument, 2 fexit, 3 fexit with a result, 4 fmod_ret, 5 lsm, 6 refused by lsm */

SEC("?fentry/find_vpid")
int BPF_PROG(on_entry, int nr)
{
	if (is_wanted()) {
		count(0, 1);
		count(1, nr);
	}
	return 0;
}

SEC("?fexit/find_vpid")
int BPF_PROG(on_exit, int nr, struct pid *ret)
{
	if (is_wanted()) {
		count(2, 1);
		count(3, ret != 0);
	}
	return 0;
}

/* Pretends that getpgid() was forbidden. */
SEC("?fmod_ret/security_task_getpgid")
int BPF_PROG(on_modify, struct task_struct *task, int ret)
{
	if (!is_wanted())
		return ret;
	count(4, 1);
	return -13; /* EACCES */
}

SEC("?lsm/task_getpgid")
int BPF_PROG(on_lsm, struct task_struct *task, int ret)
{
	if (ret || !is_wanted())
		return ret;
	count(5, 1);
	return -1; /* EPERM */
}
