/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * table.h - text in aligned columns on standard output.
 *
 * Cells are added one after the other; cb_table_print() measures the columns, prints and empties the table. The last
 * column is not padded. A column whose title begins with '>' is aligned to the right.
 */
#ifndef CB_CLI_TABLE_H
#define CB_CLI_TABLE_H

#include "base/buf.h"

struct cb_table {
	const char *const *titles; /* ends with NULL */
	struct cb_buf cells;	   /* each with a zero at its end */
	size_t count;
};

void cb_table_cell(struct cb_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Print the titles (also when there are no rows) and the rows. */
void cb_table_print(struct cb_table *t);

#endif
