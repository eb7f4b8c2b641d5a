/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * lbc.h - what a coolbpf program (.bpf.c) includes.
 *
 * Everything here compiles with plain clang (>= 14) and libbpf's headers, and the object loads with plain libbpf and
 * bpftool too. What coolbpf adds (parameters, typed events, how to show a map, alternatives among hooks) travels inside
 * the object's own BTF, in two ways that other loaders ignore:
 *
 *  - a BTF declaration tag on a variable or a program: "lbc_param:TEXT", "lbc_alternative:GROUP", "lbc_attach:TARGET",
 *    "lbc_self";
 *  - a variable in the section ".lbc", which no loader makes a map of. Its name says what it describes and how:
 *      MAP__lbc_event   its type is a pointer to the type of the events that MAP carries
 *      MAP__lbc_show    tagged "lbc_show:HOW": how to print MAP
 *      MAP__lbc_pages   tagged "lbc_pages:N": pages of a perf buffer for each CPU
 *      MAP__lbc_hist    tagged "lbc_hist:log2" or "lbc_hist:log10": MAP's keys are histogram slots
 *      lbc_about__lbc   tagged "lbc_about:TEXT": one line that says what the tool is for
 *
 * Kernels before 5.16 do not know declaration tags; libbpf replaces them while loading.
 */
#ifndef COOLBPF_LBC_H
#define COOLBPF_LBC_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define LBC_VERSION "1"

/* ---- Names that the kernel defines by macro, and which its BTF therefore does not carry ------------------------ */

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef PERF_MAX_STACK_DEPTH
#define PERF_MAX_STACK_DEPTH 127
#endif
#ifndef TASK_COMM_LEN
#define TASK_COMM_LEN 16
#endif
#ifndef AF_INET
#define AF_INET 2
#endif
#ifndef AF_INET6
#define AF_INET6 10
#endif

/* Constants of <linux/bpf.h> that the BTF of older kernels lacks (until 5.7 its flags were macros; 5.8 added the ring
 * buffer). A macro serves whether vmlinux.h has the enumerator or not. */
#define LBC_MAP_TYPE_RINGBUF 27
#define BPF_ANY		     0
#define BPF_NOEXIST	     1
#define BPF_EXIST	     2
#define BPF_F_USER_STACK     (1ULL << 8)
#define BPF_F_FAST_STACK_CMP (1ULL << 9)
#define BPF_F_REUSE_STACKID  (1ULL << 10)
#define BPF_F_INDEX_MASK     0xffffffffULL
#define BPF_F_CURRENT_CPU    BPF_F_INDEX_MASK

/* Flags for bpf_get_stackid(): stacks are compared by hash only, which is fast and wrong once in 2^32. */
#define KERN_STACKID_FLAGS (0 | BPF_F_FAST_STACK_CMP)
#define USER_STACKID_FLAGS (0 | BPF_F_FAST_STACK_CMP | BPF_F_USER_STACK)

/* In place of a stack id: no stack was taken. It is -EFAULT, which bpf_get_stackid() gives where there is none. */
#define LBC_NO_STACK (-14)

/* ---- Byte order: BPF runs in the byte order of the machine ------------------------------------------------------ */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define lbc_swap16(x) __builtin_bswap16(x)
#define lbc_swap32(x) __builtin_bswap32(x)
#define lbc_swap64(x) __builtin_bswap64(x)
#else
#define lbc_swap16(x) (x)
#define lbc_swap32(x) (x)
#define lbc_swap64(x) (x)
#endif
#ifndef ntohs
#define ntohs(x) lbc_swap16(x)
#define htons(x) lbc_swap16(x)
#endif
#ifndef ntohl
#define ntohl(x) lbc_swap32(x)
#define htonl(x) lbc_swap32(x)
#endif
#ifndef ntohll
#define ntohll(x) lbc_swap64(x)
#define htonll(x) lbc_swap64(x)
#endif

/* ---- Reading and debugging -------------------------------------------------------------------------------------- */

/* _(expr): the value of a kernel expression such as task->mm->flags, read safely (zero where the read faults). The last
 * member access is relocated to the kernel that runs the program; each pointer on the way wants its own _(). */
#define _(P)                                                                                                           \
	({                                                                                                             \
		typeof(P) lbc_value;                                                                                   \
		__builtin_memset((void *)&lbc_value, 0, sizeof(lbc_value));                                            \
		bpf_core_read((void *)&lbc_value, sizeof(lbc_value), &(P));                                            \
		lbc_value;                                                                                             \
	})

/* lbc_debug(fmt, ...): to the kernel's trace pipe when compiled with -DLBC_DEBUG, otherwise nothing. */
#ifdef LBC_DEBUG
#define lbc_debug(...) bpf_printk(__VA_ARGS__)
#else
#define lbc_debug(...)
#endif

