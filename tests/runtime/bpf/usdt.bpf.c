// SPDX-License-Identifier: GPL-2.0
/* usdt.bpf.c - counts the markers coolbpf_test:step and adds up their two arguments. */
#include "count.h"
#include <bpf/usdt.bpf.h>

/* counts: 0 hits, 1 sum of the first argument, 2 sum of the second, 3 hits in words */

SEC("usdt")
int BPF_USDT(on_step, int a, long b)
{
	count(0, 1);
	count(1, a);
	count(2, b);
	return 0;
}

typedef char path_t[256];
LBC_PARAM(path_t, binary, "", "the program that has the marker");

LBC_ATTACH("$binary:coolbpf_test:step,pid=$pid")
SEC("?usdt")
int BPF_USDT(on_step_in_words, int a, long b)
{
	count(3, 1);
	return 0;
}
