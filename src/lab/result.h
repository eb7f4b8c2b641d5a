/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * result.h - what came of a run of the lab: a matrix of tests by kernels. Filled by run.c, read by the reports.
 */
#ifndef CB_LAB_RESULT_H
#define CB_LAB_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cb_lab_verdict { CB_LAB_OPEN /* it did not come to it */, CB_LAB_PASS, CB_LAB_SKIP, CB_LAB_FAIL };

/* Why a test failed. The words for people and programs are in cb_lab_why_text(). */
enum cb_lab_why {
	CB_LAB_WHY_NONE,
	CB_LAB_WHY_BUILD, /* source, workload's file, cc: on the host */
	CB_LAB_WHY_NO_BOOT,
	CB_LAB_WHY_CRASH, /* the kernel panicked, or rebooted by itself */
	CB_LAB_WHY_HANG,
	CB_LAB_WHY_SETUP,
	CB_LAB_WHY_MODULE,
	CB_LAB_WHY_TIMEOUT,
	CB_LAB_WHY_WARNING,
	CB_LAB_WHY_REFUSED,
	CB_LAB_WHY_NO_HOOK,
	CB_LAB_WHY_EXIT,
	CB_LAB_WHY_WORKLOAD,
	CB_LAB_WHY_NO_EVENT,
	CB_LAB_WHY_VALUE,
	CB_LAB_WHY_NOT_OK, /* tap */
	CB_LAB_WHY_LEFT,
	CB_LAB_WHYS,
};
const char *cb_lab_why_text(enum cb_lab_why why);	      /* "load refused" */
const char *cb_lab_verdict_text(enum cb_lab_verdict verdict); /* "pass", "skip", "fail", "not run" */

/* A piece of the details: "what was expected", "standard error", ... */
struct cb_lab_note {
	char *title, *text;
};

/* One result within a test of kind tap. */
struct cb_lab_inner {
	char *name, *why; /* why: of a skip or todo, or NULL */
	bool ok, skip;
};

struct cb_lab_cell {
	enum cb_lab_verdict verdict;
	enum cb_lab_why why;
	char *reason; /* one line: of a skip, or what failed; NULL for others */
	struct cb_lab_note *notes;
	size_t n_notes;
	struct cb_lab_inner *inner;
	size_t n_inner;
	uint64_t ns; /* how long it took in the guest */
};

/* A test is a row, a kernel a column. */
struct cb_lab_row {
	char *name, *about, *path;
};
struct cb_lab_column {
	char *name, *release, *arch, *package; /* package: NULL if unknown */
	unsigned int boots, retried;
	uint64_t boot_ns; /* of the last that came up: from qemu's start to the guest's first line */
	bool kvm;
	char *why; /* of the boot that was retried, or NULL */
};

struct cb_lab_result {
	struct cb_lab_row *rows;
	size_t n_rows;
	struct cb_lab_column *columns;
	size_t n_columns;
	struct cb_lab_cell *cells; /* n_rows * n_columns, row by row */
	uint64_t started;	   /* s since 1970 */
	uint64_t ns;		   /* how long the whole took */
	bool interrupted;
};

/* Cells that are open; names are to be filled in. -ENOMEM. */
int cb_lab_result_init(struct cb_lab_result *r, size_t rows, size_t columns);
void cb_lab_result_free(struct cb_lab_result *r);
struct cb_lab_cell *cb_lab_cell_at(const struct cb_lab_result *r, size_t row, size_t column);

/* Set what a cell says; text is copied. These never fail: without memory a note is left out. */
void cb_lab_cell_fail(struct cb_lab_cell *c, enum cb_lab_why why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* the first reason stays */
/* What another program or part has said, of one line or more: the reason is the first, with the next one where it ends in a
 * colon; all of it becomes a note, if there is more. */
void cb_lab_cell_fail_said(struct cb_lab_cell *c, enum cb_lab_why why, const char *title, const char *text);
void cb_lab_cell_skip(struct cb_lab_cell *c, const char *reason);
void cb_lab_cell_note(struct cb_lab_cell *c, const char *title, const char *text,
		      size_t len); /* nothing for an empty text */
void cb_lab_cell_clear(struct cb_lab_cell *c);

struct cb_lab_counts {
	size_t pass, skip, fail, open;
};
void cb_lab_count_cell(struct cb_lab_counts *n, const struct cb_lab_cell *c);
struct cb_lab_counts cb_lab_count(const struct cb_lab_result *r);

#endif
