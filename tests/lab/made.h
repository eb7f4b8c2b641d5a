/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* made.h - a result that no run has made: every verdict, and texts that would break a report that trusted them. */
#ifndef CB_TESTS_LAB_MADE_H
#define CB_TESTS_LAB_MADE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/result.h"

static inline void made_note(struct cb_lab_cell *c, const char *title, const char *text)
{
	cb_lab_cell_note(c, title, text, strlen(text));
}

/* Four tests on three kernels. */
static inline struct cb_lab_result made_result(void)
{
	static const char *const tests[] = {"execsnoop", "tcp & <udp>", "panics", "test_attach"};
	static const char *const kernels[][2] = {
		{"debian:5.10", "5.10.0-35-cloud-amd64"},
		{"debian:6.1", "6.1.0-37-cloud-amd64"},
		{"debian:7.0/arm64", "7.0.3-cloud-arm64"},
	};
	struct cb_lab_result r;

	if (cb_lab_result_init(&r, 4, 3))
		abort();
	r.started = 1795780729;
	r.ns = 75200000000;
	for (size_t i = 0; i < 4; i++) {
		r.rows[i] = (struct cb_lab_row){.name = strdup(tests[i]), .path = strdup("tools/x.lab")};
		for (size_t k = 0; k < 3; k++)
			*cb_lab_cell_at(&r, i, k) =
				(struct cb_lab_cell){.verdict = CB_LAB_PASS, .ns = 1234000000 + i * 100000000};
	}
	r.rows[0].about = strdup("programs that are started");
	for (size_t k = 0; k < 3; k++)
		r.columns[k] = (struct cb_lab_column){.name = strdup(kernels[k][0]),
						      .release = strdup(kernels[k][1]),
						      .arch = strdup(k == 2 ? "arm64" : "x86_64"),
						      .boots = 1,
						      .boot_ns = 2100000000};
	r.columns[1].package = strdup("linux-image-6.1.0-37-cloud-amd64 6.1.140-1");
	r.columns[2].boots = 3;
	r.columns[2].retried = 1;
	r.columns[2].why = strdup("no line within 60s\nlast lines");
	for (size_t k = 0; k < 3; k++)
		cb_lab_cell_at(&r, 1, k)->verdict = CB_LAB_OPEN;
	cb_lab_cell_fail(cb_lab_cell_at(&r, 1, 0), CB_LAB_WHY_NO_EVENT,
			 "expect event comm == \"a<b>\" && x: no event came");
	made_note(cb_lab_cell_at(&r, 1, 0), "expectations that do not hold",
		  "x.lab:3: expect event comm == \"a<b>\" && x\n  no\n");
	made_note(cb_lab_cell_at(&r, 1, 0), "standard error", "\x1b[31mred\xff ]]> \t#\x01\n");
	cb_lab_cell_skip(cb_lab_cell_at(&r, 1, 1), "no fprobe <here> & there");
	cb_lab_cell_fail(cb_lab_cell_at(&r, 2, 2), CB_LAB_WHY_CRASH, "Kernel panic - not syncing: Fatal");
	made_note(cb_lab_cell_at(&r, 2, 2), "console", "[ 1.0] Oops\n[ 1.1] Kernel panic - not syncing: Fatal\n");
	return r;
}

static inline void made_inner(struct cb_lab_cell *c, const char *name, bool ok, const char *skip)
{
	c->inner = realloc(c->inner, (c->n_inner + 1) * sizeof(*c->inner));
	c->inner[c->n_inner++] =
		(struct cb_lab_inner){.name = strdup(name), .ok = ok, .skip = skip, .why = skip ? strdup(skip) : NULL};
}

#endif
