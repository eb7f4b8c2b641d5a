// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* result.c - see result.h. */
#include "lab/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cb_lab_why_text(enum cb_lab_why why)
{
	static const char *const texts[CB_LAB_WHYS] = {
		[CB_LAB_WHY_NONE] = "",
		[CB_LAB_WHY_BUILD] = "build failed",
		[CB_LAB_WHY_NO_BOOT] = "no boot",
		[CB_LAB_WHY_CRASH] = "crash",
		[CB_LAB_WHY_HANG] = "guest hang",
		[CB_LAB_WHY_SETUP] = "setup failed",
		[CB_LAB_WHY_MODULE] = "module failed",
		[CB_LAB_WHY_TIMEOUT] = "timeout",
		[CB_LAB_WHY_WARNING] = "kernel warning",
		[CB_LAB_WHY_REFUSED] = "load refused",
		[CB_LAB_WHY_NO_HOOK] = "hook missing",
		[CB_LAB_WHY_EXIT] = "exit status",
		[CB_LAB_WHY_WORKLOAD] = "workload failed",
		[CB_LAB_WHY_NO_EVENT] = "no event",
		[CB_LAB_WHY_VALUE] = "wrong value",
		[CB_LAB_WHY_NOT_OK] = "not ok",
		[CB_LAB_WHY_LEFT] = "left behind",
	};

	return texts[why];
}

const char *cb_lab_verdict_text(enum cb_lab_verdict verdict)
{
	static const char *const texts[] = {
		[CB_LAB_OPEN] = "not run", [CB_LAB_PASS] = "pass", [CB_LAB_SKIP] = "skip", [CB_LAB_FAIL] = "fail"};

	return texts[verdict];
}

int cb_lab_result_init(struct cb_lab_result *r, size_t rows, size_t columns)
{
	*r = (struct cb_lab_result){.n_rows = rows, .n_columns = columns};
	r->rows = calloc(rows + 1, sizeof(*r->rows));
	r->columns = calloc(columns + 1, sizeof(*r->columns));
	r->cells = calloc(rows * columns + 1, sizeof(*r->cells));
	if (r->rows && r->columns && r->cells)
		return 0;
	r->n_rows = r->n_columns = 0;
	cb_lab_result_free(r);
	return -ENOMEM;
}

void cb_lab_result_free(struct cb_lab_result *r)
{
	for (size_t i = 0; i < r->n_rows * r->n_columns; i++)
		cb_lab_cell_clear(&r->cells[i]);
	for (size_t i = 0; i < r->n_rows; i++) {
		free(r->rows[i].name);
		free(r->rows[i].about);
		free(r->rows[i].path);
	}
	for (size_t i = 0; i < r->n_columns; i++) {
		free(r->columns[i].name);
		free(r->columns[i].release);
		free(r->columns[i].arch);
		free(r->columns[i].package);
		free(r->columns[i].why);
	}
	free(r->rows);
	free(r->columns);
	free(r->cells);
	*r = (struct cb_lab_result){0};
}

struct cb_lab_cell *cb_lab_cell_at(const struct cb_lab_result *r, size_t row, size_t column)
{
	return &r->cells[row * r->n_columns + column];
}

void cb_lab_cell_fail(struct cb_lab_cell *c, enum cb_lab_why why, const char *fmt, ...)
{
	va_list ap;

	if (c->verdict == CB_LAB_FAIL)
		return;
	c->verdict = CB_LAB_FAIL;
	c->why = why;
	va_start(ap, fmt);
	if (vasprintf(&c->reason, fmt, ap) < 0)
		c->reason = NULL;
	va_end(ap);
}

void cb_lab_cell_fail_said(struct cb_lab_cell *c, enum cb_lab_why why, const char *title, const char *text)
{
	size_t line = strcspn(text, "\n");
	const char *next = text + line + strspn(text + line, "\n \t");
	const char *error = strstr(next, " error: "), *first = next;

	/* a compiler's warnings may stand before what stopped it */
	while (error && memchr(first, '\n', (size_t)(error - first)))
		first += strcspn(first, "\n") + 1;
	if (line && text[line - 1] == ':')
		cb_lab_cell_fail(c, why, "%.*s %.*s", (int)line, text, (int)strcspn(first, "\n"), first);
	else
		cb_lab_cell_fail(c, why, "%.*s", (int)line, text);
	if (*next)
		cb_lab_cell_note(c, title, text, strlen(text));
}

void cb_lab_cell_skip(struct cb_lab_cell *c, const char *reason)
{
	c->verdict = CB_LAB_SKIP;
	c->reason = strdup(reason);
}

void cb_lab_cell_note(struct cb_lab_cell *c, const char *title, const char *text, size_t len)
{
	struct cb_lab_note *more = len ? realloc(c->notes, (c->n_notes + 1) * sizeof(*more)) : NULL;
	struct cb_lab_note note;

	if (!more)
		return;
	c->notes = more;
	note = (struct cb_lab_note){.title = strdup(title), .text = malloc(len + 1)};
	if (note.text) {
		for (size_t i = 0; i < len; i++)
			note.text[i] = text[i] ? text[i] : ' ';
		note.text[len] = '\0';
	}
	if (note.title && note.text) {
		more[c->n_notes++] = note;
		return;
	}
	free(note.title);
	free(note.text);
}

void cb_lab_cell_clear(struct cb_lab_cell *c)
{
	for (size_t i = 0; i < c->n_notes; i++) {
		free(c->notes[i].title);
		free(c->notes[i].text);
	}
	for (size_t i = 0; i < c->n_inner; i++) {
		free(c->inner[i].name);
		free(c->inner[i].why);
	}
	free(c->reason);
	free(c->notes);
	free(c->inner);
	*c = (struct cb_lab_cell){0};
}

void cb_lab_count_cell(struct cb_lab_counts *n, const struct cb_lab_cell *c)
{
	n->pass += c->verdict == CB_LAB_PASS;
	n->skip += c->verdict == CB_LAB_SKIP;
	n->fail += c->verdict == CB_LAB_FAIL;
	n->open += c->verdict == CB_LAB_OPEN;
}

struct cb_lab_counts cb_lab_count(const struct cb_lab_result *r)
{
	struct cb_lab_counts n = {0};

	for (size_t i = 0; i < r->n_rows * r->n_columns; i++)
		cb_lab_count_cell(&n, &r->cells[i]);
	return n;
}
