// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * odd.bpf.c - one program per way of using a kernel's types. test_slice_same.c cuts out one case after the other, and
 * compiles each against the whole vmlinux.h and against its slice, of kernels from 3.10 on. They are never run.
 */
#include "lbc.h"

#ifdef CASE_bitfields
static long ask(struct task_struct *t)
{
	struct tcp_sock *tp = (void *)t;

	return BPF_CORE_READ_BITFIELD_PROBED(t, in_execve) + BPF_CORE_READ_BITFIELD(t, sched_reset_on_fork) +
	       BPF_CORE_READ_BITFIELD_PROBED(tp, nonagle) + BPF_CORE_READ_BITFIELD((struct iphdr *)t, version);
}
#endif

#ifdef CASE_enums
static long ask(struct task_struct *t)
{
	enum pid_type which = BPF_CORE_READ(t, prio);
	long r = bpf_core_enum_value(enum pid_type, PIDTYPE_PGID);

	if (bpf_core_enum_value_exists(enum pid_type, PIDTYPE_SID))
		r += 100 * bpf_core_enum_value(enum zone_type, ZONE_NORMAL);
	if (which == PIDTYPE_PID)
		r += TCP_ESTABLISHED + TCP_SYN_SENT;
	return r + (which < PIDTYPE_MAX ? sizeof(enum zone_type) : IPPROTO_TCP);
}
#endif

#ifdef CASE_unions
static long ask(struct sock *sk)
{
	struct page *p = (void *)sk;
	struct inet_sock *i = (void *)sk;

	return BPF_CORE_READ(sk, __sk_common.skc_daddr) + BPF_CORE_READ(sk, __sk_common.skc_portpair) +
	       BPF_CORE_READ(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[1]) + (long)BPF_CORE_READ(p, mapping) +
	       BPF_CORE_READ(p, mapping, host, i_ino) + (long)&i->sk.__sk_common.skc_bound_dev_if;
}
#endif

#ifdef CASE_arrays
static long ask(struct task_struct *t)
{
	struct pid *pid = (void *)t;
	struct files_struct *files = BPF_CORE_READ(t, files);
	struct zone *z = (void *)t;
	struct file **fds = BPF_CORE_READ(files, fdt, fd);
	struct file *third;

	bpf_core_read(&third, sizeof(third), &fds[3]);
	return BPF_CORE_READ(t, comm[3]) + BPF_CORE_READ(pid, numbers[0].nr) +
	       BPF_CORE_READ(pid, numbers[0].ns, level) + BPF_CORE_READ(z, lowmem_reserve[2]) +
	       BPF_CORE_READ(third, f_path.dentry, d_name.name) + bpf_core_field_size(t->comm) +
	       (long)BPF_CORE_READ(files, fd_array[2], f_op);
}
#endif

#ifdef CASE_functions
static long ask(struct file *f)
{
	struct work_struct *w = (void *)f;
	struct timer_list *timer = (void *)f;
	const struct file_operations *ops = BPF_CORE_READ(f, f_op);
	work_func_t func = BPF_CORE_READ(w, func);

	return func == (void *)1 ? 5 : (long)BPF_CORE_READ(ops, llseek) + (long)BPF_CORE_READ(timer, function);
}
#endif

#ifdef CASE_percpu
static long ask(struct net *n)
{
	struct net_device *dev = (void *)n;
	struct mount *m = (void *)n;
	struct kmem_cache *c = (void *)n;

	return (long)BPF_CORE_READ(n, mib.tcp_statistics) + (long)BPF_CORE_READ(m, mnt_pcp) +
	       (long)BPF_CORE_READ(c, cpu_slab) + BPF_CORE_READ(dev, ifindex);
}
#endif

#ifdef CASE_flavours
struct task_struct___old {
	long state;
	int pid;
} __attribute__((preserve_access_index));
struct task_struct___new {
	unsigned int __state;
	int tgid;
} __attribute__((preserve_access_index));

