/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * columns.h - aligned columns of text, on terminals no wider than these are.
 *
 * A column is as wide as its name and its values. If all of them are wider than the terminal, columns of text are made
 * smaller, always the widest by one, and what does not fit into them any more is cut. Without a terminal nothing is cut.
 */
#ifndef CB_OUTPUT_COLUMNS_H
#define CB_OUTPUT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "output/plan.h"

struct cb_column {
	unsigned width;	  /* wanted */
	unsigned shown;	  /* given, see cb_columns_fit() */
	unsigned least;	  /* it is not made smaller than this */
	bool right, text; /* text may be cut */
};

/* For the values of a field (NULL: a name) under this heading; at first as wide as the heading. */
struct cb_column cb_column_for(const struct cb_field *f, const char *heading);
/* Decide what is shown; terminal 0: everything. */
void cb_columns_fit(struct cb_column *c, size_t n, unsigned terminal);
/* The heading: the name in upper case, control characters escaped. */
void cb_column_heading(const char *name, struct cb_buf *out);
/* One cell of so many bytes, cut to max columns (0: not), padded unless nothing follows it. */
void cb_column_put(const struct cb_column *c, const char *s, size_t n, unsigned max, bool last, struct cb_buf *out);

#endif
