/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* stacks.h - what stacks.c keeps and svg.c draws. */
#ifndef CB_OUTPUT_STACKS_H
#define CB_OUTPUT_STACKS_H

#include "output/output.h"

struct cb_stack {
	uint64_t weight;
	size_t len;
	char text[]; /* "a;b;c" and a zero */
};

/* All of them (cb_stacks_count()) in no order; the caller frees the list, not what it points to. NULL: no memory. */
const struct cb_stack **cb_stacks_list(const struct cb_stacks *s);

#endif
