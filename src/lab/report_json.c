// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* report_json.c - one JSON object; coolbpf-lab(1) says what is in it. */
#include "lab/report.h"

#include <string.h>

#include "output/output.h"

/* Where a comma goes: behind everything but an opening bracket. */
static void key(struct cb_buf *out, const char *name)
{
	if (out->len && !strchr("{[", out->data[out->len - 1]))
		cb_buf_ch(out, ',');
	if (!name)
		return;
	cb_buf_printf(out, "\"%s\":", name);
}

static void text(struct cb_buf *out, const char *name, const char *value)
{
	key(out, name);
	if (value)
		cb_json_quote(value, strlen(value), out);
	else
		cb_buf_str(out, "null");
}

static void number(struct cb_buf *out, const char *name, uint64_t value)
{
	key(out, name);
	cb_buf_u64(out, value);
}

static void truth(struct cb_buf *out, const char *name, bool value)
{
	key(out, name);
	cb_buf_str(out, value ? "true" : "false");
}

static void seconds(struct cb_buf *out, const char *name, uint64_t ns)
{
	key(out, name);
	cb_lab_put_seconds(out, ns);
}

static void open_bracket(struct cb_buf *out, const char *name, char bracket)
{
	key(out, name);
	cb_buf_ch(out, bracket);
}

static void put_kernel(struct cb_buf *out, const struct cb_lab_column *c)
{
	open_bracket(out, NULL, '{');
	text(out, "name", c->name);
	text(out, "release", c->release);
	text(out, "arch", c->arch);
	text(out, "package", c->package);
	truth(out, "kvm", c->kvm);
	number(out, "boots", c->boots);
	number(out, "retried", c->retried);
	text(out, "retried_because", c->why);
	seconds(out, "boot_seconds", c->boot_ns);
	cb_buf_ch(out, '}');
}

static void put_test(struct cb_buf *out, const struct cb_lab_row *row)
{
	open_bracket(out, NULL, '{');
	text(out, "name", row->name);
	text(out, "about", row->about);
	text(out, "file", row->path);
	cb_buf_ch(out, '}');
}

static void put_inner(struct cb_buf *out, const struct cb_lab_inner *r)
{
	open_bracket(out, NULL, '{');
	text(out, "name", r->name);
	text(out, "verdict", r->skip ? "skip" : r->ok ? "pass" : "fail");
	text(out, "reason", r->why);
	cb_buf_ch(out, '}');
}

static void put_result(struct cb_buf *out, const struct cb_lab_row *row, const struct cb_lab_column *column,
		       const struct cb_lab_cell *c)
{
	open_bracket(out, NULL, '{');
	text(out, "test", row->name);
	text(out, "kernel", column->name);
	text(out, "verdict", cb_lab_verdict_text(c->verdict));
	text(out, "failure", c->verdict == CB_LAB_FAIL ? cb_lab_why_text(c->why) : NULL);
	text(out, "reason", c->reason);
	seconds(out, "seconds", c->ns);
	open_bracket(out, "notes", '[');
	for (size_t i = 0; i < c->n_notes; i++) {
		open_bracket(out, NULL, '{');
		text(out, "title", c->notes[i].title);
		text(out, "text", c->notes[i].text);
		cb_buf_ch(out, '}');
	}
	cb_buf_ch(out, ']');
	open_bracket(out, "inner", '[');
	for (size_t i = 0; i < c->n_inner; i++)
		put_inner(out, &c->inner[i]);
	cb_buf_str(out, "]}");
}

void cb_lab_report_json(const struct cb_lab_result *r, struct cb_buf *out)
{
	struct cb_lab_counts n = cb_lab_count(r);

	cb_buf_ch(out, '{');
	text(out, "coolbpf", COOLBPF_VERSION);
	number(out, "started", r->started);
	seconds(out, "seconds", r->ns);
	truth(out, "interrupted", r->interrupted);
	number(out, "passed", n.pass);
	number(out, "failed", n.fail);
	number(out, "skipped", n.skip);
	number(out, "not_run", n.open);
	open_bracket(out, "kernels", '[');
	for (size_t i = 0; i < r->n_columns; i++)
		put_kernel(out, &r->columns[i]);
	cb_buf_ch(out, ']');
	open_bracket(out, "tests", '[');
	for (size_t i = 0; i < r->n_rows; i++)
		put_test(out, &r->rows[i]);
	cb_buf_ch(out, ']');
	open_bracket(out, "results", '[');
	for (size_t i = 0; i < r->n_rows; i++)
		for (size_t k = 0; k < r->n_columns; k++)
			put_result(out, &r->rows[i], &r->columns[k], cb_lab_cell_at(r, i, k));
	cb_buf_str(out, "]}\n");
}
