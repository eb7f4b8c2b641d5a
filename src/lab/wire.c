// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* wire.c - see wire.h. */
#include "lab/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"

#define MARK "@lab "

enum { MARK_LEN = sizeof(MARK) - 1, DIGITS = 16, HEAD = MARK_LEN + DIGITS + 1 };

bool cb_wire_frame(struct cb_buf *out, const json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len = text ? strlen(text) : 0;
	bool fits = text && HEAD + len + 1 <= CB_WIRE_LINE;

	if (fits)
		cb_buf_printf(out, MARK "%016llx %s\n", (unsigned long long)cb_hash(text, len), text);
	free(text);
	return fits && !out->failed;
}

/* The last mark of the line: text may stand before a frame. */
static const char *find_mark(const char *line, size_t len)
{
	const char *found = NULL, *at = line;

	while ((at = memmem(at, len - (size_t)(at - line), MARK, MARK_LEN)))
		found = at++;
	return found;
}

/* The message of a frame that begins at p, or NULL. */
static json_t *read_frame(const char *p, size_t len)
{
	char digits[DIGITS + 1];
	json_t *message;

	if (len <= HEAD || p[HEAD - 1] != ' ')
		return NULL;
	snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)cb_hash(p + HEAD, len - HEAD));
	if (memcmp(digits, p + MARK_LEN, DIGITS))
		return NULL;
	message = json_loadb(p + HEAD, len - HEAD, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(message))
		return message;
	json_decref(message);
	return NULL;
}

static void line_done(struct cb_wire *w)
{
	size_t len = w->line.len;
	const char *line = w->line.data, *mark;
	json_t *message;

	/* a terminal's driver may have put them there */
	while (len && line[len - 1] == '\r')
		len--;
	mark = len ? find_mark(line, len) : NULL;
	message = mark ? read_frame(mark, len - (size_t)(mark - line)) : NULL;
	if (message)
		len = (size_t)(mark - line);
	if (len)
		w->text(w->ctx, line, len);
	if (message)
		w->frame(w->ctx, message);
	json_decref(message);
	w->line.len = 0;
}

void cb_wire_feed(struct cb_wire *w, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		const char *newline = memchr(p, '\n', len);
		size_t n = newline ? (size_t)(newline - p) : len;

		if (n > CB_WIRE_LINE - w->line.len) {
			n = CB_WIRE_LINE - w->line.len;
			newline = NULL;
		}
		cb_buf_add(&w->line, p, n);
		p += n + (newline ? 1 : 0);
		len -= n + (newline ? 1 : 0);
		if (newline || w->line.len == CB_WIRE_LINE)
			line_done(w);
		/* without memory, text is lost rather than the parser */
		if (w->line.failed)
			cb_buf_free(&w->line);
	}
}

void cb_wire_end(struct cb_wire *w)
{
	if (w->line.len)
		line_done(w);
}

void cb_wire_free(struct cb_wire *w)
{
	cb_buf_free(&w->line);
}
