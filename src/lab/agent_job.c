// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* agent_job.c - a job from its beginning to its end, in the guest. See agent.h. */
#include "lab/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TIMEOUT_SECONDS = 60,	  /* where a job says nothing */
	OUTPUT_BYTES = 256 << 10, /* where a job says nothing */
	KMSG_BYTES = 64 << 10,
	GRACE_SECONDS = 15, /* from the SIGINT to the SIGKILL */
	ARGV_MAX = 4096,
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void pass_time(struct job *j, uint64_t until)
{
	while (agent_now() < until)
		agent_turn(j, until);
}

/* "coolbpf run ...": "coolbpf run --ready 3 ...". */
static int start_tool(struct job *j)
{
	const char *const *argv = j->spec->argv;
	const char **with;
	size_t n = 0;
	int err;

	if (!j->spec->ready)
		return agent_start(j, &j->tool, argv, OUT);
	while (argv[n])
		n++;
	with = calloc(n + 3, sizeof(*with));
	if (!with)
		return cb_fail(&j->message, ENOMEM, "out of memory");
	memcpy(with, argv, 2 * sizeof(*with));
	with[2] = "--ready";
	with[3] = "3";
	memcpy(with + 4, argv + 2, (n - 1) * sizeof(*with));
	err = agent_start(j, &j->tool, with, OUT);
	free(with);
	return err;
}

static int timed_out(struct job *j, const char *what)
{
	j->end = CB_LAB_TIMEOUT;
	return cb_fail(&j->message, ETIMEDOUT, "%s", what);
}

static int run_workload(struct job *j)
{
	const char *const argv[] = {"sh", "-e", "-c", j->spec->workload, "workload", NULL};
	uint64_t until = j->spec->duration ? earlier(agent_now() + j->spec->duration, j->until) : j->until;
	int err = agent_start(j, &j->work, argv, WORK_OUT);

	if (err || agent_ends(j, &j->work, until))
		return err;
	kill(-j->work.pid, SIGKILL);
	kill(j->work.pid, SIGKILL);
	agent_ends(j, &j->work, agent_now() + SECOND);
	return until == j->until ? timed_out(j, "the workload did not end in its time") : 0;
}

/* The tool has had its time: SIGINT, and SIGKILL if that is of no use. */
static int end_tool(struct job *j)
{
	if (j->tool.ended)
		return 0;
	if (agent_now() >= j->until)
		return timed_out(j, j->spec->ready && !j->ready ? "it was not ready in its time"
								: "it did not end in its time");
	kill(j->tool.pid, SIGINT);
	if (agent_ends(j, &j->tool, agent_now() + GRACE_SECONDS * SECOND))
		return 0;
	return timed_out(j, "SIGINT did not end it");
}

static int run_tool(struct job *j)
{
	const struct cb_lab_job *s = j->spec;
	int err;

	j->tool_start = agent_now();
	err = start_tool(j);
	while (!err && s->ready && !j->ready && !j->tool.ended && agent_now() < j->until)
		agent_turn(j, j->until);
	if (!err && s->workload && (j->ready || !s->ready) && agent_now() < j->until) {
		err = run_workload(j);
		if (!err && !j->tool.ended)
			pass_time(j, earlier(agent_now() + s->settle, j->until));
	} else if (!err && !s->workload) {
		agent_ends(j, &j->tool, s->duration ? earlier(agent_now() + s->duration, j->until) : j->until);
	}
	return err ? err : end_tool(j);
}

static void begin(struct job *j, struct agent *a, const struct cb_lab_job *spec)
{
	*j = (struct job){.a = a, .spec = spec, .cgroup = -1, .ready_fd = -1, .note_fd = -1, .next_pass = UINT64_MAX};
	for (int i = 0; i < SPACES; i++)
		j->spaces[i] = -1;
	for (int i = 0; i < STREAMS; i++) {
		j->stream[i].fd = -1;
		j->stream[i].keep.limit = i == KMSG ? KMSG_BYTES : spec->output ? spec->output : OUTPUT_BYTES;
	}
	j->start = agent_now();
	j->until = j->start + (spec->timeout ? spec->timeout : TIMEOUT_SECONDS * SECOND);
	j->taint = agent_taint();
	agent_count(&j->before);
}

static void clean_up(struct job *j)
{
	agent_kill_all(j);
	/* what still holds a stream is none of the job's processes */
	agent_drained(j, agent_now() + SECOND);
	agent_drop_room(j);
	agent_remove_modules(j);
	j->left = agent_left(j);
	if (j->left)
		agent_wants_boot(j->a, "%u BPF programs, maps, links or probes are left behind %s", j->left,
				 j->spec->name);
	agent_check_state(j);
	agent_end_kmsg(j);
	agent_check_taint(j);
}

static const char *end_word(enum cb_lab_end end)
{
	return end == CB_LAB_ENDED ? "ended" : end == CB_LAB_TIMEOUT ? "timeout" : "setup";
}

static void report(struct job *j, size_t index, uint64_t total)
{
	json_t *end;

	agent_pass(j, true);
	end = json_pack("{ss sI ss si si si sb sI sI}", "t", "end", "job", (json_int_t)index, "end", end_word(j->end),
			"status", j->tool.status, "work", j->work.ended ? j->work.status : -1, "left", (int)j->left,
			"warned", j->warned, "ready", (json_int_t)j->ready_ns, "total", (json_int_t)total);
	if (*j->message.text)
		json_object_set_new(end, "message", json_string(j->message.text));
	agent_say(j->a, end);
}

static void release(struct job *j)
{
	for (int i = 0; i < STREAMS; i++) {
		if (j->stream[i].fd >= 0)
			close(j->stream[i].fd);
		cb_keep_free(&j->stream[i].keep);
	}
	if (j->ready_fd >= 0)
		close(j->ready_fd);
	cb_buf_free(&j->note);
	agent_left_free(&j->before);
}

void agent_run_job(struct agent *a, const struct cb_lab_job *spec, size_t index)
{
	uint64_t total;
	struct job j;

	begin(&j, a, spec);
	j.end = CB_LAB_SETUP;
	agent_make_cgroup(&j);
	if (!agent_insert_modules(&j) && !agent_make_room(&j)) {
		j.end = CB_LAB_ENDED;
		if (run_tool(&j) && j.end != CB_LAB_TIMEOUT)
			j.end = CB_LAB_SETUP;
	}
	total = agent_now() - j.start;
	clean_up(&j);
	report(&j, index, total);
	release(&j);
}