/* ---- How a value prints: the type of a field or a parameter says it --------------------------------------------- */

typedef __u64 lbc_ns_t;	     /* a duration in nanoseconds; prints with a unit, "1.50ms"; a parameter takes "1ms" */
typedef __u64 lbc_us_t;	     /* the same in microseconds */
typedef __u64 lbc_ms_t;	     /* the same in milliseconds */
typedef __u64 lbc_time_t;    /* a point in time by bpf_ktime_get_ns(); prints as local time of day */
typedef __u64 lbc_bytes_t;   /* a size; prints "4.0K"; a parameter takes "4M" (powers of 1024) */
typedef __u64 lbc_hex_t;     /* prints in hexadecimal */
typedef __u64 lbc_ksym_t;    /* a kernel address; prints as symbol+offset */
typedef __u64 lbc_cgroup_t;  /* a cgroup id by bpf_get_current_cgroup_id(); prints as its path */
typedef __u32 lbc_pid_t;     /* the process (thread group) that user stacks of the same record belong to */
typedef __s32 lbc_errno_t;   /* 0 or an error, negative or positive; prints as "ENOENT" */
typedef __s64 lbc_ret_t;     /* a system call's result: a value, or a negative error that prints as "-ENOENT" */
typedef __u32 lbc_syscall_t; /* a system call's number on this machine; prints as its name */
typedef __u32 lbc_signal_t;  /* a signal's number; prints as "SIGTERM" */
typedef __u32 lbc_dev_t;     /* a block device as the kernel's dev_t (major << 20 | minor); prints as its name */
typedef __u32 lbc_ipv4_t;    /* an IPv4 address in network byte order */
typedef __u16 lbc_port_t;    /* a port in host byte order: ntohs() what comes from a packet */
typedef char lbc_comm_t[TASK_COMM_LEN]; /* a task's name */
typedef __s32 lbc_kstack_t;		/* a kernel stack: what bpf_get_stackid() returned */
typedef __s32 lbc_ustack_t;		/* a user stack: the same with USER_STACKID_FLAGS */

/* An IPv6 address in network byte order. One that maps an IPv4 address (::ffff:a.b.c.d) prints as a.b.c.d, so that one
 * field serves both families. */
typedef struct {
	__u8 lbc_ipv6[16];
} __attribute__((aligned(4))) lbc_ipv6_t; /* so that it may be written by words */

static __always_inline void lbc_ipv6_from_v4(lbc_ipv6_t *to, __u32 v4_network_order)
{
	__u32 *w = (__u32 *)to;

	w[0] = 0;
	w[1] = 0;
	w[2] = htonl(0xffff);
	w[3] = v4_network_order;
}

/* ---- What coolbpf reads from the object ------------------------------------------------------------------------- */

#define LBC_TAG(text) __attribute__((btf_decl_tag(text)))

/* LBC_ABOUT("text"): one line for --help. */
#define LBC_ABOUT(text) const char lbc_about__lbc SEC(".lbc") LBC_TAG("lbc_about:" text) = 0

/* LBC_PARAM(type, name, default, "help"): a command-line option --name of the tool, and a read-only global variable of
 * the program, so code behind a parameter that is off costs nothing. type is an integer, bool, enum, one of the display
 * types above, or a typedef of a char array (the text must fit with its terminating zero). */
#define LBC_PARAM(type, name, value, help) const volatile type name SEC(".rodata") LBC_TAG("lbc_param:" help) = value

/* LBC_SELF; lets lbc_is_self(pid) tell the process that runs the tool, so that a tool need not watch itself at work. It is
 * never true where process numbers are others than the kernel's (in a container), nor under other loaders. */
#define LBC_SELF	 const volatile __u32 lbc_self SEC(".rodata") LBC_TAG("lbc_self") = 0
#define lbc_is_self(pid) (lbc_self && (pid) == lbc_self)

/* LBC_SHOW(map, "how"): print this map at the end, and every --interval. how is one of
 *   "table"                 one line per entry
 *   "top N" or "top N by F" the N entries with the largest value (or value field F), largest first
 *   "hist" or "hist UNIT"   the map's values are histogram slots (array of counters); one histogram per key
 *   "stacks"                the key holds stack ids; each stack with its value, largest first
 * and may end with "clear": entries are deleted once shown, so that every interval counts anew. */
#define LBC_SHOW(map, how) const char map##__lbc_show SEC(".lbc") LBC_TAG("lbc_show:" how) = 0

/* SEC("kprobe/a|b") tries hook a, then b. LBC_ALTERNATIVE("group") in front of SEC(...) of several programs: of the
 * programs in a group the first in the source that this kernel supports is loaded, the others are not. */
#define LBC_ALTERNATIVE(group) LBC_TAG("lbc_alternative:" group)

