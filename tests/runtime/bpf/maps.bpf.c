// SPDX-License-Identifier: GPL-2.0
/* maps.bpf.c - one map of each kind, mostly for the test to write; a stack and per-CPU counts by a program. */
#include "lbc.h"

struct two_parts {
	__u32 a;
	__u16 b;
	__u16 pad;
};

enum mood { IDLE, BUSY = 3 };

struct value {
	__u64 count;
	__s32 balance;
	__u16 parts[3];
	char name[8];
	bool flag;
	enum mood state;
	struct {
		__u32 deep;
	} inner;
	__u64 low : 4;
};

LBC_HASH(hash, __u64, __u64, 20000);
LBC_LRU_HASH(lru, __u32, __u64, 128);
LBC_HASH(by_struct, struct two_parts, struct value, 64);
LBC_ARRAY(array, __u32, __u64, 1000);
LBC_PERCPU_HASH(percpu_hash, __u32, struct value, 64);
LBC_PERCPU_ARRAY(percpu_array, __u32, __u32, 4);
LBC_LRU_PERCPU_HASH(lru_percpu, __u32, __u64, 64);
LBC_STACK(stacks, 64);
LBC_PERCPU_HIST2(sizes);
LBC_SHOW(hash, "top 10 clear");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u32);
} queue SEC(".maps");

LBC_ARRAY(ids, __u32, __s32, 2);

struct args {
	__u64 n;
};

/* Count in percpu_array[2] on the CPU that runs this, and remember the stacks. */
SEC("raw_tp")
int step(struct args *ctx)
{
	__u32 two = 2;
	__u32 *n = bpf_map_lookup_elem(&percpu_array, &two);

	if (n)
		*n += ctx->n;
	hist2_push(&sizes, ctx->n);
	return 0;
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__s32 id = bpf_get_stackid(ctx, &stacks, USER_STACKID_FLAGS);
	__u32 zero = 0;

	bpf_map_update_elem(&ids, &zero, &id, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
