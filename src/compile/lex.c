// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* lex.c - see lex.h. */
#include "compile/lex.h"

#include <string.h>

enum { NAME = 1, DIGIT = 2, BLANK = 4 };

/* '$' is part of names for clang, too. Bytes above 127 are parts of names in UTF-8. */
static const unsigned char classes[256] = {
	['a' ... 'z'] = NAME, ['A' ... 'Z'] = NAME,  ['_'] = NAME,   ['$'] = NAME,
	[128 ... 255] = NAME, ['0' ... '9'] = DIGIT, [' '] = BLANK,  ['\t'] = BLANK,
	['\f'] = BLANK,	      ['\v'] = BLANK,	     ['\r'] = BLANK,
};

static bool is(char c, int class)
{
	return classes[(unsigned char)c] & class;
}

/* How long a line continuation is that stands at p; 0 when there is none. */
static size_t continuation(const char *p, const char *end)
{
	if (end - p >= 2 && p[1] == '\n')
		return 2;
	return end - p >= 3 && p[1] == '\r' && p[2] == '\n' ? 3 : 0;
}

/* Behind a comment from there to the end of the line; the newline itself is left. */
static const char *skip_line(const char *p, const char *end)
{
	for (;;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			return end;
		if (newline[-1] != '\\' && !(newline[-1] == '\r' && newline[-2] == '\\'))
			return newline;
		p = newline + 1;
		if (p == end)
			return end;
	}
}

/* p is behind the opening of a comment. Comments are most of a library's header, hence memchr. */
static const char *skip_comment(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && (p = memchr(p, '/', (size_t)(end - p)))) {
		if (p > from && p[-1] == '*')
			return p + 1;
		p++;
	}
	return end;
}

static const char *skip_string(const char *p, const char *end)
{
	char quote = *p++;

	while (p < end && *p != quote && *p != '\n')
		p += *p == '\\' && end - p >= 2 ? 2 : 1;
	return p < end && *p == quote ? p + 1 : p;
}

static enum cb_word found(struct cb_lex *lx, enum cb_word kind, const char *to)
{
	lx->kind = kind;
	lx->text = lx->at;
	lx->len = (size_t)(to - lx->at);
	lx->at = to;
	lx->line_begins = false;
	return kind;
}

/* White space and comments. True when a directive has ended on the way. */
static bool skip_blanks(struct cb_lex *lx)
{
	const char *p = lx->at, *end = lx->end;
	bool ended = false;

	while (p < end && !ended) {
		size_t n;

		if (is(*p, BLANK)) {
			p++;
		} else if (*p == '\n') {
			ended = lx->in_directive;
			lx->in_directive = false;
			lx->line_begins = true;
			p++;
		} else if (*p == '/' && end - p >= 2 && p[1] == '*') {
			p = skip_comment(p + 2, end);
		} else if (*p == '/' && end - p >= 2 && p[1] == '/') {
			p = skip_line(p + 2, end);
		} else if (*p == '\\' && (n = continuation(p, end))) {
			p += n;
		} else {
			break;
		}
	}
	lx->at = p;
	return ended;
}

enum cb_word cb_lex_next(struct cb_lex *lx)
{
	const char *p, *end = lx->end;

	if (skip_blanks(lx)) {
		lx->len = 0;
		return lx->kind = CB_WORD_EOL;
	}
	p = lx->at;
	if (p == end) {
		lx->len = 0;
		lx->kind = lx->in_directive ? CB_WORD_EOL : CB_WORD_NONE;
		lx->in_directive = false;
		return lx->kind;
	}
	if (is(*p, NAME)) {
		while (p < end && is(*p, NAME | DIGIT))
			p++;
		return found(lx, CB_WORD_NAME, p);
	}
	if (is(*p, DIGIT)) {
		while (p < end && (is(*p, NAME | DIGIT) || *p == '.'))
			p++;
		return found(lx, CB_WORD_NUMBER, p);
	}
	if (*p == '"' || *p == '\'')
		return found(lx, CB_WORD_STRING, skip_string(p, end));
	/* "%:" is another way to write '#' */
	if (lx->line_begins && (*p == '#' || (*p == '%' && end - p >= 2 && p[1] == ':'))) {
		lx->in_directive = true;
		return found(lx, CB_WORD_HASH, p + (*p == '#' ? 1 : 2));
	}
	if (end - p >= 2 && ((*p == '-' && p[1] == '>') || (*p == '#' && p[1] == '#')))
		return found(lx, CB_WORD_OTHER, p + 2);
	return found(lx, CB_WORD_OTHER, p + 1);
}
