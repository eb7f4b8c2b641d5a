/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * agent.h - the parts of the guest's process 1.
 *
 *   agent.c          mounts, port, one job after another, the reboot
 *   agent_turn.c     waiting: while it waits, it reads what there is to read, reaps, and says that it lives
 *   agent_job.c      a job from its beginning to its end
 *   agent_process.c  namespaces and cgroup of a job, a process in them, the end of all of them
 *   agent_kernel.c   what the kernel says and holds: messages, taint, modules, BPF programs, probes
 *   agent_state.c    what a job can change for all: sysctls, the network, ...
 *
 * Process 1 is the one process that a job cannot kill. It does nothing itself that may not come back; what may not (inserting
 * a module, mounting) is done by a child with a deadline.
 */
#ifndef CB_LAB_AGENT_H
#define CB_LAB_AGENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "lab/guest.h"
#include "lab/keep.h"

#define SECOND 1000000000ULL

enum {
	SPACES = 3,	/* mount, IPC, UTS */
	LEFT_KINDS = 3, /* BPF programs, maps, links */
	LEFT_FILES = 2, /* kprobe_events, uprobe_events */
	STATES = 5,	/* parts of what is held to be as it was */
};

struct agent {
	int port;    /* serial line to the host */
	int kmsg;    /* read, does not block */
	int signals; /* a signalfd for SIGCHLD */
	uint64_t next_beat;
	bool alone;	    /* there is no other process, as of the last turn */
	int own[SPACES];    /* namespaces of process 1 */
	char why[256];	    /* a new boot is wanted, and why; or "" */
	uint64_t memory;    /* bytes that the guest has */
	struct cb_buf line; /* a frame being written */
	uint64_t state[STATES];
	int64_t clock_offset; /* s, from CLOCK_MONOTONIC to the time of day */
};

struct child {
	pid_t pid; /* 0: not started */
	bool ended;
	int status;
};

enum { OUT, ERR, WORK_OUT, WORK_ERR, PIPES, KMSG = PIPES, STREAMS };

struct stream {
	int fd; /* -1: ended, or none */
	struct cb_keep keep;
};

/* What there is in the kernel and should not be more of behind a job. */
struct left {
	struct {
		uint32_t *id; /* ascending */
		size_t n;
	} kind[LEFT_KINDS];
	unsigned int probes[LEFT_FILES]; /* lines */
};

struct job {
	struct agent *a;
	const struct cb_lab_job *spec;
	uint64_t start, until; /* until: its timeout */
	int spaces[SPACES];    /* -1: none */
	int cgroup;	       /* its cgroup.procs, for writing; -1 */
	struct child tool, work, helper;
	struct stream stream[STREAMS];
	int ready_fd;
	bool ready;
	int note_fd; /* what the helper prints */
	struct cb_buf note;
	unsigned long taint;
	bool warned;
	struct left before;
	uint64_t tool_start, ready_ns;
	uint64_t next_pass; /* when streams are passed on to the host; UINT64_MAX: there is nothing */
	size_t inserted;    /* modules */
	enum cb_lab_end end;
	struct cb_err message;
	unsigned int left;
};

uint64_t agent_now(void);
/* A message to the host; takes the reference. */
void agent_say(struct agent *a, json_t *message);
/* A new boot is wanted behind this job: the first reason holds. */
void agent_wants_boot(struct agent *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- Waiting --------------------------------------------------------------------------------------------------------- */

/* Wait for something to happen, until a time at most (CLOCK_MONOTONIC). */
void agent_turn(struct job *j, uint64_t until);
/* Until it has ended; false: the time was over first. */
bool agent_ends(struct job *j, const struct child *c, uint64_t until);
/* Until the pipes of all streams are closed. */
bool agent_drained(struct job *j, uint64_t until);
/* Bytes of a stream that have come. */
void agent_add(struct job *j, int stream, const void *data, size_t len);
/* Whole lines of the streams to the host; the rest of all streams, at the end. */
void agent_pass(struct job *j, bool all);

/* ---- Processes ------------------------------------------------------------------------------------------------------- */

/* A kernel without cgroups does without these limits. */
void agent_make_cgroup(struct job *j);
/* 0, or -errno with j->message. */
int agent_make_room(struct job *j);
/* A process of the job's. argv[0] is searched in PATH. Streams: OUT and ERR, or WORK_OUT and WORK_ERR. */
int agent_start(struct job *j, struct child *c, const char *const *argv, int out);
/* A child of the agent's own that does what may hang: what it prints is in j->note. Returns its exit status; 128 + signal; -1:
 * it did not end in time (or could not be started). */
int agent_help(struct job *j, int (*fn)(struct job *j, const void *arg), const void *arg, uint64_t timeout);
/* Kill everything that the job has started, and wait; a process that cannot be killed wants a new boot. */
void agent_kill_all(struct job *j);
void agent_drop_room(struct job *j);

/* ---- Kernel ---------------------------------------------------------------------------------------------------------- */

/* Messages that came since the last time: those of warning level and worse go to the job's stream (j NULL: to nobody). */
void agent_read_kmsg(struct agent *a, struct job *j);
/* The last ones of a job. */
void agent_end_kmsg(struct job *j);
unsigned long agent_taint(void);
/* Has the kernel become tainted by a crash or warning since the job began? Sets j->warned; after a crash a new boot is wanted. */
void agent_check_taint(struct job *j);
int agent_insert_modules(struct job *j);
void agent_remove_modules(struct job *j);
void agent_count(struct left *l);
/* How many are there that were not before? Waits for what the kernel frees late. The job's message names some. */
unsigned int agent_left(struct job *j);
void agent_left_free(struct left *l);

/* ---- State ----------------------------------------------------------------------------------------------------------- */

/* How things are before the first job. */
void agent_note_state(struct agent *a);
/* Behind a job: put back what can be; a new boot is wanted for what cannot. */
void agent_check_state(struct job *j);

void agent_run_job(struct agent *a, const struct cb_lab_job *spec, size_t index);

#endif
