// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * report_html.c - one file that needs nothing else: how many, the matrix, then each failure to unfold, then what was skipped.
 * report.css has its looks; without the few lines of report.js a failure is unfolded by a click on it, not by one on its cell.
 */
#include "lab/report.h"

#include <string.h>

static const char css[] =
#include "report_css.inc"
	;

static const char js[] =
#include "report_js.inc"
	;

/* <TAG class="CLASS">TEXT</TAG>; class may be NULL. */
static void element(struct cb_buf *out, const char *tag, const char *class, const char *text)
{
	cb_buf_printf(out, class ? "<%s class=\"%s\">" : "<%s>", tag, class);
	cb_lab_put_xml(out, text);
	cb_buf_printf(out, "</%s>", tag);
}

static void put_count(struct cb_buf *out, const char *class, size_t n, const char *what)
{
	cb_buf_printf(out, "<li class=\"%s\"><b>%zu</b>%s</li>\n", n ? class : "", n, what);
}

static void put_top(struct cb_buf *out, const struct cb_lab_result *r)
{
	struct cb_lab_counts n = cb_lab_count(r);
	unsigned int boots = 0, retried = 0;

	for (size_t i = 0; i < r->n_columns; i++) {
		boots += r->columns[i].boots;
		retried += r->columns[i].retried;
	}
	cb_buf_printf(out, "<h1>%zu test%s on %zu kernel%s</h1>\n<p class=\"when\">coolbpf lab " COOLBPF_VERSION ", ",
		      r->n_rows, r->n_rows == 1 ? "" : "s", r->n_columns, r->n_columns == 1 ? "" : "s");
	cb_lab_put_date(out, r->started);
	cb_buf_str(out,
		   r->interrupted ? ", interrupted</p>\n<ul class=\"counts\">\n" : "</p>\n<ul class=\"counts\">\n");
	put_count(out, "pass", n.pass, "passed");
	put_count(out, "fail", n.fail, "failed");
	put_count(out, "", n.skip, "skipped");
	if (n.open)
		put_count(out, "", n.open, "not run");
	cb_buf_str(out, "<li><b>");
	cb_lab_put_time(out, r->ns);
	cb_buf_printf(out, "</b>in all</li>\n<li><b>%u</b>boots, %u retried</li>\n</ul>\n", boots, retried);
}

static void put_head(struct cb_buf *out, const struct cb_lab_column *c)
{
	cb_buf_str(out, "<th>");
	cb_lab_put_xml(out, c->name);
	element(out, "small", NULL, c->release);
	cb_buf_str(out, "<small>");
	cb_lab_put_xml(out, c->arch);
	if (c->boot_ns) {
		cb_buf_str(out, c->kvm ? ", KVM, boots in " : ", boots in ");
		cb_lab_put_time(out, c->boot_ns);
	}
	cb_buf_str(out, "</small></th>\n");
}

static void put_cell(struct cb_buf *out, const struct cb_lab_result *r, size_t row, size_t column)
{
	const struct cb_lab_cell *c = cb_lab_cell_at(r, row, column);

	cb_buf_str(out, "<td>");
	switch (c->verdict) {
	case CB_LAB_PASS:
		cb_buf_str(out, "<span class=\"pass\">ok <small>");
		cb_lab_put_time(out, c->ns);
		cb_buf_str(out, "</small></span>");
		break;
	case CB_LAB_FAIL:
		cb_buf_printf(out, "<a class=\"fail\" href=\"#f%zu-%zu\">%s", row, column, cb_lab_why_text(c->why));
		if (c->ns) {
			cb_buf_str(out, " <small>");
			cb_lab_put_time(out, c->ns);
			cb_buf_str(out, "</small>");
		}
		cb_buf_str(out, "</a>");
		break;
	case CB_LAB_SKIP:
		cb_buf_str(out, "<span class=\"skip\" title=\"");
		cb_lab_put_xml(out, c->reason ? c->reason : "");
		cb_buf_str(out, "\">skip</span>");
		break;
	default:
		cb_buf_str(out, "<span class=\"open\">not run</span>");
	}
	cb_buf_str(out, "</td>\n");
}

static void put_matrix(struct cb_buf *out, const struct cb_lab_result *r)
{
	cb_buf_str(out, "<div class=\"matrix\"><table>\n<thead><tr><th>Test</th>\n");
	for (size_t i = 0; i < r->n_columns; i++)
		put_head(out, &r->columns[i]);
	cb_buf_str(out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < r->n_rows; i++) {
		cb_buf_str(out, "<tr><th>");
		cb_lab_put_xml(out, r->rows[i].name);
		if (r->rows[i].about)
			element(out, "small", NULL, r->rows[i].about);
		cb_buf_str(out, "</th>\n");
		for (size_t k = 0; k < r->n_columns; k++)
			put_cell(out, r, i, k);
		cb_buf_str(out, "</tr>\n");
	}
	cb_buf_str(out, "</tbody>\n</table></div>\n");
}

