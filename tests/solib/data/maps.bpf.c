// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* maps.bpf.c - one map of each type that clients know, filled by the programs that a process of a certain name starts. */
#include "lbc.h"

#define NAME "solibtest"

struct data_t {
	u32 pid;
	char comm[16];
	u64 number;
};

LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_EVENTS(ring, struct data_t, 4096);
LBC_HASH(by_hash, u32, struct data_t, 64);
LBC_LRU_HASH(by_lru, u64, u64, 64);
LBC_PERCPU_HASH(by_per_hash, u32, u64, 64);
LBC_LRU_PERCPU_HASH(by_lru_per_hash, u32, struct data_t, 64);
LBC_ARRAY(by_array, u32, s32, 4);
LBC_PERCPU_ARRAY(by_per_array, u32, u32, 4);
LBC_HIST2(by_hist2);
LBC_HIST10(by_hist10);
LBC_PERCPU_HIST2(by_per_hist2);
LBC_STACK(by_stack, 64);
/* clients know no such type: not listed */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} by_queue SEC(".maps");

static bool is_ours(struct data_t *data)
{
	bpf_get_current_comm(data->comm, sizeof(data->comm));
	for (int i = 0; i < (int)sizeof(NAME); i++)
		if (data->comm[i] != NAME[i])
			return false;
	return true;
}

static void add(void *map, void *key)
{
	u64 *n, one = 1;

	n = bpf_map_lookup_elem(map, key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(map, key, &one, BPF_ANY);
}

SEC("raw_tracepoint/sched_process_exec")
int on_exec(void *ctx)
{
	struct data_t data = {};
	u32 zero = 0, one = 1, seven = 7, *slot;
	u64 big = 1ULL << 40;
	s32 minus = -5;

	if (!is_ours(&data))
		return 0;
	data.pid = bpf_get_current_pid_tgid() >> 32;
	data.number = big;
	bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
	lbc_emit(ctx, ring, &data);
	bpf_map_update_elem(&by_hash, &data.pid, &data, BPF_ANY);
	add(&by_lru, &big);
	add(&by_per_hash, &seven);
	bpf_map_update_elem(&by_lru_per_hash, &seven, &data, BPF_ANY);
	bpf_map_update_elem(&by_array, &one, &minus, BPF_ANY);
	slot = bpf_map_lookup_elem(&by_per_array, &one);
	if (slot)
		*slot += 1;
	hist2_push(&by_hist2, 1000);
	hist2_push(&by_per_hist2, 1000);
	hist10_push(&by_hist10, 1000);
	bpf_map_push_elem(&by_queue, &zero, BPF_ANY);
	bpf_get_stackid(ctx, &by_stack, KERN_STACKID_FLAGS);
	return 0;
}

char _license[] SEC("license") = "GPL";
