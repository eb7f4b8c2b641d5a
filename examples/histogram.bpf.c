// SPDX-License-Identifier: GPL-2.0
/*
 * histogram - how values are spread: sizes of write(), in powers of two.
 *
 *	coolbpf run examples/histogram.bpf.c --duration 5s
 *
 * hist2_push() adds one to the slot of its value: slot i counts from 2^i up to 2^(i+1). LBC_HIST10 and hist10_push() do
 * the same in powers of ten.
 */
#include "lbc.h"

LBC_ABOUT("Histogram of the sizes that programs write");

LBC_HIST2(sizes);
LBC_SHOW(sizes, "hist bytes");

struct sys_exit {
	__u64 common, nr;
	long ret;
};

SEC("tracepoint/syscalls/sys_exit_write")
int on_write(struct sys_exit *ctx)
{
	if (ctx->ret >= 0)
		hist2_push(&sizes, ctx->ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