/* LBC_ATTACH("target") in front of SEC(...): where to attach a program whose section name cannot say it (perf_event,
 * xdp, tc, socket, cgroup, sk_skb, sockops, ...), or where a parameter decides: $name stands for the parameter's value.
 *   perf_event   "cpu-clock,freq=99"  "cycles,period=1000000"  "mem:0x1234/4:w"
 *   xdp          "eth0" "eth0,mode=skb"
 *   tc           "eth0,ingress"  "eth0,egress"
 *   socket       "eth0" "any"
 *   cgroup*      "/sys/fs/cgroup/..."  (also sockops)
 *   sk_skb       "map=NAME"
 *   uprobe       "BINARY:FUNCTION"  "$binary:$function,pid=$pid" */
#define LBC_ATTACH(target) LBC_TAG("lbc_attach:" target)

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

#define LBC_MAP(map_type, name, K, V, entries)                                                                         \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(key, K);                                                                                        \
		__type(value, V);                                                                                      \
	} name SEC(".maps")

#define LBC_HASH(name, K, V, entries)		 LBC_MAP(BPF_MAP_TYPE_HASH, name, K, V, entries)
#define LBC_LRU_HASH(name, K, V, entries)	 LBC_MAP(BPF_MAP_TYPE_LRU_HASH, name, K, V, entries)
#define LBC_PERCPU_HASH(name, K, V, entries)	 LBC_MAP(BPF_MAP_TYPE_PERCPU_HASH, name, K, V, entries)
#define LBC_LRU_PERCPU_HASH(name, K, V, entries) LBC_MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, name, K, V, entries)
#define LBC_ARRAY(name, K, V, entries)		 LBC_MAP(BPF_MAP_TYPE_ARRAY, name, K, V, entries)
#define LBC_PERCPU_ARRAY(name, K, V, entries)	 LBC_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, name, K, V, entries)

#define LBC_STACK(name, entries)                                                                                       \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);                                                                \
		__uint(max_entries, entries);                                                                          \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, PERF_MAX_STACK_DEPTH * sizeof(__u64));                                              \
	} name SEC(".maps")

/* LBC_PERF_OUTPUT(name, type, pages): a perf buffer of that many pages per CPU that carries events of this type, sent
 * by bpf_perf_event_output(ctx, &name, BPF_F_CURRENT_CPU, &event, sizeof(event)). */
#define LBC_PERF_OUTPUT(name, T, pages)                                                                                \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);                                                           \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, sizeof(__u32));                                                                     \
	} name SEC(".maps");                                                                                           \
	const char name##__lbc_pages SEC(".lbc") LBC_TAG("lbc_pages:" #pages) = 0;                                     \
	T *const name##__lbc_event SEC(".lbc") = 0

/* ---- Histograms: slot i counts values v with 2^i <= v < 2^(i+1) (LBC_HIST2, 64 slots) or 10^i <= v < 10^(i+1)
 * (LBC_HIST10, 20 slots); slot 0 also takes 0 and below. ---------------------------------------------------------- */

#define LBC_HIST_MAP(map_type, name, slots, base)                                                                      \
	LBC_MAP(map_type, name, int, long, slots);                                                                     \
	const char name##__lbc_hist SEC(".lbc") LBC_TAG("lbc_hist:" base) = 0

#define LBC_HIST2(name)	 LBC_HIST_MAP(BPF_MAP_TYPE_ARRAY, name, 64, "log2")
#define LBC_HIST10(name) LBC_HIST_MAP(BPF_MAP_TYPE_ARRAY, name, 20, "log10")
/* The same with counters for each CPU, which coolbpf adds up: for hooks that many CPUs pass often. */
#define LBC_PERCPU_HIST2(name)	LBC_HIST_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, name, 64, "log2")
#define LBC_PERCPU_HIST10(name) LBC_HIST_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, name, 20, "log10")

/* floor(log2(v)), 0 for v <= 1: five compares, for the BPF instruction set has no "count leading zeros". */
static __always_inline int lbc_log2(__u64 v)
{
	int n = 0;

	if (v >> 32) {
		v >>= 32;
		n += 32;
	}
	if (v >> 16) {
		v >>= 16;
		n += 16;
	}
	if (v >> 8) {
		v >>= 8;
		n += 8;
	}
	if (v >> 4) {
		v >>= 4;
		n += 4;
	}
	if (v >> 2) {
		v >>= 2;
		n += 2;
	}
	if (v >> 1)
		n += 1;
	return n;
}

/* floor(log10(v)), 0 for v <= 1. */
static __always_inline int lbc_log10(__u64 v)
{
	int n = 0;

	if (v >= 10000000000000000ULL) {
		v /= 10000000000000000ULL;
		n += 16;
	}
	if (v >= 100000000ULL) {
		v /= 100000000ULL;
		n += 8;
	}
	if (v >= 10000) {
		v /= 10000;
		n += 4;
	}
	if (v >= 100) {
		v /= 100;
		n += 2;
	}
	if (v >= 10)
		n += 1;
	return n;
}

