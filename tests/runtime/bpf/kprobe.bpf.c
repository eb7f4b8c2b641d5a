// SPDX-License-Identifier: GPL-2.0
/* kprobe.bpf.c - one process's kill() and getpgid() calls, at the entry and the return of kernel functions. */
#include "count.h"

/* counts: 0 kprobe, 1 sum of its first argument, 2 kretprobe, 3 sum of results, 4 multi, 5 ksyscall, 6 sum of the system
 * call's argument */

/* find_vpid(int nr) is called by kill(nr, signal), once, and has been since 2.6.24 */
SEC("kprobe/find_vpid")
int BPF_KPROBE(on_entry, int nr)
{
	if (is_wanted()) {
		count(0, 1);
		count(1, nr);
	}
	return 0;
}

SEC("kretprobe/find_vpid")
int BPF_KRETPROBE(on_return, void *ret)
{
	if (is_wanted()) {
		count(2, 1);
		count(3, ret != 0);
	}
	return 0;
}

SEC("?kprobe.multi")
int on_many(struct pt_regs *ctx)
{
	if (is_wanted())
		count(4, 1);
	return 0;
}

SEC("?ksyscall/getpgid")
int BPF_KSYSCALL(on_getpgid, int pid_arg)
{
	if (is_wanted()) {
		count(5, 1);
		count(6, pid_arg);
	}
	return 0;
}
