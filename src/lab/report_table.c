// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* report_table.c - the matrix for a terminal, then each failure with all that is known of it, then what was skipped. */
#include "lab/report.h"

#include <string.h>

#include "output/plan.h"

struct table {
	const struct cb_lab_result *r;
	struct cb_buf *out;
	bool colours;
	size_t columns; /* of the terminal, 0: any number */
};

enum { GREEN = 32, RED = 31, YELLOW = 33, GREY = 90, BOLD = 1 };

static void put(struct table *t, int colour, const char *text, size_t width)
{
	size_t columns = cb_columns(text, strlen(text));

	if (t->colours && colour)
		cb_buf_printf(t->out, "\033[%dm", colour);
	cb_text_people(text, strlen(text), t->out);
	if (t->colours && colour)
		cb_buf_str(t->out, "\033[0m");
	for (; columns < width; columns++)
		cb_buf_ch(t->out, ' ');
}

static int colour_of(const struct cb_lab_cell *c)
{
	static const int colours[] = {
		[CB_LAB_OPEN] = GREY, [CB_LAB_PASS] = GREEN, [CB_LAB_SKIP] = YELLOW, [CB_LAB_FAIL] = RED};

	return colours[c->verdict];
}

/* "ok 1.2s", "skip", "FAIL no event 2.0s", "-" */
static void cell_text(const struct cb_lab_cell *c, struct cb_buf *out)
{
	switch (c->verdict) {
	case CB_LAB_PASS:
		cb_buf_str(out, "ok ");
		cb_lab_put_time(out, c->ns);
		break;
	case CB_LAB_SKIP:
		cb_buf_str(out, "skip");
		break;
	case CB_LAB_FAIL:
		cb_buf_printf(out, "FAIL %s", cb_lab_why_text(c->why));
		break;
	default:
		cb_buf_ch(out, '-');
	}
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t column_width(const struct cb_lab_result *r, size_t column)
{
	const struct cb_lab_column *c = &r->columns[column];
	size_t width = larger(strlen(c->name), strlen(c->release));
	struct cb_buf text = {0};

	for (size_t i = 0; i < r->n_rows; i++) {
		text.len = 0;
		cell_text(cb_lab_cell_at(r, i, column), &text);
		width = larger(width, text.len);
	}
	cb_buf_free(&text);
	return width;
}

/* A piece of the matrix: the kernels from..to, behind the names of the tests. */
struct piece {
	size_t names, from, to;
};

static void put_heads(struct table *t, const struct piece *p)
{
	for (int line = 0; line < 2; line++) {
		put(t, 0, line ? "" : "test", p->names);
		for (size_t i = p->from; i < p->to; i++) {
			const struct cb_lab_column *c = &t->r->columns[i];

			cb_buf_str(t->out, "  ");
			put(t, line ? GREY : BOLD, line ? c->release : c->name,
			    i + 1 == p->to ? 0 : column_width(t->r, i));
		}
		cb_buf_ch(t->out, '\n');
	}
}

static void put_row(struct table *t, const struct piece *p, size_t row)
{
	struct cb_buf text = {0};

	put(t, 0, t->r->rows[row].name, p->names);
	for (size_t i = p->from; i < p->to; i++) {
		const struct cb_lab_cell *c = cb_lab_cell_at(t->r, row, i);

		text.len = 0;
		cell_text(c, &text);
		cb_buf_str(t->out, "  ");
		put(t, colour_of(c), cb_buf_cstr(&text), i + 1 == p->to ? 0 : column_width(t->r, i));
	}
	cb_buf_ch(t->out, '\n');
	t->out->failed |= text.failed;
	cb_buf_free(&text);
}

/* As many kernels as fit, one at least. */
static size_t piece_end(const struct table *t, const struct piece *p)
{
	size_t to = p->from, width = p->names;

	do
		width += 2 + column_width(t->r, to++);
	while (to < t->r->n_columns && (!t->columns || width + 2 + column_width(t->r, to) <= t->columns));
	return to;
}

static void put_matrix(struct table *t)
{
	struct piece p = {.names = 4};

	for (size_t i = 0; i < t->r->n_rows; i++)
		p.names = larger(p.names, cb_columns(t->r->rows[i].name, strlen(t->r->rows[i].name)));
	for (; p.from < t->r->n_columns; p.from = p.to) {
		p.to = piece_end(t, &p);
		if (p.from)
			cb_buf_ch(t->out, '\n');
		put_heads(t, &p);
		for (size_t i = 0; i < t->r->n_rows; i++)
			put_row(t, &p, i);
	}
}

static void put_failure(struct table *t, const struct cb_lab_row *row, const struct cb_lab_column *column,
			const struct cb_lab_cell *c)
{
	struct cb_buf head = {0};

	cb_buf_ch(t->out, '\n');
	cb_buf_printf(&head, "%s on %s (%s): %s", row->name, column->name, column->release, cb_lab_why_text(c->why));
	put(t, RED, "FAIL ", 0);
	put(t, BOLD, cb_buf_cstr(&head), 0);
	cb_buf_ch(t->out, '\n');
	cb_buf_free(&head);
	if (c->reason)
		cb_lab_put_lines(t->out, "  ", c->reason);
	for (size_t i = 0; i < c->n_notes; i++) {
		cb_buf_str(t->out, "  ");
		put(t, GREY, c->notes[i].title, 0);
		cb_buf_str(t->out, ":\n");
		cb_lab_put_lines(t->out, "    ", c->notes[i].text);
	}
}

static void put_failures(struct table *t)
{
	for (size_t k = 0; k < t->r->n_columns; k++)
		for (size_t i = 0; i < t->r->n_rows; i++)
			if (cb_lab_cell_at(t->r, i, k)->verdict == CB_LAB_FAIL)
				put_failure(t, &t->r->rows[i], &t->r->columns[k], cb_lab_cell_at(t->r, i, k));
}

static void put_skips(struct table *t)
{
	struct cb_buf tests = {0}, kernels = {0};
	const char *reason;

	for (size_t at = 0; cb_lab_next_skip(t->r, &at, &tests, &kernels, &reason);) {
		put(t, YELLOW, "skip ", 0);
		put(t, 0, cb_buf_cstr(&tests), 0);
		cb_buf_str(t->out, " on ");
		put(t, 0, cb_buf_cstr(&kernels), 0);
		cb_buf_str(t->out, ": ");
		put(t, 0, reason, 0);
		cb_buf_ch(t->out, '\n');
	}
	t->out->failed |= tests.failed || kernels.failed;
	cb_buf_free(&tests);
	cb_buf_free(&kernels);
}

void cb_lab_report_table(const struct cb_lab_result *r, bool colours, size_t columns, struct cb_buf *out)
{
	struct table t = {.r = r, .out = out, .colours = colours, .columns = columns};
	struct cb_lab_counts n = cb_lab_count(r);
	struct cb_buf boots = {0};

	put_matrix(&t);
	put_failures(&t);
	if (n.skip)
		cb_buf_ch(out, '\n');
	put_skips(&t);
	cb_buf_printf(out, "\n%zu test%s on %zu kernel%s: ", r->n_rows, r->n_rows == 1 ? "" : "s", r->n_columns,
		      r->n_columns == 1 ? "" : "s");
	cb_lab_put_counts(out, &n);
	cb_buf_str(out, " in ");
	cb_lab_put_time(out, r->ns);
	cb_buf_str(out, "; ");
	cb_lab_put_boots(&boots, r);
	put(&t, 0, cb_buf_cstr(&boots), 0);
	out->failed |= boots.failed;
	cb_buf_free(&boots);
	cb_buf_str(out, r->interrupted ? "; interrupted\n" : "\n");
}
