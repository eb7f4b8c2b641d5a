// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* expr.c - see expr.h. One function for each line of the grammar. */
#include "base/expr.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 64 }; /* ( and ! in each other */

bool cb_op_holds(enum cb_op op, int order)
{
	switch (op) {
	case CB_OP_EQ:
		return order == 0;
	case CB_OP_NE:
		return order != 0;
	case CB_OP_LT:
		return order < 0;
	case CB_OP_LE:
		return order <= 0;
	case CB_OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

void *cb_expr_wrong(struct cb_expr *p, const char *at, const char *why)
{
	if (!p->err)
		p->err = cb_fail(p->e, EINVAL, "the %s is wrong at column %zu: %s", p->what,
				 (size_t)(at - p->begin) + 1, why);
	return NULL;
}

/* ---- Words ----------------------------------------------------------------------------------------------------- */

static void skip_space(struct cb_expr *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct cb_expr *p, const char *token)
{
	size_t n = strlen(token);

	skip_space(p);
	if (strncmp(p->at, token, n))
		return false;
	p->at += n;
	return true;
}

static void end_word(struct cb_expr *p, struct cb_word *w)
{
	w->len = (size_t)(p->texts - w->text);
	*p->texts++ = '\0';
}

bool cb_expr_field(struct cb_expr *p, struct cb_word *name)
{
	*name = (struct cb_word){.text = p->texts, .at = p->at};
	while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.')
		*p->texts++ = *p->at++;
	if (p->at == name->at) {
		cb_expr_wrong(p, p->at,
			      *p->at ? "a field's name is expected here" : "it ends where a field's name is expected");
		return false;
	}
	end_word(p, name);
	return true;
}

enum cb_op cb_expr_op(struct cb_expr *p)
{
	static const struct {
		const char *text;
		enum cb_op op;
	} ops[] = {
		{"==", CB_OP_EQ}, {"!=", CB_OP_NE}, {"<=", CB_OP_LE},  {">=", CB_OP_GE},       {"<", CB_OP_LT},
		{">", CB_OP_GT},  {"=", CB_OP_EQ},  {"~", CB_OP_GLOB}, {"!~", CB_OP_NOT_GLOB},
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (take(p, ops[i].text))
			return ops[i].op;
	return CB_OP_NONE;
}

static bool take_quoted(struct cb_expr *p, bool pattern)
{
	const char *start = p->at;
	char quote = *p->at++;

	while (*p->at && *p->at != quote) {
		if (*p->at == '\\' && p->at[1]) {
			if (pattern)
				*p->texts++ = '\\';
			p->at++;
		}
		*p->texts++ = *p->at++;
	}
	if (*p->at != quote) {
		cb_expr_wrong(p, start, "the text that begins here has no closing quote");
		return false;
	}
	p->at++;
	return true;
}

bool cb_expr_value(struct cb_expr *p, bool pattern, struct cb_word *value)
{
	skip_space(p);
	*value = (struct cb_word){.text = p->texts, .at = p->at, .quoted = *p->at == '"' || *p->at == '\''};
	if (value->quoted) {
		if (!take_quoted(p, pattern))
			return false;
	} else {
		while (*p->at && !isspace((unsigned char)*p->at) && !strchr("()&|!<>=\"'", *p->at))
			*p->texts++ = *p->at++;
		if (p->at == value->at) {
			cb_expr_wrong(p, p->at,
				      *p->at ? "a value is expected here" : "it ends where a value is expected");
			return false;
		}
	}
	end_word(p, value);
	return true;
}

/* ---- Grammar --------------------------------------------------------------------------------------------------- */

static void *parse_or(struct cb_expr *p);

static void *parse_term(struct cb_expr *p)
{
	void *n;

	skip_space(p);
	if (*p->at != '!' && *p->at != '(')
		return p->test(p);
	if (++p->depth > DEPTH_MAX)
		return cb_expr_wrong(p, p->at, "too many ( and ! in each other");
	if (*p->at++ == '!') {
		n = parse_term(p);
		n = n ? p->join(p, CB_JOIN_NOT, n, NULL) : NULL;
	} else {
		n = parse_or(p);
		if (n && !take(p, ")"))
			n = cb_expr_wrong(p, p->at, "a ) is missing here");
	}
	p->depth--;
	return n;
}

static void *parse_chain(struct cb_expr *p, const char *token, enum cb_join how, void *(*parse)(struct cb_expr *p))
{
	void *left = parse(p);

	while (left && take(p, token)) {
		void *right = parse(p);

		left = right ? p->join(p, how, left, right) : NULL;
	}
	return left;
}

static void *parse_and(struct cb_expr *p)
{
	return parse_chain(p, "&&", CB_JOIN_AND, parse_term);
}

static void *parse_or(struct cb_expr *p)
{
	return parse_chain(p, "||", CB_JOIN_OR, parse_and);
}

void *cb_expr_parse(struct cb_expr *p)
{
	void *root = NULL;

	p->at = p->begin;
	if (strlen(p->begin) > CB_EXPR_MAX) {
		p->err = cb_fail(p->e, EINVAL, "the %s is longer than %d characters", p->what, CB_EXPR_MAX);
		return NULL;
	}
	root = parse_or(p);
	skip_space(p);
	if (root && *p->at)
		root = cb_expr_wrong(p, p->at, "&& or || or the end is expected here");
	return root;
}
