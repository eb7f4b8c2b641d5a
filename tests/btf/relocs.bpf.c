// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * relocs.bpf.c - one program per way of asking about kernel types; -DCASE_name chooses. test_minimise.c relocates each
 * against whole and minimised BTF. They are never run: some of them would not pass the verifier.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define RELOC __attribute__((preserve_access_index))

#ifdef CASE_fields
struct mm_struct {
	unsigned long total_vm;
	int map_count;
} RELOC;
struct task_struct {
	int prio;
	int tgid;
	int pid;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	char comm[16];
} RELOC;

static long ask(struct task_struct *t)
{
	char comm[16];

	BPF_CORE_READ_STR_INTO(&comm, t, comm);
	return BPF_CORE_READ(t, pid) + BPF_CORE_READ(t, real_parent, tgid) + BPF_CORE_READ(t, mm, total_vm) +
	       BPF_CORE_READ(t, mm, map_count) + comm[0];
}
#endif

#ifdef CASE_direct
/* loads and stores whose size libbpf adapts, too */
struct sk_buff {
	unsigned int len, data_len;
	__u16 mac_len, protocol;
	__u64 tstamp;
	unsigned char *head;
	unsigned int end;
} RELOC;
struct page {
	unsigned int flags; /* the kernel's is a long */
} RELOC;

static long ask(struct sk_buff *skb)
{
	struct page *p = (void *)skb->head;

	skb->data_len = 5;
	return skb->len + skb->mac_len + skb->protocol + skb->tstamp + skb->end + p->flags;
}
#endif

#ifdef CASE_bitfields
struct task_struct {
	unsigned in_execve : 1;
	unsigned sched_reset_on_fork : 1;
	unsigned in_iowait : 1;
	unsigned no_such_bit : 2;
} RELOC;
struct tcp_sock {
	__u8 nonagle : 4, repair : 1;
	__u32 snd_cwnd;
} RELOC;
struct iphdr {
	__u8 ihl : 4, version : 4;
} RELOC;

static long ask(struct task_struct *t)
{
	struct tcp_sock *tp = (void *)t;
	long r = BPF_CORE_READ_BITFIELD_PROBED(t, in_execve) + BPF_CORE_READ_BITFIELD_PROBED(t, sched_reset_on_fork) +
		 BPF_CORE_READ_BITFIELD(t, in_iowait) + BPF_CORE_READ_BITFIELD_PROBED(tp, nonagle) +
		 BPF_CORE_READ_BITFIELD(tp, repair) + BPF_CORE_READ_BITFIELD((struct iphdr *)t, version);

	if (bpf_core_field_exists(t->no_such_bit))
		r += BPF_CORE_READ_BITFIELD_PROBED(t, no_such_bit);
	return r;
}
#endif

#ifdef CASE_enums
enum pid_type { PIDTYPE_PID, PIDTYPE_PGID, PIDTYPE_NOT_THERE };
enum zone_type___mine { ZONE_NORMAL = 77, __MAX_NR_ZONES };
typedef enum {
	ISOLATE_ABORT,
	ISOLATE_SUCCESS,
} isolate_migrate_t;
enum bpf_map_type___flavour { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_RINGBUF___other = 3 };
enum no_such_enum { NOTHING = 1 };

static long ask(void *p)
{
	long r = bpf_core_enum_value(enum pid_type, PIDTYPE_PGID);

	if (bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NOT_THERE))
		r += bpf_core_enum_value(enum pid_type, PIDTYPE_NOT_THERE);
	if (bpf_core_enum_value_exists(enum no_such_enum, NOTHING))
		r += bpf_core_enum_value(enum no_such_enum, NOTHING);
	if (bpf_core_enum_value_exists(enum bpf_map_type___flavour, BPF_MAP_TYPE_RINGBUF___other))
		r += 1000 * bpf_core_enum_value(enum bpf_map_type___flavour, BPF_MAP_TYPE_RINGBUF___other);
	return r + 10 * bpf_core_enum_value(enum zone_type___mine, ZONE_NORMAL) +
	       100 * bpf_core_enum_value(enum zone_type___mine, __MAX_NR_ZONES) +
	       bpf_core_enum_value_exists(isolate_migrate_t, ISOLATE_SUCCESS);
}
#endif

