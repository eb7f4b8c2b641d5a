// SPDX-License-Identifier: GPL-2.0
/*
 * oomkill - processes that the kernel kills because memory has run out: who asked for memory, who had to go.
 *
 * The task that runs is the one whose request could not be met; the victim is another, or the same. mark_oom_victim() is
 * called once for each victim, whether the machine or a cgroup ran out. Its trace point mark_victim gave only the
 * victim's number until 6.7, and gives the task since; the function has always been given the task, and the one that
 * calls it has had the task as its first argument or in oom_control.
 *
 * A process's size is counted by mm_struct in pages, in an array whose element type has changed in 6.2.
 */
#include "lbc.h"

LBC_ABOUT("Show processes killed because memory ran out: trigger, victim, size");

struct oom_kill {
	lbc_time_t time;
	__u32 trigger_pid;
	lbc_comm_t trigger;
	__u32 victim_pid;
	lbc_comm_t victim;
	__u32 uid;
	__s32 score_adj; /* the victim's /proc/PID/oom_score_adj */
	__u64 pages;	 /* of the victim in memory: the sum of the next three */
	__u64 anonymous;
	__u64 file;
	__u64 shared;
	__u64 mapped;	 /* its whole address space */
	char cgroup[64]; /* the last part of its memory cgroup's path */
};

LBC_EVENTS(kills, struct oom_kill, 64 * 1024);

/* Where mm_struct counts pages: until 6.1 numbers, since then per-CPU counters, of which the common part is read as the
 * kernel's own message does. */
struct mm_rss_stat___old {
	atomic_long_t count[4];
} __attribute__((preserve_access_index));

struct mm_struct___old {
	struct mm_rss_stat___old rss_stat;
} __attribute__((preserve_access_index));

struct percpu_counter___new {
	__s64 count;
} __attribute__((preserve_access_index));

struct mm_struct___new {
	struct percpu_counter___new rss_stat[4];
} __attribute__((preserve_access_index));

/* Indexes of the counters: include/linux/mm_types_task.h. */
enum { FILE_PAGES, ANON_PAGES, SWAP_ENTRIES, SHMEM_PAGES };

/* A macro, for a relocation needs a constant index. Shared pages are counted by themselves since 4.5. */
#define pages_of(mm, which)                                                                                            \
	({                                                                                                             \
		struct mm_struct___new *now = (void *)(mm);                                                            \
		struct mm_struct___old *then = (void *)(mm);                                                           \
		__s64 n = 0;                                                                                           \
		if (!bpf_core_type_exists(struct mm_rss_stat___old))                                                   \
			n = _(now->rss_stat[which].count);                                                             \
		else if (bpf_core_field_exists(then->rss_stat.count[which]))                                           \
			n = _(then->rss_stat.count[which].counter);                                                    \
		n > 0 ? (__u64)n : 0;                                                                                  \
	})

/* The name of a cgroup stands in its kernfs node since 3.15, and its place in css_set depends on the configuration. */
enum cgroup_subsys_id___any { memory_cgrp_id___any };

struct kernfs_node___any {
	const char *name;
} __attribute__((preserve_access_index));

