// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cond.c - see cond.h. The text is parsed once into nodes; what a value means is decided record by record (value.c).
 */
#include "lab/cond.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/value.h"

enum {
	TEXT_MAX = 4096, /* of a condition; bounds its nodes, too */
	DEPTH_MAX = 64,	 /* ( and ! in each other */
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

struct node {
	enum node_kind kind;
	const struct node *a, *b;
	const char *field;
	enum cb_lab_op op; /* CB_LAB_OP_NONE: the field alone */
	struct cb_lab_value value;
};

struct cb_lab_cond {
	const struct node *root;
	struct node *nodes; /* at most as many as the text has characters */
	size_t n;
	char *texts; /* fields and values */
	struct cb_buf scratch;
};

/* ---- Evaluation ------------------------------------------------------------------------------------------------ */

struct test {
	const struct node *n;
	const json_t *record;
	const struct cb_lab_truths *truths;
};

static bool test_value(void *ctx, const json_t *value)
{
	const struct test *t = ctx;

	if (t->n->op == CB_LAB_OP_NONE)
		return cb_lab_is_true(value);
	return cb_lab_compare(value, t->n->op, &t->n->value, t->record, t->truths);
}

static bool match(const struct node *n, const json_t *record, const struct cb_lab_truths *truths)
{
	struct test t = {.n = n, .record = record, .truths = truths};

	switch (n->kind) {
	case NODE_AND:
		return match(n->a, record, truths) && match(n->b, record, truths);
	case NODE_OR:
		return match(n->a, record, truths) || match(n->b, record, truths);
	case NODE_NOT:
		return !match(n->a, record, truths);
	default:
		return cb_lab_field_any(record, n->field, test_value, &t);
	}
}

bool cb_lab_cond_match(const struct cb_lab_cond *c, const json_t *record, const struct cb_lab_truths *truths)
{
	return match(c->root, record, truths);
}

bool cb_lab_cond_failed(const struct cb_lab_cond *c)
{
	return c->scratch.failed;
}

static size_t score(const struct node *n, const json_t *record, const struct cb_lab_truths *truths, size_t *of)
{
	size_t held;

	if (n->kind == NODE_AND) {
		held = score(n->a, record, truths, of);
		return held + score(n->b, record, truths, of);
	}
	++*of;
	return match(n, record, truths);
}

size_t cb_lab_cond_score(const struct cb_lab_cond *c, const json_t *record, const struct cb_lab_truths *truths,
			 size_t *of)
{
	*of = 0;
	return score(c->root, record, truths, of);
}

const char *cb_lab_cond_lacks(const struct cb_lab_cond *c, const struct cb_lab_truths *truths)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct node *n = &c->nodes[i];

		if (n->kind == NODE_TEST && n->op != CB_LAB_OP_NONE && n->value.truth &&
		    !cb_lab_truth(truths, n->value.text))
			return n->value.text;
	}
	return NULL;
}

static const struct node *nth_test(const struct cb_lab_cond *c, size_t nth)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->nodes[i].kind == NODE_TEST && !nth--)
			return &c->nodes[i];
	return NULL;
}

size_t cb_lab_cond_fields(const struct cb_lab_cond *c)
{
	size_t n = 0;

	while (nth_test(c, n))
		n++;
	return n;
}

const char *cb_lab_cond_field(const struct cb_lab_cond *c, size_t i)
{
	return nth_test(c, i)->field;
}

/* ---- Parser ---------------------------------------------------------------------------------------------------- */

struct parser {
	struct cb_lab_cond *cond;
	const char *begin, *at;
	char *texts; /* where the next text goes */
	struct cb_err *e;
	int err;
	int depth;
};

static struct node *wrong(struct parser *p, const char *at, const char *what)
{
	if (!p->err)
		p->err = cb_fail(p->e, EINVAL, "the condition is wrong at column %zu: %s", (size_t)(at - p->begin) + 1,
				 what);
	return NULL;
}

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, const char *token)
{
	size_t n = strlen(token);

	skip_space(p);
	if (strncmp(p->at, token, n))
		return false;
	p->at += n;
	return true;
}

static struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = &p->cond->nodes[p->cond->n++];

	*n = (struct node){.kind = kind};
	return n;
}

static const char *parse_field(struct parser *p)
{
	const char *start = p->at;
	char *name = p->texts;

	while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.')
		*p->texts++ = *p->at++;
	if (p->at == start) {
		wrong(p, start,
		      *start ? "a field's name is expected here" : "it ends where a field's name is expected");
		return NULL;
	}
	*p->texts++ = '\0';
	return name;
}

