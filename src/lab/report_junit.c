// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * report_junit.c - the XML that test reporters read: a testsuite for each kernel, a testcase for each test, as in the schema of
 * Jenkins' xunit plugin (junit-10.xsd).
 */
#include "lab/report.h"

#include <stdio.h>

static void attribute(struct cb_buf *out, const char *name, const char *value)
{
	cb_buf_printf(out, " %s=\"", name);
	cb_lab_put_xml(out, value);
	cb_buf_ch(out, '"');
}

static void put_counts(struct cb_buf *out, const struct cb_lab_counts *n)
{
	cb_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\"", n->pass + n->fail + n->skip + n->open,
		      n->fail);
}

static void put_time(struct cb_buf *out, uint64_t ns)
{
	cb_buf_str(out, " time=\"");
	cb_lab_put_seconds(out, ns);
	cb_buf_ch(out, '"');
}

static void put_failure(struct cb_buf *out, const struct cb_lab_cell *c)
{
	cb_buf_str(out, "      <failure");
	attribute(out, "type", cb_lab_why_text(c->why));
	attribute(out, "message", c->reason ? c->reason : "");
	cb_buf_ch(out, '>');
	for (size_t i = 0; i < c->n_notes; i++) {
		cb_lab_put_xml(out, c->notes[i].title);
		cb_buf_str(out, ":\n");
		cb_lab_put_xml(out, c->notes[i].text);
		cb_buf_ch(out, '\n');
	}
	cb_buf_str(out, "</failure>\n");
}

static void put_inner(struct cb_buf *out, const struct cb_lab_cell *c)
{
	cb_buf_str(out, "      <system-out>");
	for (size_t i = 0; i < c->n_inner; i++) {
		const struct cb_lab_inner *r = &c->inner[i];

		cb_buf_str(out, r->skip ? "skip " : r->ok ? "ok " : "not ok ");
		cb_lab_put_xml(out, r->name);
		if (r->why) {
			cb_buf_str(out, ": ");
			cb_lab_put_xml(out, r->why);
		}
		cb_buf_ch(out, '\n');
	}
	cb_buf_str(out, "</system-out>\n");
}

static void put_case(struct cb_buf *out, const struct cb_lab_row *row, const struct cb_lab_column *column,
		     const struct cb_lab_cell *c)
{
	cb_buf_str(out, "    <testcase");
	attribute(out, "name", row->name);
	attribute(out, "classname", column->name);
	put_time(out, c->ns);
	if (c->verdict == CB_LAB_PASS && !c->n_inner) {
		cb_buf_str(out, "/>\n");
		return;
	}
	cb_buf_str(out, ">\n");
	if (c->verdict == CB_LAB_FAIL)
		put_failure(out, c);
	if (c->verdict == CB_LAB_SKIP || c->verdict == CB_LAB_OPEN) {
		cb_buf_str(out, "      <skipped");
		attribute(out, "message", c->reason ? c->reason : "not run");
		cb_buf_str(out, "/>\n");
	}
	if (c->n_inner)
		put_inner(out, c);
	cb_buf_str(out, "    </testcase>\n");
}

static void property(struct cb_buf *out, const char *name, const char *value)
{
	cb_buf_str(out, "      <property");
	attribute(out, "name", name);
	attribute(out, "value", value);
	cb_buf_str(out, "/>\n");
}

static void put_properties(struct cb_buf *out, const struct cb_lab_column *c)
{
	char number[24];

	cb_buf_str(out, "    <properties>\n");
	property(out, "release", c->release);
	property(out, "architecture", c->arch);
	if (c->package)
		property(out, "package", c->package);
	snprintf(number, sizeof(number), "%u", c->boots);
	property(out, "boots", number);
	snprintf(number, sizeof(number), "%u", c->retried);
	property(out, "boots-retried", number);
	cb_buf_str(out, "    </properties>\n");
}

static void put_suite(struct cb_buf *out, const struct cb_lab_result *r, size_t column)
{
	const struct cb_lab_column *c = &r->columns[column];
	struct cb_lab_counts n = {0};
	uint64_t ns = 0;

	for (size_t i = 0; i < r->n_rows; i++) {
		cb_lab_count_cell(&n, cb_lab_cell_at(r, i, column));
		ns += cb_lab_cell_at(r, i, column)->ns;
	}
	cb_buf_str(out, "  <testsuite");
	attribute(out, "name", c->name);
	put_counts(out, &n);
	cb_buf_printf(out, " skipped=\"%zu\"", n.skip + n.open);
	put_time(out, ns);
	cb_buf_str(out, " timestamp=\"");
	cb_lab_put_date(out, r->started);
	/* xs:dateTime without a zone in the schema */
	if (out->len && out->data[out->len - 1] == 'Z')
		out->len--;
	cb_buf_str(out, "\">\n");
	put_properties(out, c);
	for (size_t i = 0; i < r->n_rows; i++)
		put_case(out, &r->rows[i], c, cb_lab_cell_at(r, i, column));
	cb_buf_str(out, "  </testsuite>\n");
}

void cb_lab_report_junit(const struct cb_lab_result *r, struct cb_buf *out)
{
	struct cb_lab_counts n = cb_lab_count(r);

	cb_buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"coolbpf lab\"");
	put_counts(out, &n);
	put_time(out, r->ns);
	cb_buf_str(out, ">\n");
	for (size_t i = 0; i < r->n_columns; i++)
		put_suite(out, r, i);
	cb_buf_str(out, "</testsuites>\n");
}
