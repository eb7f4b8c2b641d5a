// SPDX-License-Identifier: GPL-2.0
/*
 * usdt - probes that a program's author has put into it, with names and arguments of their own.
 *
 *	cc -g -O1 -o target examples/target.c && ./target &
 *	coolbpf run examples/usdt.bpf.c --binary ./target
 *
 * Unlike a function's name, such a probe is meant to stay. The binary says in a note where each is and in which registers
 * its arguments are; libbpf's usdt.bpf.h reads them.
 */
#include "lbc.h"
#include <bpf/usdt.bpf.h>

LBC_ABOUT("Show the probe example:round of a program");

typedef char name_t[128];

LBC_PARAM(name_t, binary, "./target", "the program");
LBC_PARAM(__u32, pid, 0, "only this process (0: all)");

struct round_of {
	lbc_time_t time;
	__u32 pid;
	__s64 number;
	__s64 result;
};

LBC_EVENTS(rounds, struct round_of, 64 * 1024);

LBC_ATTACH("$binary:example:round,pid=$pid")
SEC("usdt")
int BPF_USDT(on_round, long number, long result)
{
	struct round_of round = {
		.time = bpf_ktime_get_ns(),
		.pid = bpf_get_current_pid_tgid() >> 32,
		.number = number,
		.result = result,
	};

	lbc_emit(ctx, rounds, &round);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
