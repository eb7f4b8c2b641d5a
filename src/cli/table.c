// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* table.c - see table.h. */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_COLUMNS = 16 };

void cb_table_cell(struct cb_table *t, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cb_buf_add(&t->cells, text, strlen(text) + 1);
	t->count++;
}

static void print_cell(const char *text, int width, bool right, bool last)
{
	if (last && !right)
		printf("%s\n", text);
	else
		printf("%*s%s", right ? width : -width, text, last ? "\n" : "  ");
}

void cb_table_print(struct cb_table *t)
{
	int widths[MAX_COLUMNS] = {0};
	bool right[MAX_COLUMNS];
	const char *cell = t->cells.data;
	size_t columns = 0;

	for (; columns < MAX_COLUMNS && t->titles[columns]; columns++) {
		right[columns] = t->titles[columns][0] == '>';
		widths[columns] = (int)strlen(t->titles[columns] + right[columns]);
	}
	if (!columns)
		return;
	for (size_t i = 0; i < t->count && !t->cells.failed; i++, cell += strlen(cell) + 1)
		if ((int)strlen(cell) > widths[i % columns])
			widths[i % columns] = (int)strlen(cell);
	for (size_t i = 0; i < columns; i++)
		print_cell(t->titles[i] + right[i], widths[i], right[i], i + 1 == columns);
	cell = t->cells.data;
	for (size_t i = 0; i < t->count && !t->cells.failed; i++, cell += strlen(cell) + 1)
		print_cell(cell, widths[i % columns], right[i % columns], i % columns + 1 == columns);
	cb_buf_free(&t->cells);
	t->count = 0;
}
