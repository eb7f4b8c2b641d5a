// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* words.c - lists of strings, and a line split into words as sh does it: see spec.h and words.h. */
#include "lab/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

bool cb_lab_words_add(struct cb_lab_words *list, char *text)
{
	char **more = text ? realloc(list->w, (list->n + 2) * sizeof(*more)) : NULL;

	if (!more) {
		free(text);
		return false;
	}
	list->w = more;
	list->w[list->n++] = text;
	list->w[list->n] = NULL;
	return true;
}

void cb_lab_words_free(struct cb_lab_words *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->w[i]);
	free(list->w);
	*list = (struct cb_lab_words){0};
}

/* What stands in quotes of one kind, behind the opening one; NULL: there is no closing one. */
static const char *quoted(const char *at, char quote, struct cb_buf *out)
{
	for (; *at && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && at[1] && strchr("\"\\$`", at[1]))
			at++;
		cb_buf_ch(out, *at);
	}
	return *at ? at + 1 : NULL;
}

static const char *one_word(const char *at, struct cb_buf *out, struct cb_err *e)
{
	while (*at && !strchr(" \t", *at)) {
		char c = *at++;

		if (c == '\'' || c == '"') {
			at = quoted(at, c, out);
			if (!at) {
				cb_fail(e, EINVAL, "a text that begins with %c has no %c at its end", c, c);
				return NULL;
			}
		} else if (c == '\\' && !*at) {
			cb_fail(e, EINVAL, "a \\ at the end of the line: a directive is one line");
			return NULL;
		} else {
			cb_buf_ch(out, c == '\\' ? *at++ : c);
		}
	}
	return at;
}

int cb_lab_words_split(const char *text, struct cb_lab_words *out, struct cb_err *e)
{
	struct cb_buf word = {0};
	int err = 0;

	while (!err && *(text += strspn(text, " \t"))) {
		if (*text == '#') {
			err = cb_fail(e, EINVAL,
				      "a comment has a line of its own; a word that begins with # stands in quotes");
			break;
		}
		word.len = 0;
		text = one_word(text, &word, e);
		if (!text)
			err = -EINVAL;
		else if (!cb_lab_words_add(out, word.failed ? NULL : strdup(cb_buf_cstr(&word))))
			err = cb_fail(e, ENOMEM, "out of memory");
	}
	cb_buf_free(&word);
	if (err)
		cb_lab_words_free(out);
	return err;
}
