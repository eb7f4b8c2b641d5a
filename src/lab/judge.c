// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * judge.c - see judge.h. What is asked first explains what would be asked later: of a tool that did not load nobody wonders
 * that it saw nothing. Of each failure there is one kind and one sentence; the notes have all that was seen.
 */
#include "lab/judge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lab/expect.h"
#include "lab/tap.h"

enum {
	TAIL = 4000, /* bytes of an output that go to the details, from its end */
	LINE = 300,
};

/* ---- Notes ----------------------------------------------------------------------------------------------------- */

/* The end of a text, from the begin of a line on. */
static void note_tail(struct cb_lab_cell *cell, const char *title, const char *text, size_t len)
{
	size_t from = len > TAIL ? len - TAIL : 0;

	while (from && from < len && text[from - 1] != '\n')
		from++;
	if (len)
		cb_lab_cell_note(cell, title, text + from, len - from);
}

static void note_text(struct cb_lab_cell *cell, const char *title, const struct cb_lab_text *text)
{
	note_tail(cell, title, text->s, text->len);
}

static void note_all(const struct cb_lab_test *t, const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	if (t->kind == CB_LAB_COMMAND)
		note_text(cell, "output", &o->out);
	note_text(cell, "standard error", &o->err);
	note_text(cell, "workload's output", &o->work_out);
	note_text(cell, "workload's standard error", &o->work_err);
	note_text(cell, "kernel messages", &o->kmsg);
	if (o->console)
		note_tail(cell, "console", o->console, strlen(o->console));
}

/* ---- How it ended ---------------------------------------------------------------------------------------------- */

static bool line_with(const char *text, size_t len, const char *what, const char **line, size_t *line_len)
{
	size_t n = strlen(what);

	for (size_t at = 0; at < len;) {
		const char *stop = memchr(text + at, '\n', len - at);
		size_t k = stop ? (size_t)(stop - text) - at : len - at;

		if (memmem(text + at, k, what, n)) {
			*line = text + at;
			*line_len = k < LINE ? k : LINE;
			return true;
		}
		at += k + 1;
	}
	return false;
}

/* The line of the console that says why the kernel died, or else the message. */
static void fail_lost(const struct cb_lab_outcome *o, enum cb_lab_why why, struct cb_lab_cell *cell)
{
	static const char *const signs[] = {"Kernel panic - ", "BUG: ", "Oops: ", "rcu: INFO: "};
	const char *line;
	size_t len;

	for (size_t i = 0; o->console && i < sizeof(signs) / sizeof(*signs); i++)
		if (line_with(o->console, strlen(o->console), signs[i], &line, &len)) {
			/* the kernel's clock stands before it */
			const char *text = *line == '[' ? memchr(line, ']', len) : NULL;
			size_t skip = text ? (size_t)(text - line) + 1 : 0;

			skip += skip < len && line[skip] == ' ';
			cb_lab_cell_fail(cell, why, "%.*s", (int)(len - skip), line + skip);
			return;
		}
	cb_lab_cell_fail(cell, why, "%s", o->message ? o->message : "the guest was lost");
}

static void judge_end(const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	const char *message = o->message ? o->message : "";

	switch (o->end) {
	case CB_LAB_PANIC:
		fail_lost(o, CB_LAB_WHY_CRASH, cell);
		break;
	case CB_LAB_HANG:
		fail_lost(o, CB_LAB_WHY_HANG, cell);
		break;
	case CB_LAB_TIMEOUT:
		cb_lab_cell_fail(cell, CB_LAB_WHY_TIMEOUT, "%s", *message ? message : "it did not end in its time");
		break;
	case CB_LAB_SETUP:
		cb_lab_cell_fail(cell, strstr(message, "insert the module ") ? CB_LAB_WHY_MODULE : CB_LAB_WHY_SETUP,
				 "%s", message);
		break;
	default:
		break;
	}
}

/* ---- Kernel warnings ------------------------------------------------------------------------------------------- */