static long ask(struct task_struct *t)
{
	struct task_struct___old *old = (void *)t;
	struct task_struct___new *new = (void *)t;

	if (bpf_core_field_exists(old->state))
		return BPF_CORE_READ(old, state) + BPF_CORE_READ(old, pid);
	return BPF_CORE_READ(new, __state) + BPF_CORE_READ(new, tgid) + BPF_CORE_READ(t, prio);
}
#endif

#ifdef CASE_missing
struct no_such_struct {
	int x;
} __attribute__((preserve_access_index));
struct nor_this;

static long ask(struct nor_this *t)
{
	return bpf_core_field_exists(struct no_such_struct, x) + bpf_core_type_exists(struct no_such_struct) +
	       bpf_core_type_size(struct no_such_struct) + (t == (void *)7);
}
#endif

#ifdef CASE_container
#define container_of(p, type, member) ((type *)((void *)(p) - __builtin_offsetof(type, member)))

static long ask(struct sock *sk)
{
	struct tcp_sock *tp = container_of(sk, struct tcp_sock, inet_conn.icsk_inet.sk);
	struct list_head *l = (void *)sk;
	struct task_struct *t = container_of(l, struct task_struct, tasks);

	return BPF_CORE_READ(tp, snd_una) + BPF_CORE_READ(t, tgid) + BPF_CORE_READ(tp, inet_conn.icsk_ca_ops, name[0]);
}
#endif

#ifdef CASE_types
static long ask(struct dentry *d)
{
	return bpf_core_type_exists(struct task_struct) + bpf_core_type_size(struct mm_struct) * 3 +
	       bpf_core_type_id_kernel(struct file) + bpf_core_type_exists(kuid_t) +
	       bpf_core_type_size(union thread_union) + bpf_core_type_exists(enum pid_type) +
	       sizeof(struct task_struct) + _Alignof(struct inode) + sizeof(*d);
}
#endif

#ifdef CASE_matches /* clang 15 and newer know it */
static long ask(struct dentry *d)
{
	return bpf_core_type_matches(struct task_struct) + bpf_core_type_matches(struct dentry);
}
#endif

#ifdef CASE_values
struct own {
	struct sockaddr_in address;
	struct list_head list;
	kuid_t uid;
	spinlock_t lock;
};
LBC_HASH(by_address, struct in6_addr, struct sockaddr_in6, 64);
LBC_ARRAY(owns, int, struct own, 1);
LBC_EVENTS(paths, struct path, 4096);
struct rb_node node;
const volatile struct iphdr header = {.version = 4};

static long ask(struct in6_addr *a)
{
	struct sockaddr_in6 *s = bpf_map_lookup_elem(&by_address, a);
	struct list_head copy;
	int zero = 0;
	struct own *o = bpf_map_lookup_elem(&owns, &zero);
	struct path path;

	bpf_core_read(&copy, sizeof(copy), &((struct task_struct *)a)->tasks);
	path = _(((struct file *)a)->f_path);
	if (o)
		o->list = copy;
	return (s ? s->sin6_port : 0) + header.ihl + (long)_(path.dentry->d_parent) + (node.rb_left == 0);
}
#endif

#ifdef CASE_macros
#define HOP(p, f)      BPF_CORE_READ(p, f, flags)
#define MEMBER(p, ...) BPF_CORE_READ(p, __VA_ARGS__)
#define TWICE(p)       (MEMBER(p, mm, pgd) == MEMBER(p, active_mm, pgd))

static long ask(struct task_struct *t)
{
	return HOP(t, group_leader) + TWICE(t) + MEMBER(t, signal, tty, count);
}
#endif

#ifdef CASE_glue
#define COMMON(sk, f) BPF_CORE_READ(sk, __sk_common.skc_##f)
#define TAGGED(name)  struct name

static long ask(TAGGED(sock) * sk)
{
	TAGGED(inode) *i = (void *)sk;

	return COMMON(sk, daddr) + COMMON(sk, family) + COMMON(sk, state) + BPF_CORE_READ(i, i_sb, s_dev);
}
#endif

