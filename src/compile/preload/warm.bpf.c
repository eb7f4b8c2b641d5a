// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * warm.bpf.c - what a zygote compiles first.
 *
 * A bit of all that a BPF program is made of, so that what other compiles will need is in memory. It includes nothing, and
 * what it does makes no sense.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE	  static inline __attribute__((always_inline))
#define READ(p, f)                                                                                                     \
	({                                                                                                             \
		typeof((p)->f) v;                                                                                      \
		probe_read(&v, sizeof(v), __builtin_preserve_access_index(&(p)->f));                                   \
		v;                                                                                                     \
	})

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list {
	struct list *next, *prev;
};
struct credentials {
	u32 uid, gid;
	struct list users;
};
struct task {
	volatile long state;
	int pid, tgid;
	unsigned flags : 3, kind : 5;
	struct credentials *cred;
	struct task *parent;
	char comm[16];
	union {
		u64 key;
		struct list children;
	};
};
#pragma clang attribute pop

enum kind { FIRST = 1, SECOND = 2, LAST = 1 << 30 };

struct event {
	u64 time;
	u32 pid, uid;
	enum kind kind;
	char comm[16];
	u64 slots[32];
};

struct {
	int (*type)[1];
	int (*max_entries)[1024];
	u32 *key;
	struct event *value;
} events SEC(".maps"), others SEC(".maps");

static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*probe_read)(void *to, u32 size, const void *from) = (void *)113;
static u64 (*now)(void) = (void *)5;
static long (*print)(const char *format, u32 size, ...) = (void *)6;

const volatile u64 least = 1000;
const volatile int wanted __attribute__((btf_decl_tag("warm"))) = -1;

INLINE u32 log2(u64 v)
{
	u32 shift, r;

	r = (v > 0xffffffff) << 5;
	v >>= r;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	return r | (u32)(v >> 1);
}

static __attribute__((noinline)) int fill(struct event *e, struct task *t, enum kind kind)
{
	struct credentials *cred;

	if (!e || !t)
		return -22;
	cred = READ(t, cred);
	e->time = now();
	e->pid = (u32)READ(t, pid);
	e->uid = READ(cred, uid);
	e->kind = kind;
	probe_read(e->comm, sizeof(e->comm), __builtin_preserve_access_index(&t->comm));
	if (__builtin_preserve_field_info(t->flags, 2))
		e->uid ^= (u32)__builtin_preserve_field_info(t->kind, 0);
	for (int i = 0; i < 16; i++)
		if (!e->comm[i])
			e->slots[i & 31] += log2(e->time);
	return 0;
}

INLINE int account(void *ctx, struct task *t, enum kind kind)
{
	static const char format[] = "warm %d %s\n";
	struct event fresh = {0}, *e;
	u32 key = (u32)READ(t, tgid);
	u64 delta;

	if (wanted >= 0 && key != (u32)wanted)
		return 0;
	e = lookup(&events, &key);
	if (!e) {
		fill(&fresh, t, kind);
		update(&events, &key, &fresh, 1);
		return 1;
	}
	delta = now() - e->time;
	if (delta < least)
		return 0;
	switch (kind) {
	case FIRST:
		__sync_fetch_and_add(&e->slots[log2(delta) & 31], 1);
		break;
	case SECOND:
		e->slots[0] = delta / 1000 % 77;
		break;
	default:
		print(format, sizeof(format), e->pid, e->comm);
	}
	asm volatile("%0 &= 31" : "+r"(key));
	return fill(e, READ(t, parent), LAST);
}

SEC("kprobe/warm_first") int first(u64 *ctx)
{
	return account(ctx, (struct task *)ctx[14], FIRST);
}

SEC("tracepoint/warm/second") int second(u64 *ctx)
{
	struct task *t = (struct task *)ctx[1];

	for (int depth = 0; depth < 4 && t; depth++) {
		account(ctx, t, SECOND);
		t = READ(t, parent);
	}
	return 0;
}

char license_[] SEC("license") = "GPL";
