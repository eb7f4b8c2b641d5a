// SPDX-License-Identifier: GPL-2.0
/* uprobe.bpf.c - counts the calls of a function of the test, and adds up its arguments and results. */
#include "count.h"

/* counts: 0 entries, 1 sum of the first argument, 2 returns, 3 sum of the results, 4 calls of getppid() in libc, 5 entries
 * by offset, 6 entries by a target in words */

typedef char path_t[256];
LBC_PARAM(path_t, binary, "", "the test's own program");
LBC_PARAM(path_t, function, "twice", "the function to look at");

SEC("uprobe")
int on_entry(struct pt_regs *ctx)
{
	count(0, 1);
	count(1, (__u32)PT_REGS_PARM1(ctx));
	return 0;
}

SEC("uretprobe")
int on_return(struct pt_regs *ctx)
{
	count(2, 1);
	count(3, (__u32)PT_REGS_RC(ctx));
	return 0;
}

SEC("?uprobe/libc:getppid")
int on_getppid(struct pt_regs *ctx)
{
	if (is_wanted())
		count(4, 1);
	return 0;
}

SEC("uprobe")
int on_offset(struct pt_regs *ctx)
{
	count(5, 1);
	return 0;
}

LBC_ATTACH("$binary:$function,pid=$pid")
SEC("?uprobe")
int on_words(struct pt_regs *ctx)
{
	count(6, 1);
	return 0;
}
