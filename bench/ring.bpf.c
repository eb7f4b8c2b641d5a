// SPDX-License-Identifier: GPL-2.0
/*
 * ring.bpf.c - as many events as there is room for, on demand: getpgid(-N) sends up to N of them (at most 1024).
 *
 * It stops before the buffer is full, so that no event is ever lost: how fast events come is up to who reads them.
 * peer_ring.bpf.c is the same with plain libbpf.
 */
#include "lbc.h"

LBC_ABOUT("Events on demand, for benchmarks");

enum kind { READ, WRITE, FSYNC };

struct event {
	lbc_time_t time;
	__u64 seq;
	lbc_ns_t took;
	__u32 pid;
	enum kind kind;
	lbc_comm_t comm;
	char file[32];
};

enum { BYTES = 4 << 20, BURST = 1024 };

LBC_EVENTS(events, struct event, BYTES);

struct sys_enter {
	__u64 common, nr, args[6];
};

static __u64 seq;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int on_getpgid(struct sys_enter *ctx)
{
	int n = -(int)ctx->args[0];
	__u64 now = bpf_ktime_get_ns();

	/* one record more than fits would be a lost one; a record has 8 bytes in front */
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > BYTES - (BURST + 1) * (sizeof(struct event) + 8))
		return 0;
	for (int i = 0; i < BURST && i < n; i++) {
		struct event *e = lbc_reserve(events);

		if (!e)
			break;
		e->time = now;
		e->seq = seq++;
		e->took = e->seq * 37 & 0xfffffff;
		e->pid = 1234;
		e->kind = e->seq % 3;
		__builtin_memcpy(e->comm, "benchmark\0\0\0\0\0\0", sizeof(e->comm));
		__builtin_memcpy(e->file, "/var/lib/data/file-0001\0\0\0\0\0\0\0\0", sizeof(e->file));
		lbc_submit(ctx, events, e);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
