// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* columns.c - see columns.h. */
#include "output/columns.h"

#include <ctype.h>

enum { TEXT_LEAST = 8 };

struct cb_column cb_column_for(const struct cb_field *f, const char *heading)
{
	unsigned width = (unsigned)cb_columns(heading, strlen(heading));
	struct cb_column c = {.width = width, .shown = width, .least = width > TEXT_LEAST ? width : TEXT_LEAST};

	c.right = f && cb_field_right(f);
	c.text = !c.right &&
		 (!f || f->as == CB_AS_TEXT || f->as == CB_AS_ARRAY || f->as == CB_AS_KSYM || f->as == CB_AS_CGROUP);
	return c;
}

void cb_columns_fit(struct cb_column *c, size_t n, unsigned terminal)
{
	unsigned total = 0;

	for (size_t i = 0; i < n; i++) {
		c[i].shown = c[i].width;
		total += c[i].width + (i > 0);
	}
	while (terminal && total > terminal) {
		struct cb_column *widest = NULL;

		for (size_t i = 0; i < n; i++)
			if (c[i].text && c[i].shown > c[i].least && (!widest || c[i].shown > widest->shown))
				widest = &c[i];
		if (!widest)
			return;
		widest->shown--;
		total--;
	}
}

void cb_column_heading(const char *name, struct cb_buf *out)
{
	size_t start = out->len;

	cb_text_people(name, strlen(name), out);
	for (size_t i = start; i < out->len; i++)
		out->data[i] = (char)toupper((unsigned char)out->data[i]);
}

void cb_column_put(const struct cb_column *c, const char *s, size_t n, unsigned max, bool last, struct cb_buf *out)
{
	size_t columns = cb_columns(s, n);

	if (max && columns > max) {
		size_t end = 0;

		for (columns = 0; end < n; end++)
			if ((s[end] & 0xc0) != 0x80 && columns++ == max)
				break;
		n = end;
		columns = max;
	}
	for (size_t i = columns; c->right && i < c->shown; i++)
		cb_buf_ch(out, ' ');
	cb_buf_add(out, s, n);
	for (size_t i = columns; !c->right && !last && i < c->shown; i++)
		cb_buf_ch(out, ' ');
}
