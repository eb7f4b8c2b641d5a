// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* agent_turn.c - waiting, in the guest's process 1. See agent.h. */
#include "lab/agent.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"

enum {
	CHUNK = 8192,	     /* bytes of a stream in one frame: base64 makes 10.9 KB of them */
	PASS_NS = 100000000, /* what comes of a stream is passed on so late */
	READS = 16,	     /* at most so many from one stream in a turn: the others' turn comes */
	NOTE_MAX = 4096,
	FDS = PIPES + 4,
};

static const char *const stream_names[STREAMS] = {"out", "err", "work_out", "work_err", "kmsg"};

static void say_bytes(struct agent *a, int stream, const char *data, size_t len)
{
	for (size_t n; len; data += n, len -= n) {
		struct cb_buf text = {0};

		n = len < CHUNK ? len : CHUNK;
		cb_base64(&text, data, n);
		agent_say(a, json_pack("{ss ss ss}", "t", "data", "s", stream_names[stream], "d", cb_buf_cstr(&text)));
		cb_buf_free(&text);
	}
}

static void pass_rest(struct job *j, int i)
{
	struct cb_buf first = {0}, last = {0};
	uint64_t cut = cb_keep_rest(&j->stream[i].keep, &first, &last);

	say_bytes(j->a, i, first.data, first.len);
	if (cut)
		agent_say(j->a, json_pack("{ss ss sI}", "t", "cut", "s", stream_names[i], "n", (json_int_t)cut));
	say_bytes(j->a, i, last.data, last.len);
	cb_buf_free(&first);
	cb_buf_free(&last);
}

void agent_pass(struct job *j, bool all)
{
	for (int i = 0; i < STREAMS; i++) {
		size_t len;
		const char *data = cb_keep_pass(&j->stream[i].keep, &len);

		say_bytes(j->a, i, data, len);
		if (all)
			pass_rest(j, i);
	}
	j->next_pass = UINT64_MAX;
}

void agent_add(struct job *j, int i, const void *data, size_t len)
{
	cb_keep_add(&j->stream[i].keep, data, len);
	if (j->next_pass == UINT64_MAX)
		j->next_pass = agent_now() + PASS_NS;
}

static void read_stream(struct job *j, int i)
{
	struct stream *s = &j->stream[i];
	char chunk[CHUNK];
	ssize_t n = 0;

	for (int turn = 0; turn < READS && (n = read(s->fd, chunk, sizeof(chunk))) > 0; turn++)
		agent_add(j, i, chunk, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close(s->fd);
	s->fd = -1;
}

static void read_ready(struct job *j)
{
	char line[64];
	ssize_t n = read(j->ready_fd, line, sizeof(line));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && !j->ready) {
		j->ready = true;
		j->ready_ns = agent_now() - j->tool_start;
	}
	if (n <= 0) {
		close(j->ready_fd);
		j->ready_fd = -1;
	}
}

static void read_note(struct job *j)
{
	char chunk[512];
	ssize_t n = read(j->note_fd, chunk, sizeof(chunk));

	if (n > 0 && j->note.len < NOTE_MAX)
		cb_buf_add(&j->note, chunk, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close(j->note_fd);
	j->note_fd = -1;
}

/* Every process whose parent has ended is ours. */
static void reap(struct job *j)
{
	struct child *known[] = {&j->tool, &j->work, &j->helper};
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR))
		for (int i = 0; i < 3; i++)
			if (known[i]->pid == pid && !known[i]->ended) {
				known[i]->ended = true;
				known[i]->status = status;
			}
	j->a->alone = pid < 0;
}

static void beat(struct agent *a)
{
	uint64_t now = agent_now();

	if (now < a->next_beat)
		return;
	agent_say(a, json_pack("{ss}", "t", "beat"));
	a->next_beat = now + SECOND;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void agent_turn(struct job *j, uint64_t until)
{
	struct agent *a = j->a;
	struct pollfd p[FDS] = {
		{.fd = a->signals, .events = POLLIN},
		{.fd = a->kmsg, .events = POLLIN},
		{.fd = j->ready_fd, .events = POLLIN},
		{.fd = j->note_fd, .events = POLLIN},
	};
	uint64_t now = agent_now(), wake = earlier(earlier(until, a->next_beat), j->next_pass);
	char drop[1024];

	for (int i = 0; i < PIPES; i++)
		p[4 + i] = (struct pollfd){.fd = j->stream[i].fd, .events = POLLIN};
	poll(p, FDS, wake > now ? (int)((wake - now + 999999) / 1000000) : 0);
	if (p[0].revents)
		while (read(a->signals, drop, sizeof(drop)) > 0)
			;
	reap(j);
	if (p[1].revents)
		agent_read_kmsg(a, j);
	if (p[2].revents)
		read_ready(j);
	if (p[3].revents)
		read_note(j);
	for (int i = 0; i < PIPES; i++)
		if (p[4 + i].revents)
			read_stream(j, i);
	beat(a);
	if (agent_now() >= j->next_pass)
		agent_pass(j, false);
}

bool agent_ends(struct job *j, const struct child *c, uint64_t until)
{
	while (c->pid && !c->ended && agent_now() < until)
		agent_turn(j, until);
	return !c->pid || c->ended;
}

bool agent_drained(struct job *j, uint64_t until)
{
	for (;;) {
		int open = 0;

		for (int i = 0; i < PIPES; i++)
			open += j->stream[i].fd >= 0;
		if (!open || agent_now() >= until)
			return !open;
		agent_turn(j, until);
	}
}
