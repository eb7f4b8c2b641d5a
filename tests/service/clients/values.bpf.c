// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Members of every kind that pylcc can turn into Python's values. */
#include "lbc.h"

enum level { LEVEL_LOW, LEVEL_HIGH = 7 };

struct value_t {
	u8 small;
	s16 negative;
	char letter;
	bool yes;
	s64 wide;
	enum level level;
	u32 numbers[3];
	char texts[2][8];
	char name[TASK_COMM_LEN];
	u32 high : 4;
	u32 low : 28;
	void *where;
};

struct pair_t {
	u32 a;
	u16 b;
};

LBC_PERF_OUTPUT(e_out, struct value_t, 16);
LBC_HASH(by_name, u64, struct value_t, 16);
LBC_HASH(by_struct, struct pair_t, u32, 16);

SEC("raw_tracepoint/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	const char wanted[TASK_COMM_LEN] = "WORKLOAD";
	u64 key = 0x1122334455667788;
	struct pair_t pair = {.a = 3, .b = 4};
	struct value_t v = {};
	u32 one = 1;

	bpf_get_current_comm(&v.name, sizeof(v.name));
	if (*(u64 *)v.name != *(u64 *)wanted)
		return 0;
	v.small = 200;
	v.negative = -3;
	v.letter = 'x';
	v.yes = true;
	v.wide = -(1LL << 40);
	v.level = LEVEL_HIGH;
	v.numbers[0] = 1;
	v.numbers[1] = 2;
	v.numbers[2] = 3;
	__builtin_memcpy(v.texts[0], "one", 4);
	__builtin_memcpy(v.texts[1], "two", 4);
	v.high = 5;
	v.low = fast_log2(1000) + fast_log2(-1) + fast_log10(0);
	v.where = (void *)0xffff888000001234;
	bpf_map_update_elem(&by_name, &key, &v, BPF_ANY);
	bpf_map_update_elem(&by_struct, &pair, &one, BPF_ANY);
	bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &v, sizeof(v));
	return 0;
}

char _license[] SEC("license") = "GPL";
