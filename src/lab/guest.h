/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * guest.h - one boot of a kernel in qemu, and the jobs that are run in it, one after another.
 *
 * The guest has no disk and no network: everything is in its initramfs, two uncompressed cpio archives one after the other (a
 * base: busybox, bash, coolbpf as init; and what the jobs need). It answers by lines over a serial port. Nothing of it is
 * left on the host, whatever ends it: the archives are memory files, and qemu dies with the thread that started it.
 *
 * Between the jobs of a guest everything is put back: a job's processes (all of them, in whatever session or cgroup), its mounts,
 * its files, its modules. Where that cannot be done (a process that cannot be killed, BPF programs left behind, a damaged kernel)
 * the guest asks for a new boot. A job sees the guest's processes and network as they are, because the tools that are tried look
 * at the whole machine: a process id in a script is that which BPF programs see.
 *
 * Not thread-safe; any number of guests may be driven by one thread: poll() cb_lab_guest_fd() of each, until
 * cb_lab_guest_deadline(), then cb_lab_guest_step().
 */
#ifndef CB_LAB_GUEST_H
#define CB_LAB_GUEST_H

#include "base/err.h"
#include "lab/kernel.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What is put into the guest. One of host, link, data. */
struct cb_lab_file {
	const char *path; /* in the guest, absolute: "/lab/7/target" */
	/* a file of the host's; a program that is linked dynamically brings its libraries and loader */
	const char *host;
	const char *link; /* or a symbolic link to this */
	const void *data; /* or these bytes */
	size_t len;
	mode_t mode; /* 0: 0644, or that of host */
};

struct cb_lab_job {
	const char *name;
	/* what is under test, NULL at the end; "coolbpf" is the guest's own; run in dir */
	const char *const *argv;
	const char *dir;      /* in the guest, where its files are: "/lab/7" */
	bool ready;	      /* argv is a "coolbpf run": the workload waits until it says that it is attached */
	const char *workload; /* text for the guest's sh, in dir; NULL: none */
	uint64_t duration;    /* ns: how long argv runs, or the workload at most, if there is one; 0: no limit */
	uint64_t settle;      /* ns: between the workload's end and the SIGINT that ends argv */
	uint64_t timeout; /* ns: for all of it, 0: 60 s; the guest ends it, and the host if the guest does not answer */
	uint64_t memory;  /* bytes, for all its processes; 0: all but what the agent and the kernel need */
	uint64_t output;  /* bytes kept of each stream (the first, and the last); 0: 256 KiB */
	unsigned int processes; /* at most so many at a time; 0: 256 */
	/* modules to insert first, files of the guest (NAME.ko for the module NAME), in order, NULL at the end; removed behind it.
	 * NULL: none */
	const char *const *insmod;
	bool no_ebpf; /* bpf(2) gives ENOSYS to everything in it */
	bool veth;    /* a pair of interfaces: lab0 10.77.0.1/24, and lab1 10.77.0.2/24 in the namespace "peer" */
};

struct cb_lab_text {
	char *s; /* malloc'd, zero at its end (and perhaps within) */
	size_t len;
	uint64_t cut; /* bytes that were left out in the middle */
};

enum cb_lab_end {
	CB_LAB_ENDED,	/* by itself, or by our SIGINT: status holds */
	CB_LAB_TIMEOUT, /* it did not end in its time and was killed, the guest goes on */
	CB_LAB_HANG,	/* the guest itself did not answer any more */
	CB_LAB_PANIC,	/* the kernel panicked, or rebooted by itself */
	CB_LAB_SETUP,	/* the agent could not set it up: message */
	CB_LAB_NOT_RUN, /* the guest ended before its turn */
};

struct cb_lab_outcome {
	enum cb_lab_end end;
	int status;		     /* of wait(2) */
	struct cb_lab_text out, err; /* of argv */
	struct cb_lab_text work_out, work_err;
	int work_status;	 /* of wait(2); -1: it has none, or did not run */
	struct cb_lab_text kmsg; /* kernel messages of warning level and worse meanwhile, one a line */
	bool warned;	   /* among them is a WARNING, BUG, Oops or the like, or the kernel became tainted by one */
	unsigned int left; /* BPF programs, links and probes that are there behind it and were not before it */
	char *message;	   /* why, where end is not CB_LAB_ENDED; some of what is left, where it is; or NULL */
	char *console;	   /* the console's last lines, where the guest was lost; else NULL */
	uint64_t ready_ns, total_ns; /* from its start, by the guest's clock; ready 0: it never was */
};
void cb_lab_outcome_free(struct cb_lab_outcome *o);

struct cb_lab_guest_opts {
	/* program of the guest's architecture, static if possible; NULL: found, this one or a static one beside it */
	const char *coolbpf;
	const char *busybox; /* static, NULL: found */
	const char *append;  /* to the kernel's command line, or NULL */
	const struct cb_lab_file *files;
	size_t n_files;
	const struct cb_lab_job *jobs;
	size_t n_jobs;
	unsigned int cpus;     /* 0: 2 */
	uint64_t memory;       /* bytes, 0: 1 GiB */
	uint64_t boot_timeout; /* ns, 0: 60 s (10 s with KVM, behind which it is booted without) */
	bool no_kvm;
	/* called out of cb_lab_guest_step(); the outcome is the callee's from then on */
	void (*begun)(void *ctx, size_t job);
	void (*ended)(void *ctx, size_t job, struct cb_lab_outcome *o);
	void *ctx;
};

enum cb_lab_guest_state {
	CB_LAB_GUEST_RUNS,
	CB_LAB_GUEST_DONE, /* every job has its outcome, or the guest asked for a new boot (remaining jobs: NOT_RUN) */
	CB_LAB_GUEST_LOST, /* panic or hang: the job in hand has its outcome, those behind it: NOT_RUN */
	CB_LAB_GUEST_NO_BOOT, /* no job was begun: why in cb_lab_guest_why() */
};

/* Start qemu. k, opts and all that they point to live until cb_lab_guest_free(). NULL with errno and a message: ENOENT no qemu, or
 * no coolbpf, busybox or bash for the guest; EFBIG an initramfs that is too large; ... */
struct cb_lab_guest *cb_lab_guest_start(const struct cb_lab_kernel *k, const struct cb_lab_guest_opts *opts,
					struct cb_err *e);
int cb_lab_guest_fd(const struct cb_lab_guest *g);
uint64_t cb_lab_guest_deadline(const struct cb_lab_guest *g); /* CLOCK_MONOTONIC, ns */
enum cb_lab_guest_state cb_lab_guest_step(struct cb_lab_guest *g);
/* One sentence, behind it what qemu said and the console's last lines; "" while it runs. As the guest said it: escape it. */
const char *cb_lab_guest_why(const struct cb_lab_guest *g);
/* From qemu's start to the agent's first line; 0: not yet. */
uint64_t cb_lab_guest_boot_ns(const struct cb_lab_guest *g);
bool cb_lab_guest_kvm(const struct cb_lab_guest *g);
void cb_lab_guest_free(struct cb_lab_guest *g); /* kills it if it runs */

/* The guest's side: process 1. Never returns. */
int cb_lab_agent(void);

#endif