#ifdef CASE_typedefs
static long ask(kuid_t *uid)
{
	atomic_t *a = (void *)uid;
	pgd_t *pgd = (void *)uid;
	gfp_t flags = a->counter;
	pid_t *pids = (void *)uid;
	seqcount_t *seq = (void *)uid;
	dev_t dev = BPF_CORE_READ((struct inode *)uid, i_rdev);

	return BPF_CORE_READ(uid, val) + flags + BPF_CORE_READ(pgd, pgd) + _(pids[2]) + BPF_CORE_READ(seq, sequence) +
	       dev;
}
#endif

#ifdef CASE_direct
static long ask(struct task_struct *t)
{
	struct sk_buff *skb = (void *)t->mm;

	if (!t->real_parent)
		skb->priority = 5;
	return t->mm->total_vm + t->real_parent->tgid + t->se.load.weight + t->cred->uid.val + skb->len +
	       skb->dev->ifindex + t->signal->rlim[2].rlim_cur + t->comm[1];
}
#endif

#ifdef CASE_helpers /* types that only libbpf's headers name */
static long ask(void *p)
{
	return bpf_get_current_task_btf()->pid + bpf_get_current_task_btf()->mm->map_count;
}
#endif

#ifdef CASE_registers
static long ask(struct pt_regs *regs)
{
	return PT_REGS_PARM1(regs) + PT_REGS_PARM2_CORE(regs) * 3 + PT_REGS_RC(regs) + PT_REGS_IP_CORE(regs) +
	       PT_REGS_SP(regs) + PT_REGS_PARM4_CORE_SYSCALL(regs) + PT_REGS_FP(regs);
}
SEC("kprobe/a")
int BPF_KPROBE(entry, struct file *f, int b, long c, unsigned short d, char *e)
{
	return BPF_CORE_READ(f, f_flags) + b + c + d + *e;
}
SEC("kretprobe/a")
int BPF_KRETPROBE(leave, long ret)
{
	return ret;
}
SEC("fexit/a")
int BPF_PROG(both, struct socket *s, struct sock *sk, int ret)
{
	return s->sk == sk ? ret : (int)s->flags;
}
#endif

#ifdef CASE_operations
static long ask(struct sock *sk)
{
	return 0;
}
SEC("struct_ops/ssthresh")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd / 2;
}
SEC(".struct_ops")
struct tcp_congestion_ops ops = {
	.ssthresh = (void *)ssthresh,
	.name = "odd",
};
#endif

#ifdef CASE_iterator /* of kernels that have it */
static long ask(void *p)
{
	return 0;
}
SEC("iter/task")
int each(struct bpf_iter__task *ctx)
{
	return ctx->task ? ctx->task->tgid + (long)ctx->meta->seq->count : 0;
}
#endif

#ifdef CASE_extern
extern struct rq runqueues __ksym;
extern int LINUX_KERNEL_VERSION __kconfig;

static long ask(void *p)
{
	struct rq *rq = bpf_per_cpu_ptr(&runqueues, 0);

	return rq ? rq->nr_running + (rq->curr ? rq->curr->pid : 0) + LINUX_KERNEL_VERSION : 0;
}
#endif

#ifdef CASE_deep
static long ask(struct task_struct *t)
{
	return BPF_CORE_READ(t, mm, exe_file, f_path.dentry, d_inode, i_sb, s_root, d_name.len) +
	       BPF_CORE_READ(t, nsproxy, pid_ns_for_children, ns.inum) + BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id) +
	       BPF_CORE_READ(t, signal, tty, driver, num);
}
#endif

#ifdef CASE_none
static long ask(void *p)
{
	return 0;
}
#endif

SEC("raw_tp/odd")
int odd(void *ctx)
{
	return ask(*(void **)ctx);
}

char LICENSE[] SEC("license") = "GPL";