#ifdef CASE_exists
struct task_struct {
	int pid;
	long state;
	unsigned int __state;
	int no_such_field;
} RELOC;
struct no_such_struct {
	int x;
} RELOC;
struct bpf_ringbuf___lbc {
	int unused;
} RELOC;
union thread_union {
	int x;
} RELOC;
enum pid_type { PIDTYPE_PID };
typedef struct {
	int counter;
} atomic_t;
typedef unsigned int gfp_t;
typedef int no_such_typedef;
struct atomic_t {
	int not_a_typedef_there;
};

static long ask(struct task_struct *t)
{
	return bpf_core_field_exists(t->state) << 0 | bpf_core_field_exists(t->__state) << 1 |
	       bpf_core_field_exists(t->no_such_field) << 2 | bpf_core_type_exists(struct no_such_struct) << 3 |
	       bpf_core_type_exists(struct bpf_ringbuf___lbc) << 4 | bpf_core_type_exists(union thread_union) << 5 |
	       bpf_core_type_exists(enum pid_type) << 6 | bpf_core_type_exists(atomic_t) << 7 |
	       bpf_core_type_exists(gfp_t) << 8 | bpf_core_type_exists(no_such_typedef) << 9 |
	       bpf_core_type_exists(struct atomic_t) << 10 | bpf_core_field_exists(struct no_such_struct, x) << 11;
}
#endif

#ifdef CASE_sizes
struct task_struct {
	char comm[16];
	void *stack;
} RELOC;
struct list_head {
	int x;
} RELOC;
struct no_such_struct {
	int x;
} RELOC;
union sigval {
	int x;
} RELOC;
enum pid_type { PIDTYPE_PID };
typedef struct {
	int counter;
} atomic_t;
typedef int pid_t;

static long ask(struct task_struct *t)
{
	return bpf_core_type_size(struct task_struct) + bpf_core_type_size(struct list_head) * 3 +
	       bpf_core_type_size(struct no_such_struct) * 5 + bpf_core_type_size(union sigval) * 7 +
	       bpf_core_type_size(enum pid_type) * 11 + bpf_core_type_size(atomic_t) * 13 +
	       bpf_core_type_size(pid_t) * 17 + bpf_core_field_size(t->comm) * 19 + bpf_core_field_size(t->stack);
}
#endif

#ifdef CASE_flavours
struct task_struct___old {
	long state;
	int pid;
} RELOC;
struct task_struct___new {
	unsigned int __state;
	int tgid;
} RELOC;
struct task_struct {
	int prio;
} RELOC;

static long ask(struct task_struct *t)
{
	struct task_struct___old *old = (void *)t;
	struct task_struct___new *new = (void *)t;

	if (bpf_core_field_exists(old->state))
		return BPF_CORE_READ(old, state) + BPF_CORE_READ(old, pid);
	return BPF_CORE_READ(new, __state) + BPF_CORE_READ(new, tgid) + BPF_CORE_READ(t, prio);
}
#endif

#ifdef CASE_nested
struct load_weight {
	unsigned long weight;
	__u32 inv_weight;
} RELOC;
struct sched_entity {
	struct load_weight load;
	__u64 vruntime;
} RELOC;
struct task_struct {
	struct sched_entity se;
} RELOC;
struct sock_common {
	__u32 skc_daddr; /* inside anonymous unions of anonymous structs in the kernel */
	__u16 skc_dport;
	unsigned short skc_family;
} RELOC;
struct sock {
	struct sock_common __sk_common;
	int sk_rcvbuf;
} RELOC;
struct inet_sock {
	struct sock sk;
	__u16 inet_sport;
} RELOC;

static long ask(struct task_struct *t)
{
	struct inet_sock *i = (void *)t;

	return BPF_CORE_READ(t, se.load.weight) + BPF_CORE_READ(t, se.load.inv_weight) + BPF_CORE_READ(t, se.vruntime) +
	       BPF_CORE_READ(i, sk.__sk_common.skc_daddr) + BPF_CORE_READ(i, sk.__sk_common.skc_dport) +
	       BPF_CORE_READ(i, sk.__sk_common.skc_family) + BPF_CORE_READ(i, sk.sk_rcvbuf) +
	       BPF_CORE_READ(i, inet_sport);
}
#endif

#ifdef CASE_arrays
struct upid {
	int nr;
} RELOC;
struct pid {
	unsigned int level;
	struct upid numbers[1]; /* without an end, whatever its length in the kernel */
} RELOC;
struct task_struct {
	char comm[16];
} RELOC;
struct mem_cgroup_per_node;
struct cgroup_bpf {
	__u32 flags[20];
} RELOC;
struct bio_vec {
	unsigned int bv_len;
} RELOC;
struct bio {
	struct bio_vec bi_inline_vecs[1];
} RELOC;
struct zone {
	unsigned long _watermark[3];
	long lowmem_reserve[3];
} RELOC;

