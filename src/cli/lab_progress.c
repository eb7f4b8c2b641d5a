// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * lab_progress.c - see lab_progress.h. On a terminal the guests' lines stand below all others: they are taken away before
 * another line is printed, and drawn again behind it.
 */
#include "cli/lab_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lab/report.h"
#include "output/plan.h"

enum { NARROW = 80, DRAW_MS = 250 };

struct guest {
	size_t column, tests, done;
	const char *test; /* in hand, or NULL */
	bool up;
	uint64_t since; /* of the test, or of the boot */
	struct guest *next;
};

struct lab_progress {
	const struct cb_lab_result *r;
	bool verbose, tty;
	char note[200]; /* what is done before the first guest, or "" */
	struct guest *guests;
	unsigned int drawn; /* lines */
	uint64_t drawn_at;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- Lines ----------------------------------------------------------------------------------------------------------- */

static void erase(struct lab_progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

static unsigned int columns(void)
{
	struct winsize size;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : NARROW;
}

/* Names of files, and what a guest has said, come to a terminal here. */
static void put_text(struct cb_buf *out, const char *text)
{
	cb_text_people(text, strlen(text), out);
}

static void put_guest(const struct lab_progress *p, const struct guest *g, struct cb_buf *out)
{
	cb_buf_printf(out, "%-18s ", p->r->columns[g->column].name);
	if (!g->up)
		cb_buf_str(out, "boots");
	else if (g->test)
		cb_buf_printf(out, "%zu/%zu %s", g->done + 1, g->tests, g->test);
	else
		cb_buf_printf(out, "%zu/%zu", g->done, g->tests);
	cb_buf_str(out, "  ");
	cb_lab_put_time(out, now_ns() - g->since);
}

static void draw(struct lab_progress *p)
{
	unsigned int wide = columns();

	erase(p);
	for (const struct guest *g = p->guests; g; g = g->next) {
		struct cb_buf text = {0}, line = {0};

		put_guest(p, g, &text);
		put_text(&line, cb_buf_cstr(&text));
		cb_buf_free(&text);
		fprintf(stderr, "\033[2m%.*s\033[0m\n", (int)(line.len < wide ? line.len : wide - 1),
			cb_buf_cstr(&line));
		cb_buf_free(&line);
		p->drawn++;
	}
	if (!p->guests && *p->note) {
		fprintf(stderr, "\033[2m%.*s\033[0m\n", (int)wide - 1, p->note);
		p->drawn++;
	}
	fflush(stderr);
	p->drawn_at = now_ns();
}

/* A line that stays. */
static void say(struct lab_progress *p, struct cb_buf *line)
{
	if (p->tty)
		erase(p);
	fprintf(stderr, "%s\n", cb_buf_cstr(line));
	cb_buf_free(line);
	if (p->tty)
		draw(p);
}

/* ---- What happens ---------------------------------------------------------------------------------------------------- */

static struct guest *find(struct lab_progress *p, size_t column)
{
	for (struct guest *g = p->guests; g; g = g->next)
		if (g->column == column)
			return g;
	return NULL;
}

static void on_note(void *ctx, const char *text)
{
	struct lab_progress *p = ctx;
	struct cb_buf line = {0};

	if (p->verbose) {
		cb_buf_str(&line, "coolbpf: ");
		put_text(&line, text);
		say(p, &line);
	} else if (p->tty) {
		put_text(&line, text);
		snprintf(p->note, sizeof(p->note), "%s", cb_buf_cstr(&line));
		cb_buf_free(&line);
		draw(p);
	}
}

static void on_boots(void *ctx, size_t column, size_t tests)
{
	struct lab_progress *p = ctx;
	struct guest *g = calloc(1, sizeof(*g)), **at = &p->guests;

	if (!g) /* it is only not seen */
		return;
	*p->note = '\0';
	*g = (struct guest){.column = column, .tests = tests, .since = now_ns()};
	while (*at)
		at = &(*at)->next;
	*at = g;
	if (p->tty)
		draw(p);
}

static void on_up(void *ctx, size_t column, uint64_t boot_ns, bool kvm)
{
	struct lab_progress *p = ctx;
	struct guest *g = find(p, column);
	struct cb_buf line = {0};

	if (g) {
		g->up = true;
		g->since = now_ns();
	}
	if (!p->verbose)
		return;
	cb_buf_str(&line, "coolbpf: ");
	put_text(&line, p->r->columns[column].name);
	cb_buf_printf(&line, " (%s) has booted in ", p->r->columns[column].release);
	cb_lab_put_time(&line, boot_ns);
	if (kvm)
		cb_buf_str(&line, " by KVM");
	say(p, &line);
}

static void on_begun(void *ctx, size_t column, size_t row)
{
	struct lab_progress *p = ctx;
	struct guest *g = find(p, column);

	if (!g)
		return;
	g->test = p->r->rows[row].name;
	g->since = now_ns();
	if (p->tty)
		draw(p);
}

static void on_ended(void *ctx, size_t column, size_t row)
{
	struct lab_progress *p = ctx;
	const struct cb_lab_cell *c = cb_lab_cell_at(p->r, row, column);
	struct guest *g = find(p, column);
	struct cb_buf line = {0}, reason = {0};

	if (g) {
		g->test = NULL;
		g->done++;
		g->since = now_ns();
	}
	put_text(&line, p->r->columns[column].name);
	cb_buf_str(&line, ": ");
	put_text(&line, p->r->rows[row].name);
	cb_buf_str(&line, ": ");
	if (c->verdict == CB_LAB_FAIL) {
		cb_buf_str(&line, p->tty ? "\033[31mFAIL\033[0m " : "FAIL ");
		cb_lab_put_reason(&reason, c);
		put_text(&line, cb_buf_cstr(&reason));
	} else {
		cb_buf_str(&line, p->tty ? "\033[32mok\033[0m " : "ok ");
		cb_lab_put_time(&line, c->ns);
	}
	cb_buf_free(&reason);
	say(p, &line);
}

static void on_down(void *ctx, size_t column)
{
	struct lab_progress *p = ctx;
	struct guest **at = &p->guests, *g;

	while (*at && (*at)->column != column)
		at = &(*at)->next;
	g = *at;
	if (!g)
		return;
	*at = g->next;
	free(g);
	if (p->tty)
		draw(p);
}

static void on_tick(void *ctx)
{
	struct lab_progress *p = ctx;

	if (p->tty && now_ns() - p->drawn_at > DRAW_MS * 1000000ULL)
		draw(p);
}

/* ---- Its life -------------------------------------------------------------------------------------------------------- */

struct lab_progress *lab_progress_new(const struct cb_lab_result *result, bool verbose)
{
	struct lab_progress *p = calloc(1, sizeof(*p));
	const char *term = getenv("TERM");

	if (p)
		*p = (struct lab_progress){
			.r = result, .verbose = verbose, .tty = isatty(STDERR_FILENO) && term && strcmp(term, "dumb")};
	return p;
}

struct cb_lab_watch lab_progress_watch(struct lab_progress *p)
{
	return (struct cb_lab_watch){.ctx = p,
				     .note = on_note,
				     .boots = on_boots,
				     .up = on_up,
				     .begun = on_begun,
				     .ended = on_ended,
				     .down = on_down,
				     .tick = on_tick};
}

void lab_progress_free(struct lab_progress *p)
{
	if (!p)
		return;
	if (p->tty)
		erase(p);
	while (p->guests) {
		struct guest *next = p->guests->next;

		free(p->guests);
		p->guests = next;
	}
	free(p);
}
