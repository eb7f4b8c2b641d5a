// SPDX-License-Identifier: GPL-2.0
/*
 * biolatency - how long block devices take for a request, as a histogram.
 *
 * From block_rq_issue, where a request goes to the driver, to block_rq_complete, where the driver is done with it; with
 * --queued from block_rq_insert, where it enters the I/O scheduler's queue. A request is known by its address meanwhile.
 * The kernel merges neighbouring I/O into one request, and large I/O is split into several.
 *
 * What the kernel passes to these trace points differs:
 *
 *	until 5.10      (request queue, request)        disk = request->rq_disk
 *	since 5.11      (request)
 *	since 5.17                                      disk = request->q->disk
 *
 * The BTF of the kernel says how many arguments its trace point has: a CO-RE question for a type that is a function
 * compares the number of parameters, whatever the version number says of a kernel that its vendor patches.
 */
#include "lbc.h"

LBC_ABOUT("Histogram of the time that block devices take");

LBC_PARAM(bool, disks, false, "one histogram for each disk");
LBC_PARAM(bool, flags, false, "one histogram for each kind of request");
LBC_PARAM(bool, queued, false, "count the time in the I/O scheduler's queue too");
LBC_PARAM(lbc_ns_t, min, 0, "only requests that take at least so long");

LBC_PERCPU_HIST2(latency);
LBC_SHOW(latency, "hist ns clear");

enum { SLOTS = 40 }; /* 2^39 ns are nine minutes */

struct io_slots {
	__u64 slots[SLOTS];
};

struct on_disk {
	lbc_dev_t disk;
};

LBC_PERCPU_HASH(by_disk, struct on_disk, struct io_slots, 512);
LBC_SHOW(by_disk, "hist ns clear");

/* As blktrace writes it: R read, W write, D discard, F flush, N none of these; behind it F forced to the medium, A read
 * ahead, S synchronous, M metadata; in front of it F for a flush before it. */
struct request_kind {
	char kind[8];
};

LBC_PERCPU_HASH(by_kind, struct request_kind, struct io_slots, 128);
LBC_SHOW(by_kind, "hist ns clear");

/* By address of the request: since when it is under way. */
LBC_HASH(under_way, __u64, __u64, 16384);

typedef void (*btf_trace_block_rq_issue___one)(void *, struct request *);

static __always_inline struct request *request_of(unsigned long long *ctx)
{
	struct request *request = NULL;

	if (bpf_core_type_exists(btf_trace_block_rq_issue___one)) {
		request = (struct request *)ctx[0];
		/* or the compiler would compute an index for one load, which the verifier does not allow in a context */
		barrier_var(request);
	} else {
		request = (struct request *)ctx[1];
	}
	return request;
}

struct gendisk___any {
	int major, first_minor;
} __attribute__((preserve_access_index));

struct request_queue___new {
	struct gendisk___any *disk;
} __attribute__((preserve_access_index));

struct request___old {
	struct gendisk___any *rq_disk;
} __attribute__((preserve_access_index));

struct request___any {
	struct request_queue___new *q;
	unsigned int cmd_flags;
} __attribute__((preserve_access_index));

static __always_inline __u32 disk_of(struct request *request)
{
	struct request___old *then = (void *)request;
	struct request___any *now = (void *)request;
	struct gendisk___any *disk;

	disk = bpf_core_field_exists(then->rq_disk) ? _(then->rq_disk) : BPF_CORE_READ(now, q, disk);
	return disk ? _(disk->major) << 20 | _(disk->first_minor) : 0;
}

/* Numbers of bits in cmd_flags. Until 4.7 the enum was another, and bit 0 meant "write". */
enum req_flag_bits___any {
	__REQ_SYNC___any,
	__REQ_META___any,
	__REQ_FUA___any,
	__REQ_PREFLUSH___any,
	__REQ_RAHEAD___any,
};

#define has_flag(flags, bit) ((flags) >> bpf_core_enum_value(enum req_flag_bits___any, bit) & 1)

/* REQ_OP_*: the low 8 bits of cmd_flags; these numbers have never changed. */
static __always_inline char letter_of(__u32 op)
{
	switch (op) {
	case 0:
		return 'R';
	case 1:
	case 7: /* zone append */
	case 9: /* write zeroes */
		return 'W';
	case 2:
		return 'F';
	case 3:
	case 5: /* secure erase */
		return 'D';
	default:
		return 'N';
	}
}

/* Characters are shifted in from below and stored with the first in front: no index that a verifier would have to
 * follow. */