static long ask(struct task_struct *t)
{
	struct pid *p = (void *)t;
	struct zone *z = (void *)t;
	struct bio_vec *v = (void *)t;
	int inside;

	bpf_core_read(&inside, sizeof(inside), &p->numbers[4].nr);
	return BPF_CORE_READ(t, comm[3]) + BPF_CORE_READ(z, _watermark[1]) + BPF_CORE_READ(z, lowmem_reserve[2]) +
	       inside + BPF_CORE_READ(&v[2], bv_len) + bpf_core_field_size(z->lowmem_reserve) +
	       bpf_core_field_exists(z->_watermark[2]);
}
#endif

#ifdef CASE_unions
struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__u16 u6_addr16[8];
		__u32 u6_addr32[4];
	} in6_u;
} RELOC;
struct sock_common {
	struct in6_addr skc_v6_daddr;
} RELOC;
typedef struct {
	int val;
} kuid_t;
struct cred {
	kuid_t uid;
} RELOC;
union bpf_attr {
	struct {
		__u32 map_type;
		__u32 key_size;
	};
	__u32 test_state;
} RELOC;

static long ask(struct sock_common *c)
{
	union bpf_attr *a = (void *)c;

	return BPF_CORE_READ(c, skc_v6_daddr.in6_u.u6_addr32[1]) + BPF_CORE_READ(c, skc_v6_daddr.in6_u.u6_addr8[7]) +
	       BPF_CORE_READ((struct cred *)c, uid.val) + BPF_CORE_READ(a, key_size);
}
#endif

#ifdef CASE_typedefs
typedef struct {
	unsigned long pgd;
} RELOC pgd_t;
typedef struct {
	__s64 counter;
} RELOC atomic64_t;
typedef struct {
	int sequence;
} RELOC seqcount_t;
typedef struct qspinlock___mine {
	int val;
} RELOC arch_spinlock_t;
struct qspinlock___mine2 {
	int locked;
} RELOC;

static long ask(pgd_t *p)
{
	return BPF_CORE_READ(p, pgd) + BPF_CORE_READ((atomic64_t *)p, counter) +
	       bpf_core_field_exists(seqcount_t, sequence) + bpf_core_type_size(arch_spinlock_t) +
	       bpf_core_field_exists(struct qspinlock___mine2, locked);
}
#endif

#ifdef CASE_missing
/* what no kernel has, without asking first: libbpf poisons these instructions */
struct task_struct {
	int no_such_field, pid;
} RELOC;

static long ask(struct task_struct *t)
{
	if (BPF_CORE_READ(t, pid))
		return BPF_CORE_READ(t, no_such_field);
	return 0;
}
#endif

#if defined(CASE_ambiguous) || defined(CASE_contradiction)
/* test_minimise.c makes BTF in which these have several answers */
struct twins_same {
	int b;
} RELOC;
struct twins_differ {
	int b;
} RELOC;
struct flavoured___here {
	int b;
} RELOC;
enum twin_enum { TWIN_VALUE };

static long ask(struct twins_same *s)
{
	long r = BPF_CORE_READ(s, b) + BPF_CORE_READ((struct flavoured___here *)s, b) +
		 bpf_core_enum_value(enum twin_enum, TWIN_VALUE);
#ifdef CASE_contradiction
	r += BPF_CORE_READ((struct twins_differ *)s, b);
#endif
	return r;
}
#endif

/* From here: what minimising leaves to the whole BTF, or has nothing to do with. */

#ifdef CASE_whole_id
struct task_struct {
	int pid;
} RELOC;

static long ask(struct task_struct *t)
{
	return bpf_core_type_id_kernel(struct task_struct);
}
#endif

#ifdef CASE_whole_pointer
typedef int (*initcall_t)(void);

static long ask(void *p)
{
	return bpf_core_type_exists(initcall_t);
}
#endif

#ifdef CASE_local
struct mine {
	int pid;
};

static long ask(void *p)
{
	return bpf_core_type_id_local(struct mine);
}
#endif

#ifdef CASE_none
static long ask(void *p)
{
	return 3;
}
#endif

/* a section name that test_minimise.c has a handler for */
SEC("relocs")
int program(void *ctx)
{
	return ask(ctx);
}

char _license[] SEC("license") = "GPL";