/* The same for signed values, under the names that programs for older lbc.h call. */
static __always_inline int fast_log2(long v)
{
	return v > 0 ? lbc_log2(v) : 0;
}

static __always_inline int fast_log10(long v)
{
	return v > 0 ? lbc_log10(v) : 0;
}

static __always_inline void add_hist(void *map, int slot, long count)
{
	long *counter = bpf_map_lookup_elem(map, &slot);

	if (counter)
		__sync_fetch_and_add(counter, count);
}

#define incr_hist(map, slot) add_hist(map, slot, 1)

static __always_inline void hist2_push(void *map, long v)
{
	add_hist(map, fast_log2(v), 1);
}

static __always_inline void hist10_push(void *map, long v)
{
	add_hist(map, fast_log10(v), 1);
}

/* ---- Events: a ring buffer where the kernel has one (5.8), else a perf buffer; one source, decided at load ------ */

struct bpf_ringbuf___lbc {
	int unused;
} __attribute__((preserve_access_index));

/* A constant by the time the verifier sees it, so that the other side of an if is dead code. */
#define lbc_has_ringbuf() bpf_core_type_exists(struct bpf_ringbuf___lbc)

/* LBC_EVENTS(name, type, bytes): events of this type, in a buffer of so many bytes (a power of two, at least a page;
 * for a perf buffer it is divided among the CPUs). What does not fit is counted in name__lbc and reported. */
#define LBC_EVENTS(name, T, bytes)                                                                                     \
	struct {                                                                                                       \
		__uint(type, LBC_MAP_TYPE_RINGBUF);                                                                    \
		__uint(max_entries, bytes);                                                                            \
	} name SEC(".maps");                                                                                           \
	struct name##__lbc_room {                                                                                      \
		__u64 lost;                                                                                            \
		T event;                                                                                               \
	};                                                                                                             \
	LBC_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, name##__lbc, __u32, struct name##__lbc_room, 1);                            \
	T *const name##__lbc_event SEC(".lbc") = 0

static __always_inline void lbc_count_lost(void *room_map)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(room_map, &zero);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* lbc_reserve(name): room for one event, or NULL (counted as lost). Its content is what was there before: set every
 * field, padding too if it matters. Follow with lbc_submit() or lbc_discard() on every path. */
#define lbc_reserve(name)                                                                                              \
	({                                                                                                             \
		typeof(((struct name##__lbc_room *)0)->event) *lbc_event = NULL;                                       \
		if (lbc_has_ringbuf()) {                                                                               \
			lbc_event = bpf_ringbuf_reserve(&name, sizeof(*lbc_event), 0);                                 \
			if (!lbc_event)                                                                                \
				lbc_count_lost(&name##__lbc);                                                          \
		} else {                                                                                               \
			__u32 lbc_zero = 0;                                                                            \
			struct name##__lbc_room *lbc_room = bpf_map_lookup_elem(&name##__lbc, &lbc_zero);              \
			if (lbc_room)                                                                                  \
				lbc_event = &lbc_room->event;                                                          \
		}                                                                                                      \
		lbc_event;                                                                                             \
	})

/* lbc_submit(ctx, name, event): send what lbc_reserve() gave. ctx is the program's context. */
#define lbc_submit(ctx, name, event_ptr)                                                                               \
	({                                                                                                             \
		if (lbc_has_ringbuf())                                                                                 \
			bpf_ringbuf_submit(event_ptr, 0);                                                              \
		else if (bpf_perf_event_output(ctx, &name, BPF_F_CURRENT_CPU, event_ptr, sizeof(*(event_ptr))))        \
			lbc_count_lost(&name##__lbc);                                                                  \
	})

/* lbc_discard(name, event): give the room back unused. */
#define lbc_discard(name, event_ptr)                                                                                   \
	({                                                                                                             \
		if (lbc_has_ringbuf())                                                                                 \
			bpf_ringbuf_discard(event_ptr, 0);                                                             \
	})

/* lbc_emit(ctx, name, &event): send a copy of an event that stands on the stack or in a map. */
#define lbc_emit(ctx, name, event_ptr)                                                                                 \
	({                                                                                                             \
		const typeof(((struct name##__lbc_room *)0)->event) *lbc_event = (event_ptr);                          \
		if (lbc_has_ringbuf() ? bpf_ringbuf_output(&name, (void *)lbc_event, sizeof(*lbc_event), 0)            \
				      : bpf_perf_event_output(ctx, &name, BPF_F_CURRENT_CPU, (void *)lbc_event,        \
							      sizeof(*lbc_event)))                                     \
			lbc_count_lost(&name##__lbc);                                                                  \
	})

#endif /* COOLBPF_LBC_H */