static bool is_warning(const char *line, size_t len)
{
	static const char *const signs[] = {"WARNING: ",
					    "BUG: ",
					    "BUG at ",
					    "Oops",
					    "general protection",
					    "INFO: ",
					    "UBSAN: ",
					    "Unable to handle kernel",
					    "panic"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (memmem(line, len, signs[i], strlen(signs[i])))
			return true;
	return false;
}

static bool is_allowed(const struct cb_lab_test *t, const char *text, size_t len)
{
	for (size_t i = 0; i < t->allowed.n; i++)
		if (memmem(text, len, t->allowed.w[i], strlen(t->allowed.w[i])))
			return true;
	return false;
}

/* The first warning that the test does not allow; where no line looks like one (the kernel became tainted), the first
 * line. False: all are allowed. */
static bool first_warning(const struct cb_lab_test *t, const struct cb_lab_text *kmsg, const char **line, size_t *len)
{
	bool any = false;

	for (size_t at = 0; at < kmsg->len;) {
		const char *s = kmsg->s + at, *stop = memchr(s, '\n', kmsg->len - at);
		size_t n = stop ? (size_t)(stop - s) : kmsg->len - at;

		at += n + 1;
		if (!is_warning(s, n))
			continue;
		any = true;
		if (!is_allowed(t, s, n)) {
			*line = s;
			*len = n < LINE ? n : LINE;
			return true;
		}
	}
	if (any || (kmsg->len && is_allowed(t, kmsg->s, kmsg->len)))
		return false;
	*line = kmsg->len ? kmsg->s : "the kernel became tainted";
	*len = strcspn(*line, "\n");
	return true;
}

static void judge_warning(const struct cb_lab_test *t, const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	const char *line;
	size_t len;

	if (o->warned && first_warning(t, &o->kmsg, &line, &len))
		cb_lab_cell_fail(cell, CB_LAB_WHY_WARNING, "%.*s", (int)len, line);
}

/* ---- Exit status ----------------------------------------------------------------------------------------------- */

/* What "coolbpf run" says when a tool cannot run here (runtime/load.c, choose.c, links.c); tests/lab/test_judge.c holds each
 * of these against the real thing. */
static const struct {
	const char *text;
	enum cb_lab_why why;
} refusals[] = {
	{"the kernel's verifier refuses program ", CB_LAB_WHY_REFUSED},
	{": this kernel has none of its hooks", CB_LAB_WHY_NO_HOOK},
	{": this kernel has none of the alternatives ", CB_LAB_WHY_NO_HOOK},
	{"this kernel's BTF has no ", CB_LAB_WHY_NO_HOOK},
	{"coolbpf: cannot attach program ", CB_LAB_WHY_NO_HOOK},
	{"coolbpf: cannot load ", CB_LAB_WHY_REFUSED},
};

static enum cb_lab_why refusal(const struct cb_lab_text *err, const char **line, size_t *len)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (line_with(err->s, err->len, refusals[i].text, line, len))
			return refusals[i].why;
	if (!line_with(err->s, err->len, "coolbpf: ", line, len))
		*len = 0;
	return CB_LAB_WHY_EXIT;
}

/* A line that ends in a colon tells the reason in the next one. */
static void fail_refused(struct cb_lab_cell *cell, enum cb_lab_why why, const char *line, size_t len,
			 const struct cb_lab_text *err)
{
	const char *end = err->s + err->len, *next = line + len + 1;

	if (line[len - 1] != ':' || next >= end) {
		cb_lab_cell_fail(cell, why, "%.*s", (int)len, line);
		return;
	}
	while (next < end && *next == ' ')
		next++;
	cb_lab_cell_fail(cell, why, "%.*s %.*s", (int)len, line, (int)strcspn(next, "\n"), next);
}

static void put_status(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit status %d", WEXITSTATUS(status));
}

/* A tool that could not run; or any exit status but 0 where the test says nothing of it. */
static void judge_exit(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o,
		       struct cb_lab_cell *cell)
{
	static const char prefix[] = "coolbpf: ";
	enum cb_lab_why why = CB_LAB_WHY_EXIT;
	const char *line = "";
	size_t len = 0;
	char status[80];

	if (!o->status || cb_lab_expects(t, on, CB_LAB_EXIT))
		return;
	if (t->kind == CB_LAB_TAP && WIFEXITED(o->status)) /* as many as failed: judge_tap() */
		return;
	if (t->kind == CB_LAB_RUN)
		why = refusal(&o->err, &line, &len);
	if (len > sizeof(prefix) && !strncmp(line, prefix, sizeof(prefix) - 1)) {
		line += sizeof(prefix) - 1;
		len -= sizeof(prefix) - 1;
	}
	put_status(o->status, status, sizeof(status));
	if (why == CB_LAB_WHY_EXIT)
		cb_lab_cell_fail(cell, why, "%s%s%.*s", status, len ? ": " : "", (int)len, line);
	else
		fail_refused(cell, why, line, len, &o->err);
}

