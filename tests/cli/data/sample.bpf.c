// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* sample.bpf.c - a bit of everything that an object can hold; the tests know its values by heart. */
#include <coolbpf/lbc.h>

enum mode { MODE_ALL, MODE_ROOT = 7 };

typedef struct {
	int a;
	short b;
} inner_t;

struct odd {
	char c;
	__u64 wide;
} __attribute__((packed));

union either {
	__u32 number;
	char bytes[4];
};

struct event {
	lbc_time_t time;
	lbc_ns_t latency;
	lbc_comm_t comm;
	lbc_ipv6_t address;
	lbc_port_t port;
	inner_t inner;
	struct odd odd;
	union either either;
	__u32 three_bits : 3, five_bits : 5;
	bool flag;
	enum mode mode;
	struct task_struct *task;
	char text[10];
	__u16 array[3];
	struct {
		int deep;
	};
};

struct sample_key {
	__u32 pid;
};

LBC_ABOUT("One event for each exec, with a field of each kind");
LBC_PARAM(lbc_ns_t, min, 1500000, "a duration");
LBC_PARAM(enum mode, mode, MODE_ROOT, "a choice");
LBC_PARAM(bool, on, true, "a switch */ with a trap");
LBC_PARAM(lbc_comm_t, comm, "sh", "a text");
LBC_PARAM(__u32, number, 42, "a number");

LBC_EVENTS(events, struct event, 65536);
LBC_EVENTS(numbers, __u64, 4096);
LBC_HASH(counts, struct sample_key, __u64, 128);
LBC_SHOW(counts, "top 10");
LBC_HIST2(sizes);

SEC("raw_tracepoint/sched_process_exec")
int on_exec(void *ctx)
{
	struct event *e = lbc_reserve(events);
	struct sample_key key = {.pid = bpf_get_current_pid_tgid() >> 32};
	__u64 n = number;

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	e->latency = min;
	e->address.lbc_ipv6[15] = 1;
	e->port = 80;
	e->inner.b = -3;
	e->odd.wide = 0x1122334455667788;
	e->either.number = 7;
	e->three_bits = 5;
	e->five_bits = 17;
	e->flag = on;
	e->mode = mode;
	e->text[0] = comm[0];
	e->array[2] = 9;
	e->deep = -1;
	lbc_submit(ctx, events, e);
	lbc_emit(ctx, numbers, &n);
	bpf_map_update_elem(&counts, &key, &n, 0);
	hist2_push(&sizes, 1000);
	return 0;
}

LBC_ALTERNATIVE("second")
SEC("kprobe/no_such_function|neither_this_one")
int first_choice(void *ctx)
{
	return 0;
}

LBC_ALTERNATIVE("second")
SEC("raw_tracepoint/sched_process_exit")
int last_choice(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
