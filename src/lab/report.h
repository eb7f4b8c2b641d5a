/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * report.h - a result for people (table, html) and programs (junit, json, tap). Each writes the whole into a buffer; only that
 * can fail (out->failed).
 */
#ifndef CB_LAB_REPORT_H
#define CB_LAB_REPORT_H

#include "base/buf.h"
#include "lab/result.h"

/* columns: of the terminal; where the matrix is wider, it comes in pieces. 0: it may be as wide as it is. */
void cb_lab_report_table(const struct cb_lab_result *r, bool colours, size_t columns, struct cb_buf *out);
void cb_lab_report_html(const struct cb_lab_result *r, struct cb_buf *out);
void cb_lab_report_junit(const struct cb_lab_result *r, struct cb_buf *out);
void cb_lab_report_json(const struct cb_lab_result *r, struct cb_buf *out);
void cb_lab_report_tap(const struct cb_lab_result *r, struct cb_buf *out);

/* ---- What they share (report.c) ------------------------------------------------------------------------------------ */

/* "0.4s", "12s", "3m05s" */
void cb_lab_put_time(struct cb_buf *out, uint64_t ns);
/* "1.234", in seconds */
void cb_lab_put_seconds(struct cb_buf *out, uint64_t ns);
/* 2026-11-27T12:00:00Z */
void cb_lab_put_date(struct cb_buf *out, uint64_t seconds);
/* Text for XML and HTML, also in an attribute: what XML 1.0 (2.2) forbids or discourages becomes U+FFFD. */
void cb_lab_put_xml(struct cb_buf *out, const char *text);
/* Line by line, with prefix in front of each; control characters as \x1b. */
void cb_lab_put_lines(struct cb_buf *out, const char *prefix, const char *text);
/* "12 passed, 1 failed, 3 skipped" */
void cb_lab_put_counts(struct cb_buf *out, const struct cb_lab_counts *n);
/* "boots: 9, retried: 1 (debian:6.1: WHY)"; WHY is as the guest said it: escape it. */
void cb_lab_put_boots(struct cb_buf *out, const struct cb_lab_result *r);
/* What was skipped, tests that are skipped for one reason on the same kernels together: *at counts from 0. tests: "a, b, c",
 * kernels likewise. False: no more. */
bool cb_lab_next_skip(const struct cb_lab_result *r, size_t *at, struct cb_buf *tests, struct cb_buf *kernels,
		      const char **reason);
/* Of a failure "load refused: the kernel's ...", of a skip its reason; escape it. */
void cb_lab_put_reason(struct cb_buf *out, const struct cb_lab_cell *c);

#endif
