/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * lex.h - the words of a C text, for those who only want to know which names it uses and what it includes.
 *
 * Not a compiler's lexer: nothing is expanded, numbers and operators are not understood, and both sides of an #if are
 * read. Comments and line continuations count as white space, so that a name which a continuation cuts in two is seen as
 * two. Any bytes will do; what is not ended (a comment, a string) ends with its line or the text.
 */
#ifndef CB_COMPILE_LEX_H
#define CB_COMPILE_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum cb_word {
	CB_WORD_NONE, /* the text has ended */
	CB_WORD_NAME, /* an identifier or a keyword */
	CB_WORD_NUMBER,
	CB_WORD_STRING, /* or a character constant, with its quotes */
	CB_WORD_HASH,	/* the # that begins a directive */
	CB_WORD_EOL,	/* the end of a directive */
	CB_WORD_OTHER,	/* one character of text, or "->", or "##" */
};

struct cb_lex {
	const char *at, *end;
	bool in_directive;
	bool line_begins; /* nothing but white space stands on this line so far */
	/* The word that cb_lex_next() found. */
	enum cb_word kind;
	const char *text;
	size_t len;
};

static inline struct cb_lex cb_lex_of(const char *text, size_t len)
{
	return (struct cb_lex){.at = text, .end = text + len, .line_begins = true};
}

/* The kind of the next word, which is in lx->text then. */
enum cb_word cb_lex_next(struct cb_lex *lx);

static inline bool cb_lex_is(const struct cb_lex *lx, char c)
{
	return lx->kind == CB_WORD_OTHER && lx->len == 1 && lx->text[0] == c;
}

static inline bool cb_lex_says(const struct cb_lex *lx, const char *word, size_t len)
{
	return lx->len == len && !__builtin_memcmp(lx->text, word, len);
}

#endif
