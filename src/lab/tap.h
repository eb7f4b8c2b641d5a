/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* tap.h - what a test program says in TAP, as cmocka, bats and most others write it. */
#ifndef CB_LAB_TAP_H
#define CB_LAB_TAP_H

#include "lab/result.h"

struct cb_lab_tap {
	struct cb_lab_inner *results;
	size_t n, bad;	       /* bad: not ok, and neither skipped nor todo */
	unsigned long planned; /* of all plans ("1..N") that stand there */
	bool has_plan;
};

/* -ENOMEM. */
int cb_lab_tap_read(struct cb_lab_tap *tap, const char *text, size_t len);

#endif