struct cgroup___any {
	struct kernfs_node___any *kn;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state___any {
	struct cgroup___any *cgroup;
} __attribute__((preserve_access_index));

struct css_set___any {
	struct cgroup_subsys_state___any *subsys[1];
} __attribute__((preserve_access_index));

struct task_struct___cgroups {
	struct css_set___any *cgroups;
} __attribute__((preserve_access_index));

static __always_inline void read_cgroup(struct task_struct *task, char *name, __u32 size)
{
	struct task_struct___cgroups *t = (void *)task;
	struct cgroup_subsys_state___any *css, **all;

	name[0] = '\0';
	if (!bpf_core_field_exists(((struct cgroup___any *)0)->kn) ||
	    !bpf_core_enum_value_exists(enum cgroup_subsys_id___any, memory_cgrp_id___any))
		return;
	all = (void *)_(t->cgroups) + bpf_core_field_offset(struct css_set___any, subsys);
	css = NULL;
	bpf_probe_read_kernel(&css, sizeof(css),
			      all + bpf_core_enum_value(enum cgroup_subsys_id___any, memory_cgrp_id___any));
	bpf_probe_read_kernel_str(name, size, BPF_CORE_READ(css, cgroup, kn, name));
}

static __always_inline void describe(struct oom_kill *e, struct task_struct *victim)
{
	struct mm_struct *mm = _(victim->mm);

	e->victim_pid = _(victim->tgid);
	bpf_core_read(e->victim, sizeof(e->victim), &victim->comm);
	e->uid = BPF_CORE_READ(victim, cred, uid.val);
	e->score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
	e->anonymous = pages_of(mm, ANON_PAGES);
	e->file = pages_of(mm, FILE_PAGES);
	e->shared = pages_of(mm, SHMEM_PAGES);
	e->pages = e->anonymous + e->file + e->shared;
	e->mapped = _(mm->total_vm);
	read_cgroup(victim, e->cgroup, sizeof(e->cgroup));
}

/* victim may be NULL where only its number is known. */
static __always_inline int on_victim(void *ctx, struct task_struct *victim, __u32 pid)
{
	struct oom_kill *e = lbc_reserve(kills);

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_ns();
	e->trigger_pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->trigger, sizeof(e->trigger));
	e->victim_pid = pid;
	if (victim)
		describe(e, victim);
	lbc_submit(ctx, kills, e);
	return 0;
}

/* A victim that needs memory on its way out comes by again, and is not killed twice. What mark_oom_victim() leaves in it is there
 * since 4.9. */
struct signal_struct___oom {
	struct mm_struct *oom_mm;
} __attribute__((preserve_access_index));

static __always_inline bool is_new(struct task_struct *victim)
{
	struct signal_struct___oom *signal = (void *)_(victim->signal);

	return !bpf_core_field_exists(signal->oom_mm) || !_(signal->oom_mm);
}

LBC_ALTERNATIVE("victim")
SEC("fentry/mark_oom_victim")
int BPF_PROG(victim_fentry, struct task_struct *victim)
{
	return is_new(victim) ? on_victim(ctx, victim, 0) : 0;
}

LBC_ALTERNATIVE("victim")
SEC("kprobe/mark_oom_victim|mark_tsk_oom_victim")
int BPF_KPROBE(victim_kprobe, struct task_struct *victim)
{
	return is_new(victim) ? on_victim(ctx, victim, 0) : 0;
}

/* Where the compiler has inlined it, its caller: its first argument was the victim once, and is oom_control since 4.2. */
struct oom_control___chosen {
	struct task_struct *chosen;
} __attribute__((preserve_access_index));

LBC_ALTERNATIVE("victim")
SEC("kprobe/oom_kill_process")
int BPF_KPROBE(victim_caller, void *first)
{
	struct oom_control___chosen *control = first;
	struct task_struct *victim = bpf_core_field_exists(control->chosen) ? _(control->chosen) : first;

	return is_new(victim) ? on_victim(ctx, victim, 0) : 0;
}

/* The record of the trace point has the victim's uid since the trace point has the task. */
struct trace_event_raw_mark_victim___task {
	unsigned int uid;
} __attribute__((preserve_access_index));

LBC_ALTERNATIVE("victim")
SEC("raw_tp/mark_victim")
int victim_raw(unsigned long long *ctx)
{
	if (bpf_core_field_exists(((struct trace_event_raw_mark_victim___task *)0)->uid))
		return on_victim(ctx, (struct task_struct *)ctx[0], 0);
	return on_victim(ctx, NULL, ctx[0]);
}

struct mark_victim {
	__u64 common;
	int pid;
};

LBC_ALTERNATIVE("victim")
SEC("tracepoint/oom/mark_victim")
int victim_tracepoint(struct mark_victim *ctx)
{
	return on_victim(ctx, NULL, ctx->pid);
}

char LICENSE[] SEC("license") = "GPL";
