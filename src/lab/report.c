// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* report.c - what the reports share: see report.h. */
#include "lab/report.h"

#include <string.h>
#include <time.h>

#include "output/plan.h"

void cb_lab_put_time(struct cb_buf *out, uint64_t ns)
{
	uint64_t tenths = (ns + 50000000) / 100000000;

	if (tenths < 100)
		cb_buf_printf(out, "%d.%ds", (int)(tenths / 10), (int)(tenths % 10));
	else if (tenths < 600)
		cb_buf_printf(out, "%ds", (int)((tenths + 5) / 10));
	else
		cb_buf_printf(out, "%llum%02ds", (unsigned long long)(tenths / 600), (int)(tenths % 600 / 10));
}

void cb_lab_put_seconds(struct cb_buf *out, uint64_t ns)
{
	cb_buf_printf(out, "%llu.%03d", (unsigned long long)(ns / 1000000000), (int)(ns % 1000000000 / 1000000));
}

void cb_lab_put_date(struct cb_buf *out, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[40] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	cb_buf_str(out, text);
}

/* U+FFFE and U+FFFF are no characters of XML, and control characters beyond ASCII (U+0080 to U+009F) discouraged ones. */
static bool is_xml(const char *s, size_t len)
{
	return len && !(len == 3 && !memcmp(s, "\xef\xbf", 2) && (unsigned char)s[2] >= 0xbe) &&
	       !(len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0) &&
	       ((unsigned char)*s >= 0x20 || *s == '\t' || *s == '\n') && *s != 0x7f;
}

void cb_lab_put_xml(struct cb_buf *out, const char *text)
{
	for (size_t n = strlen(text); n;) {
		size_t len = cb_utf8(text, n);

		if (!is_xml(text, len))
			cb_buf_str(out, "\xef\xbf\xbd");
		else if (*text == '<')
			cb_buf_str(out, "&lt;");
		else if (*text == '>')
			cb_buf_str(out, "&gt;");
		else if (*text == '&')
			cb_buf_str(out, "&amp;");
		else if (*text == '"')
			cb_buf_str(out, "&quot;");
		else
			cb_buf_add(out, text, len);
		len = len ? len : 1;
		text += len;
		n -= len;
	}
}

void cb_lab_put_lines(struct cb_buf *out, const char *prefix, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		cb_buf_str(out, prefix);
		for (size_t at = 0; at < n;) { /* tabs stay */
			size_t tab = at;

			while (tab < n && text[tab] != '\t')
				tab++;
			cb_text_people(text + at, tab - at, out);
			if (tab < n)
				cb_buf_ch(out, '\t');
			at = tab + 1;
		}
		cb_buf_ch(out, '\n');
		text += n + (text[n] == '\n');
	}
}

void cb_lab_put_counts(struct cb_buf *out, const struct cb_lab_counts *n)
{
	cb_buf_printf(out, "%zu passed, %zu failed, %zu skipped", n->pass, n->fail, n->skip);
	if (n->open)
		cb_buf_printf(out, ", %zu not run", n->open);
}

void cb_lab_put_boots(struct cb_buf *out, const struct cb_lab_result *r)
{
	unsigned int boots = 0, retried = 0;
	const char *between = " (";

	for (size_t i = 0; i < r->n_columns; i++) {
		boots += r->columns[i].boots;
		retried += r->columns[i].retried;
	}
	cb_buf_printf(out, "boots: %u, retried: %u", boots, retried);
	for (size_t i = 0; i < r->n_columns; i++) {
		const struct cb_lab_column *c = &r->columns[i];

		if (!c->retried)
			continue;
		cb_buf_printf(out, "%s%s", between, c->name);
		if (c->why)
			cb_buf_printf(out, ": %.*s", (int)strcspn(c->why, "\n"), c->why);
		between = "; ";
	}
	if (retried)
		cb_buf_ch(out, ')');
}

/* ---- Skips ---------------------------------------------------------------------------------------------------- */

static bool is_skip_for(const struct cb_lab_result *r, size_t row, size_t column, const char *reason)
{
	const struct cb_lab_cell *c = cb_lab_cell_at(r, row, column);

	return c->verdict == CB_LAB_SKIP && c->reason && !strcmp(c->reason, reason);
}

static bool same_kernels(const struct cb_lab_result *r, size_t a, size_t b, const char *reason)
{
	for (size_t k = 0; k < r->n_columns; k++)
		if (is_skip_for(r, a, k, reason) != is_skip_for(r, b, k, reason))
			return false;
	return true;
}

/* Nothing in front of it belongs to the same group. */
static bool begins_group(const struct cb_lab_result *r, size_t row, size_t column, const char *reason)
{
	for (size_t k = 0; k < column; k++)
		if (is_skip_for(r, row, k, reason))
			return false;
	for (size_t i = 0; i < row; i++)
		if (same_kernels(r, i, row, reason))
			return false;
	return true;
}

static void add_name(struct cb_buf *list, const char *name)
{
	cb_buf_printf(list, "%s%s", list->len ? ", " : "", name);
}

bool cb_lab_next_skip(const struct cb_lab_result *r, size_t *at, struct cb_buf *tests, struct cb_buf *kernels,
		      const char **reason)
{
	size_t row, column;

	do {
		if (!r->n_columns || *at >= r->n_rows * r->n_columns)
			return false;
		row = *at / r->n_columns;
		column = (*at)++ % r->n_columns;
		*reason = cb_lab_cell_at(r, row, column)->reason;
	} while (!*reason || !is_skip_for(r, row, column, *reason) || !begins_group(r, row, column, *reason));
	tests->len = kernels->len = 0;
	for (size_t i = row; i < r->n_rows; i++)
		if (same_kernels(r, row, i, *reason))
			add_name(tests, r->rows[i].name);
	for (size_t k = column; k < r->n_columns; k++)
		if (is_skip_for(r, row, k, *reason))
			add_name(kernels, r->columns[k].name);
	return true;
}

void cb_lab_put_reason(struct cb_buf *out, const struct cb_lab_cell *c)
{
	if (c->verdict == CB_LAB_FAIL)
		cb_buf_printf(out, "%s: ", cb_lab_why_text(c->why));
	cb_buf_str(out, c->reason ? c->reason : "");
}