static void put_inner(struct cb_buf *out, const struct cb_lab_cell *c)
{
	cb_buf_str(out, "<h3>results</h3><ul>\n");
	for (size_t i = 0; i < c->n_inner; i++) {
		const struct cb_lab_inner *r = &c->inner[i];

		cb_buf_printf(out, "<li>%s ", r->skip ? "skip" : r->ok ? "ok" : "not ok");
		cb_lab_put_xml(out, r->name);
		cb_buf_str(out, "</li>\n");
	}
	cb_buf_str(out, "</ul>\n");
}

static void put_failure(struct cb_buf *out, const struct cb_lab_result *r, size_t row, size_t column)
{
	const struct cb_lab_cell *c = cb_lab_cell_at(r, row, column);

	cb_buf_printf(out, "<details class=\"fail\" id=\"f%zu-%zu\"><summary><b>", row, column);
	cb_lab_put_xml(out, r->rows[row].name);
	cb_buf_str(out, "</b> on <b>");
	cb_lab_put_xml(out, r->columns[column].name);
	cb_buf_str(out, "</b>");
	element(out, "span", "why", cb_lab_why_text(c->why));
	element(out, "span", "text", c->reason ? c->reason : "");
	cb_buf_str(out, "</summary>\n");
	for (size_t i = 0; i < c->n_notes; i++) {
		element(out, "h3", NULL, c->notes[i].title);
		element(out, "pre", NULL, c->notes[i].text);
	}
	if (c->n_inner)
		put_inner(out, c);
	cb_buf_str(out, "<p>");
	cb_lab_put_xml(out, r->rows[row].path);
	cb_buf_str(out, "</p></details>\n");
}

static void put_failures(struct cb_buf *out, const struct cb_lab_result *r)
{
	cb_buf_str(out, "<h2>Failures</h2>\n");
	for (size_t k = 0; k < r->n_columns; k++)
		for (size_t i = 0; i < r->n_rows; i++)
			if (cb_lab_cell_at(r, i, k)->verdict == CB_LAB_FAIL)
				put_failure(out, r, i, k);
}

static void put_skips(struct cb_buf *out, const struct cb_lab_result *r)
{
	struct cb_buf tests = {0}, kernels = {0};
	const char *reason;

	cb_buf_str(out, "<h2>Skipped</h2>\n<ul class=\"skips\">\n");
	for (size_t at = 0; cb_lab_next_skip(r, &at, &tests, &kernels, &reason);) {
		cb_buf_str(out, "<li>");
		cb_lab_put_xml(out, cb_buf_cstr(&tests));
		cb_buf_str(out, " on ");
		cb_lab_put_xml(out, cb_buf_cstr(&kernels));
		cb_buf_str(out, ": ");
		element(out, "span", NULL, reason);
		cb_buf_str(out, "</li>\n");
	}
	cb_buf_str(out, "</ul>\n");
	out->failed |= tests.failed || kernels.failed;
	cb_buf_free(&tests);
	cb_buf_free(&kernels);
}

static void put_foot(struct cb_buf *out, const struct cb_lab_result *r)
{
	struct cb_buf boots = {0};

	cb_lab_put_boots(&boots, r);
	cb_buf_str(out, "<footer>");
	cb_lab_put_xml(out, cb_buf_cstr(&boots));
	out->failed |= boots.failed;
	cb_buf_free(&boots);
	for (size_t i = 0; i < r->n_columns; i++)
		if (r->columns[i].package) {
			cb_buf_str(out, "<br>");
			cb_lab_put_xml(out, r->columns[i].name);
			cb_buf_str(out, " is ");
			cb_lab_put_xml(out, r->columns[i].package);
		}
	cb_buf_str(out, "</footer>\n");
}

void cb_lab_report_html(const struct cb_lab_result *r, struct cb_buf *out)
{
	struct cb_lab_counts n = cb_lab_count(r);

	cb_buf_str(out,
		   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>coolbpf lab: ");
	cb_lab_put_counts(out, &n);
	cb_buf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", css);
	put_top(out, r);
	put_matrix(out, r);
	if (n.fail)
		put_failures(out, r);
	if (n.skip)
		put_skips(out, r);
	put_foot(out, r);
	cb_buf_printf(out, "<script>\n%s</script>\n</body>\n</html>\n", js);
}