static enum cb_lab_op parse_op(struct parser *p)
{
	static const struct {
		const char *text;
		enum cb_lab_op op;
	} ops[] = {
		{"==", CB_LAB_OP_EQ}, {"!=", CB_LAB_OP_NE},  {"<=", CB_LAB_OP_LE},
		{">=", CB_LAB_OP_GE}, {"<", CB_LAB_OP_LT},   {">", CB_LAB_OP_GT},
		{"=", CB_LAB_OP_EQ},  {"~", CB_LAB_OP_GLOB}, {"!~", CB_LAB_OP_NOT_GLOB},
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (take(p, ops[i].text))
			return ops[i].op;
	return CB_LAB_OP_NONE;
}

/* Text in quotes, in which \ makes the next character an ordinary one. For patterns it stays: it means the same there. */
static bool parse_quoted(struct parser *p, bool pattern)
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
		wrong(p, start, "the text that begins here has no closing quote");
		return false;
	}
	p->at++;
	return true;
}

static bool is_name(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && !text[n] && !isdigit((unsigned char)*text);
}

static bool parse_value(struct parser *p, bool pattern, struct cb_lab_value *v)
{
	const char *start;

	skip_space(p);
	start = p->at;
	*v = (struct cb_lab_value){
		.text = p->texts, .quoted = *p->at == '"' || *p->at == '\'', .scratch = &p->cond->scratch};
	if (v->quoted) {
		if (!parse_quoted(p, pattern))
			return false;
	} else {
		while (*p->at && !isspace((unsigned char)*p->at) && !strchr("()&|!<>=\"'", *p->at))
			*p->texts++ = *p->at++;
		if (p->at == start) {
			wrong(p, p->at, *p->at ? "a value is expected here" : "it ends where a value is expected");
			return false;
		}
	}
	*p->texts++ = '\0';
	if (v->quoted || *v->text != '$')
		return true;
	v->truth = true;
	v->text++;
	if (!is_name(v->text))
		wrong(p, start,
		      "behind $ a name is expected, of letters, digits and _; a text with $ stands in quotes");
	return !p->err;
}

static struct node *parse_or(struct parser *p);

static struct node *parse_test(struct parser *p)
{
	const char *field = parse_field(p);
	struct node *n = field ? new_node(p, NODE_TEST) : NULL;

	if (!n)
		return NULL;
	n->field = field;
	n->op = parse_op(p);
	if (n->op == CB_LAB_OP_NONE)
		return n;
	return parse_value(p, n->op >= CB_LAB_OP_GLOB, &n->value) ? n : NULL;
}

static struct node *parse_term(struct parser *p)
{
	struct node *n, *inner;

	skip_space(p);
	if (*p->at != '!' && *p->at != '(')
		return parse_test(p);
	if (++p->depth > DEPTH_MAX)
		return wrong(p, p->at, "too many ( and ! in each other");
	if (*p->at++ == '!') {
		inner = parse_term(p);
		n = inner ? new_node(p, NODE_NOT) : NULL;
		if (n)
			n->a = inner;
	} else {
		n = parse_or(p);
		if (n && !take(p, ")"))
			n = wrong(p, p->at, "a ) is missing here");
	}
	p->depth--;
	return n;
}

static struct node *parse_chain(struct parser *p, const char *token, enum node_kind kind,
				struct node *(*parse)(struct parser *p))
{
	struct node *left = parse(p);

	while (left && take(p, token)) {
		struct node *right = parse(p), *both;

		if (!right)
			return NULL;
		both = new_node(p, kind);
		both->a = left;
		both->b = right;
		left = both;
	}
	return left;
}

static struct node *parse_and(struct parser *p)
{
	return parse_chain(p, "&&", NODE_AND, parse_term);
}

static struct node *parse_or(struct parser *p)
{
	return parse_chain(p, "||", NODE_OR, parse_and);
}

static struct cb_lab_cond *no_memory(struct cb_lab_cond *c, struct cb_err *e)
{
	cb_lab_cond_free(c);
	errno = -cb_fail(e, ENOMEM, "out of memory");
	return NULL;
}

struct cb_lab_cond *cb_lab_cond_new(const char *text, struct cb_err *e)
{
	size_t len = strlen(text);
	struct cb_lab_cond *c;
	struct parser p = {.begin = text, .at = text, .e = e};

	if (len > TEXT_MAX) {
		errno = -cb_fail(e, EINVAL, "the condition is longer than %d characters", TEXT_MAX);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return no_memory(c, e);
	/* a field or value takes its own characters and a zero, and one character is the shortest */
	c->texts = calloc(2, len + 1);
	c->nodes = calloc(len + 1, sizeof(*c->nodes));
	if (!c->texts || !c->nodes)
		return no_memory(c, e);
	p.cond = c;
	p.texts = c->texts;
	c->root = parse_or(&p);
	skip_space(&p);
	if (c->root && *p.at)
		wrong(&p, p.at, "&& or || or the end is expected here");
	if (!p.err)
		return c;
	cb_lab_cond_free(c);
	errno = -p.err;
	return NULL;
}

void cb_lab_cond_free(struct cb_lab_cond *c)
{
	if (!c)
		return;
	cb_buf_free(&c->scratch);
	free(c->texts);
	free(c->nodes);
	free(c);
}
