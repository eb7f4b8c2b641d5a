/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* hist.h - a histogram: counts by slot, and what range of values each slot stands for. */
#ifndef CB_OUTPUT_HIST_H
#define CB_OUTPUT_HIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum cb_hist_kind { CB_HIST_LOG2, CB_HIST_LOG10, CB_HIST_LINEAR };

struct cb_hist {
	enum cb_hist_kind kind;
	uint64_t step; /* CB_HIST_LINEAR: values per slot */
	char unit[32]; /* "" : none */
	const uint64_t *counts;
	size_t n;
};

/* The values that a slot counts, both ends included. */
void cb_hist_range(const struct cb_hist *h, size_t slot, uint64_t *from, uint64_t *to);
/* The slots in use: from the first to behind the last that is not zero. False: all are zero. */
bool cb_hist_used(const struct cb_hist *h, size_t *first, size_t *end);
/* Lines for people: a heading, then one for each slot in use. width: of the terminal, 0 unlimited. */
void cb_hist_text(const struct cb_hist *h, unsigned width, struct cb_buf *out);
/* "buckets":[{"from":0,"to":1,"count":12},...], with "unit":"ns", in front if there is one. */
void cb_hist_json(const struct cb_hist *h, struct cb_buf *out);

#endif
