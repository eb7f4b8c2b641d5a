// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * report_tap.c - TAP: a line for each test on each kernel, of a test that prints TAP itself one for each of its results, and
 * one more when it failed for another reason. Details are comment lines.
 */
#include "lab/report.h"

#include <string.h>

#include "output/plan.h"

/* A "#" begins a directive; a line break and other control characters are shown as \x0a. */
static void put_text(struct cb_buf *out, const char *text)
{
	struct cb_buf shown = {0};

	cb_text_people(text, strlen(text), &shown);
	for (const char *p = cb_buf_cstr(&shown); *p; p++) {
		if (*p == '#' || *p == '\\')
			cb_buf_ch(out, '\\');
		cb_buf_ch(out, *p);
	}
	out->failed |= shown.failed;
	cb_buf_free(&shown);
}

static bool has_bad_inner(const struct cb_lab_cell *c)
{
	for (size_t i = 0; i < c->n_inner; i++)
		if (!c->inner[i].ok && !c->inner[i].skip)
			return true;
	return false;
}

/* The cell has a line of its own, not only its inner results. */
static bool has_line(const struct cb_lab_cell *c)
{
	return !c->n_inner || (c->verdict == CB_LAB_FAIL && !has_bad_inner(c));
}

static void begin(struct cb_buf *out, size_t *number, bool ok, const char *test, const char *kernel, const char *inner)
{
	cb_buf_printf(out, "%s %zu - ", ok ? "ok" : "not ok", ++*number);
	put_text(out, test);
	cb_buf_str(out, " on ");
	put_text(out, kernel);
	if (inner) {
		cb_buf_str(out, ": ");
		put_text(out, inner);
	}
}

static void put_skip(struct cb_buf *out, const char *why)
{
	cb_buf_str(out, " # SKIP ");
	put_text(out, why);
}

static void put_details(struct cb_buf *out, const struct cb_lab_cell *c)
{
	struct cb_buf reason = {0};

	cb_lab_put_reason(&reason, c);
	cb_lab_put_lines(out, "#   ", cb_buf_cstr(&reason));
	cb_buf_free(&reason);
	for (size_t i = 0; i < c->n_notes; i++) {
		cb_buf_printf(out, "#   %s:\n", c->notes[i].title);
		cb_lab_put_lines(out, "#     ", c->notes[i].text);
	}
}

static void put_cell(struct cb_buf *out, size_t *number, const struct cb_lab_row *row,
		     const struct cb_lab_column *column, const struct cb_lab_cell *c)
{
	for (size_t i = 0; i < c->n_inner; i++) {
		begin(out, number, c->inner[i].ok || c->inner[i].skip, row->name, column->name, c->inner[i].name);
		if (c->inner[i].skip)
			put_skip(out, c->inner[i].why ? c->inner[i].why : "");
		cb_buf_ch(out, '\n');
	}
	if (has_line(c)) {
		begin(out, number, c->verdict != CB_LAB_FAIL, row->name, column->name, NULL);
		if (c->verdict == CB_LAB_SKIP)
			put_skip(out, c->reason ? c->reason : "");
		else if (c->verdict == CB_LAB_OPEN)
			put_skip(out, "not run: interrupted");
		cb_buf_ch(out, '\n');
	}
	if (c->verdict == CB_LAB_FAIL)
		put_details(out, c);
}

void cb_lab_report_tap(const struct cb_lab_result *r, struct cb_buf *out)
{
	size_t lines = 0, number = 0;
	struct cb_buf boots = {0};

	for (size_t i = 0; i < r->n_rows * r->n_columns; i++)
		lines += r->cells[i].n_inner + has_line(&r->cells[i]);
	cb_buf_printf(out, "TAP version 13\n1..%zu\n", lines);
	for (size_t k = 0; k < r->n_columns; k++)
		for (size_t i = 0; i < r->n_rows; i++)
			put_cell(out, &number, &r->rows[i], &r->columns[k], cb_lab_cell_at(r, i, k));
	cb_lab_put_boots(&boots, r);
	cb_lab_put_lines(out, "# ", cb_buf_cstr(&boots));
	out->failed |= boots.failed;
	cb_buf_free(&boots);
}