static __always_inline void kind_of(struct request *request, char *kind)
{
	__u32 flags = _(((struct request___any *)request)->cmd_flags), n = 0;
	__u64 text = 0;

#define add(letter)                                                                                                    \
	do {                                                                                                           \
		text = text << 8 | (letter);                                                                           \
		n += 8;                                                                                                \
	} while (0)
	if (bpf_core_type_exists(enum req_flag_bits___any)) {
		if (has_flag(flags, __REQ_PREFLUSH___any))
			add('F');
		add(letter_of(flags & 0xff));
		if (has_flag(flags, __REQ_FUA___any))
			add('F');
		if (has_flag(flags, __REQ_RAHEAD___any))
			add('A');
		if (has_flag(flags, __REQ_SYNC___any))
			add('S');
		if (has_flag(flags, __REQ_META___any))
			add('M');
	} else {
		add(flags & 1 ? 'W' : 'R');
	}
#undef add
	*(__u64 *)kind = htonll(text << (64 - n));
}

static __always_inline void add_to(void *map, const void *key, __u64 ns)
{
	static const struct io_slots zeros;
	struct io_slots *s = bpf_map_lookup_elem(map, key);
	int slot = lbc_log2(ns);

	if (!s) {
		bpf_map_update_elem(map, key, &zeros, BPF_NOEXIST);
		s = bpf_map_lookup_elem(map, key);
		if (!s)
			return;
	}
	if (slot < SLOTS)
		s->slots[slot]++;
}

static __always_inline int on_insert(__u64 key)
{
	__u64 now;

	if (!queued)
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&under_way, &key, &now, BPF_ANY);
	return 0;
}

static __always_inline int on_issue(__u64 key)
{
	__u64 now;

	/* a request may go to the driver without ever having been in the queue */
	if (queued && bpf_map_lookup_elem(&under_way, &key))
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&under_way, &key, &now, BPF_ANY);
	return 0;
}

/* Nanoseconds since it began; 0: not known, or not wanted. */
static __always_inline __u64 end(__u64 key)
{
	__u64 *since = bpf_map_lookup_elem(&under_way, &key), ns;

	if (!since)
		return 0;
	ns = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&under_way, &key);
	/* this clock may be a little behind on another CPU: the request counts all the same */
	if ((__s64)ns <= 0)
		ns = 1;
	return ns >= min ? ns : 0;
}

LBC_ALTERNATIVE("insert")
SEC("raw_tp/block_rq_insert")
int insert_raw(unsigned long long *ctx)
{
	return on_insert((__u64)request_of(ctx));
}

LBC_ALTERNATIVE("issue")
SEC("raw_tp/block_rq_issue")
int issue_raw(unsigned long long *ctx)
{
	return on_issue((__u64)request_of(ctx));
}

LBC_ALTERNATIVE("complete")
SEC("raw_tp/block_rq_complete")
int BPF_PROG(complete_raw, struct request *request)
{
	__u64 ns = end((__u64)request);

	if (!ns)
		return 0;
	if (!disks && !flags)
		hist2_push(&latency, ns);
	if (disks) {
		struct on_disk key = {.disk = disk_of(request)};

		add_to(&by_disk, &key, ns);
	}
	if (flags) {
		struct request_kind key = {};

		kind_of(request, key.kind);
		add_to(&by_kind, &key, ns);
	}
	return 0;
}

/* Before 4.17 there are only the tracepoints' records, and a request is known by its place on the disk. */
struct block_rq {
	__u64 common;
	__u32 dev;
	__u64 sector;
	__u32 sectors, bytes_or_error;
	char rwbs[8];
};

static __always_inline __u64 place_of(const struct block_rq *r)
{
	return (__u64)r->dev << 40 ^ r->sector;
}

LBC_ALTERNATIVE("insert")
SEC("tracepoint/block/block_rq_insert")
int insert_tracepoint(struct block_rq *ctx)
{
	return on_insert(place_of(ctx));
}

LBC_ALTERNATIVE("issue")
SEC("tracepoint/block/block_rq_issue")
int issue_tracepoint(struct block_rq *ctx)
{
	return on_issue(place_of(ctx));
}

LBC_ALTERNATIVE("complete")
SEC("tracepoint/block/block_rq_complete")
int complete_tracepoint(struct block_rq *ctx)
{
	__u64 ns = end(place_of(ctx));

	if (!ns)
		return 0;
	if (!disks && !flags)
		hist2_push(&latency, ns);
	if (disks) {
		struct on_disk key = {.disk = ctx->dev};

		add_to(&by_disk, &key, ns);
	}
	if (flags) {
		struct request_kind key = {};

		__builtin_memcpy(key.kind, ctx->rwbs, sizeof(key.kind));
		add_to(&by_kind, &key, ns);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
