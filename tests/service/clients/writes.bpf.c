// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Every kind of map that pylcc knows, filled by the write()s of programs of one name: cases.py puts it in WORKLOAD's place,
 * as these clients' own examples do. */
#include "lbc.h"
#define TASK_COMM_LEN 16

struct data_t {
	u32 pid;
	u32 stack_id;
	u64 fd;
	u64 bytes;
	char comm[TASK_COMM_LEN];
};

LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_HASH(by_hash, u64, struct data_t, 64);
LBC_ARRAY(by_array, u32, u64, 8);
LBC_HIST2(hist2);
LBC_HIST10(hist10);
LBC_LRU_HASH(by_lru, u64, u32, 64);
LBC_PERCPU_HASH(by_per_hash, u64, u64, 64);
LBC_PERCPU_ARRAY(by_per_array, u32, u64, 8);
LBC_LRU_PERCPU_HASH(by_lru_per, u64, u32, 64);
LBC_STACK(call_stack, 64);

/* as the tracepoint's file "format" says */
struct write_args {
	u64 common;
	u64 nr;
	u64 fd;
	u64 buf;
	u64 count;
};

static inline void add32(void *map, u64 key)
{
	u32 one = 1, *n = bpf_map_lookup_elem(map, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(map, &key, &one, BPF_ANY);
}

/* the type that such functions have in these clients' programs */
static inline void add64(struct bpf_map_def *map, u64 key)
{
	u64 one = 1, *n = bpf_map_lookup_elem(map, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(map, &key, &one, BPF_NOEXIST);
}

static inline void add_slot(void *map, u32 slot, u64 n)
{
	u64 *v = bpf_map_lookup_elem(map, &slot);

	if (v)
		__sync_fetch_and_add(v, n);
}

SEC("tracepoint/syscalls/sys_enter_write")
int on_write(struct write_args *ctx)
{
	const char wanted[TASK_COMM_LEN] = "WORKLOAD";
	struct data_t data = {};

	bpf_get_current_comm(&data.comm, TASK_COMM_LEN);
	if (*(u64 *)data.comm != *(u64 *)wanted || *(u64 *)(data.comm + 8) != *(u64 *)(wanted + 8))
		return 0;
	data.pid = bpf_get_current_pid_tgid() >> 32;
	data.fd = ctx->fd;
	data.bytes = ctx->count;
	data.stack_id = bpf_get_stackid(ctx, &call_stack, KERN_STACKID_FLAGS);
	bpf_map_update_elem(&by_hash, &data.bytes, &data, BPF_ANY);
	add_slot(&by_array, 1, 1);
	add_slot(&by_array, 2, data.bytes);
	add_slot(&by_per_array, 1, 1);
	add32(&by_lru, data.bytes);
	add32(&by_lru_per, data.bytes);
	add64(&by_per_hash, data.bytes);
	hist2_push(&hist2, data.bytes);
	hist10_push(&hist10, data.bytes);
	bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
	return 0;
}

char _license[] SEC("license") = "GPL";
