/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * expr.h - the grammar of conditions, which is one for "coolbpf run --filter" (output/filter.c) and for the lab (lab/cond.c):
 *
 *	or     := and { "||" and }
 *	and    := term { "&&" term }
 *	term   := "!" term | "(" or ")" | FIELD [ OPERATOR VALUE ]
 *	VALUE  := "text" | 'text' | word
 *
 * OPERATOR is == != < <= > >= ~ !~ (a single = is taken for ==). A word is everything up to white space or one of
 * ( ) & | ! < > = and quotes. What fields and values mean, and what becomes of a condition, is the caller's.
 */
#ifndef CB_BASE_EXPR_H
#define CB_BASE_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
	CB_EXPR_MAX = 4096, /* characters; bounds its nodes, too: a caller needs one more than there are characters */
};

enum cb_op { CB_OP_NONE, CB_OP_EQ, CB_OP_NE, CB_OP_LT, CB_OP_LE, CB_OP_GT, CB_OP_GE, CB_OP_GLOB, CB_OP_NOT_GLOB };

enum cb_join { CB_JOIN_AND, CB_JOIN_OR, CB_JOIN_NOT };

/* A field or a value: its characters, and where they stood. */
struct cb_word {
	char *text; /* with a zero behind it, in cb_expr's texts */
	size_t len;
	const char *at;
	bool quoted;
};

struct cb_expr {
	const char *what;	/* "filter", for messages */
	const char *begin, *at; /* the text, and where the parser is */
	char *texts; /* where the next word goes; all words and their zeros take no more than the text twice */
	struct cb_err *e;
	int err; /* 0, or the first error, negative */
	int depth;
	void *ctx;
	/* FIELD [OPERATOR VALUE], read with the functions below. A node of the caller's; NULL: cb_expr_wrong() was called. */
	void *(*test)(struct cb_expr *p);
	/* A node of one (b is NULL) or two others; never NULL. */
	void *(*join)(struct cb_expr *p, enum cb_join how, void *a, void *b);
};

/* The whole text as a node, or NULL with err and a message that names the column. begin, what, texts, e, test, join are set. */
void *cb_expr_parse(struct cb_expr *p);

/* For test(). A field's name; false: there is none here. It is not looked for. */
bool cb_expr_field(struct cb_expr *p, struct cb_word *name);
enum cb_op cb_expr_op(struct cb_expr *p);
/* In quotes, \ makes the next character an ordinary one. For patterns it stays: it means the same there. */
bool cb_expr_value(struct cb_expr *p, bool pattern, struct cb_word *value);
/* "the WHAT is wrong at column N: ..."; NULL. Of several errors the first stays. */
void *cb_expr_wrong(struct cb_expr *p, const char *at, const char *why);

/* Does an operator hold whose left side compares so with its right one? For those that compare. */
bool cb_op_holds(enum cb_op op, int order);

#endif