static void judge_workload(const struct cb_lab_test *t, const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	const char *line = "";
	char status[80];

	if (o->work_status <= 0)
		return;
	/* the guest does that */
	if (o->work_status == SIGKILL && t->duration && o->total_ns >= t->duration)
		cb_lab_cell_fail(cell, CB_LAB_WHY_WORKLOAD,
				 "it was not over after %.3g seconds (duration) and was killed",
				 (double)t->duration / 1e9);
	put_status(o->work_status, status, sizeof(status));
	if (o->work_err.len) {
		size_t end = o->work_err.len - (o->work_err.s[o->work_err.len - 1] == '\n'), begin = end;

		while (begin && o->work_err.s[begin - 1] != '\n')
			begin--;
		line = o->work_err.s + begin;
		cb_lab_cell_fail(cell, CB_LAB_WHY_WORKLOAD, "%s: %.*s", status,
				 (int)(end - begin < LINE ? end - begin : LINE), line);
	}
	cb_lab_cell_fail(cell, CB_LAB_WHY_WORKLOAD, "%s%s", status,
			 WIFSIGNALED(o->work_status) && WTERMSIG(o->work_status) == SIGKILL
				 ? "; a workload that is not done when the test's duration is over is killed"
				 : "");
}

/* ---- What was seen --------------------------------------------------------------------------------------------- */

static void judge_expectations(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o,
			       struct cb_lab_cell *cell)
{
	struct cb_lab_found found;
	int err = cb_lab_expect(t, on, o, &found);

	if (err)
		cb_lab_cell_fail(cell, CB_LAB_WHY_VALUE, "out of memory");
	if (err || !found.why)
		return;
	if (found.why == CB_LAB_WHY_EXIT && t->kind == CB_LAB_RUN && o->status) {
		const char *line;
		size_t len;
		enum cb_lab_why why = refusal(&o->err, &line, &len);

		if (why != CB_LAB_WHY_EXIT)
			cb_lab_cell_fail(cell, why, "%.*s", (int)len, line);
	}
	/* a first sentence may have lines of details behind it */
	cb_buf_cstr(&found.first);
	cb_lab_cell_fail(cell, found.why, "%.*s", (int)strcspn(cb_buf_cstr(&found.first), "\n"),
			 cb_buf_cstr(&found.first));
	cb_lab_cell_note(cell, "expectations that do not hold", found.details.data, found.details.len);
	cb_lab_found_free(&found);
}

static void judge_tap(const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	struct cb_lab_tap tap;
	char status[80];

	if (cb_lab_tap_read(&tap, o->out.s, o->out.len)) {
		cb_lab_cell_fail(cell, CB_LAB_WHY_NOT_OK, "out of memory");
		return;
	}
	put_status(o->status, status, sizeof(status));
	for (size_t i = 0; i < tap.n; i++)
		if (!tap.results[i].ok && !tap.results[i].skip)
			cb_lab_cell_fail(cell, CB_LAB_WHY_NOT_OK, "%zu of %zu: %s", tap.bad, tap.n,
					 tap.results[i].name);
	if (!tap.n && !(tap.has_plan && !tap.planned))
		cb_lab_cell_fail(cell, CB_LAB_WHY_NOT_OK, "it printed no result (%s)", status);
	else if (tap.n < tap.planned)
		cb_lab_cell_fail(cell, CB_LAB_WHY_NOT_OK, "%lu tests planned, %zu ended (%s)", tap.planned, tap.n,
				 status);
	else if (o->status && !tap.bad)
		cb_lab_cell_fail(cell, CB_LAB_WHY_EXIT, "%s, although no result is \"not ok\"", status);
	if (cell->verdict == CB_LAB_FAIL)
		note_text(cell, "output", &o->out);
	cell->inner = tap.results;
	cell->n_inner = tap.n;
}

static void judge_left(const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	if (o->left)
		cb_lab_cell_fail(cell, CB_LAB_WHY_LEFT,
				 "%u BPF programs, maps, links or probes are still there behind it%s%s", o->left,
				 o->end == CB_LAB_ENDED && o->message ? ": " : "",
				 o->end == CB_LAB_ENDED && o->message ? o->message : "");
}

void cb_lab_judge(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o, struct cb_lab_cell *cell)
{
	cell->ns = o->total_ns;
	judge_end(o, cell);
	judge_warning(t, o, cell);
	if (o->end == CB_LAB_ENDED || o->end == CB_LAB_TIMEOUT) {
		judge_exit(t, on, o, cell);
		judge_workload(t, o, cell);
		if (cell->why != CB_LAB_WHY_REFUSED && cell->why != CB_LAB_WHY_NO_HOOK) /* it saw nothing, of course */
			judge_expectations(t, on, o, cell);
		if (t->kind == CB_LAB_TAP)
			judge_tap(o, cell);
		judge_left(o, cell);
	}
	if (cell->verdict == CB_LAB_FAIL)
		note_all(t, o, cell);
	else
		cell->verdict = CB_LAB_PASS;
}
