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

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

struct node {
	enum node_kind kind;
	const struct node *a, *b;
	const char *field;
	enum cb_op op; /* CB_OP_NONE: the field alone */
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

	if (t->n->op == CB_OP_NONE)
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

		if (n->kind == NODE_TEST && n->op != CB_OP_NONE && n->value.truth &&
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

static struct node *new_node(struct cb_expr *p, enum node_kind kind)
{
	struct cb_lab_cond *c = p->ctx;
	struct node *n = &c->nodes[c->n++];

	*n = (struct node){.kind = kind};
	return n;
}

static void *join(struct cb_expr *p, enum cb_join how, void *a, void *b)
{
	struct node *n = new_node(p, how == CB_JOIN_AND ? NODE_AND : how == CB_JOIN_OR ? NODE_OR : NODE_NOT);

	n->a = a;
	n->b = b;
	return n;
}

static bool is_name(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && !text[n] && !isdigit((unsigned char)*text);
}

static bool parse_value(struct cb_expr *p, bool pattern, struct cb_lab_value *v)
{
	struct cb_lab_cond *c = p->ctx;
	struct cb_word word;

	if (!cb_expr_value(p, pattern, &word))
		return false;
	*v = (struct cb_lab_value){.text = word.text, .quoted = word.quoted, .scratch = &c->scratch};
	if (v->quoted || *v->text != '$')
		return true;
	v->truth = true;
	v->text++;
	if (!is_name(v->text))
		cb_expr_wrong(p, word.at,
			      "behind $ a name is expected, of letters, digits and _; a text with $ stands in quotes");
	return !p->err;
}

static void *parse_test(struct cb_expr *p)
{
	struct cb_word field;
	struct node *n;

	if (!cb_expr_field(p, &field))
		return NULL;
	n = new_node(p, NODE_TEST);
	n->field = field.text;
	n->op = cb_expr_op(p);
	if (n->op == CB_OP_NONE)
		return n;
	return parse_value(p, n->op >= CB_OP_GLOB, &n->value) ? n : NULL;
}

static struct cb_lab_cond *no_memory(struct cb_lab_cond *c, struct cb_err *e)
{
	cb_lab_cond_free(c);
	errno = -cb_fail(e, ENOMEM, "out of memory");
	return NULL;
}

struct cb_lab_cond *cb_lab_cond_new(const char *text, struct cb_err *e)
{
	struct cb_lab_cond *c = calloc(1, sizeof(*c));
	struct cb_expr p = {.what = "condition", .begin = text, .e = e, .ctx = c, .test = parse_test, .join = join};
	size_t len = strnlen(text, CB_EXPR_MAX);

	if (!c)
		return no_memory(c, e);
	/* a field or value takes its own characters and a zero, and one character is the shortest */
	c->texts = calloc(2, len + 1);
	c->nodes = calloc(len + 1, sizeof(*c->nodes));
	if (!c->texts || !c->nodes)
		return no_memory(c, e);
	p.texts = c->texts;
	c->root = cb_expr_parse(&p);
	if (c->root)
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
