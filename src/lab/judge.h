/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* judge.h - what came of one test in a guest: the outcome becomes a verdict with its reason and details. */
#ifndef CB_LAB_JUDGE_H
#define CB_LAB_JUDGE_H

#include "lab/guest.h"
#include "lab/result.h"
#include "lab/spec.h"

/* on[i]: the test's expectation i is demanded on this kernel. cell is open before. */
void cb_lab_judge(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o,
		  struct cb_lab_cell *cell);

#endif
