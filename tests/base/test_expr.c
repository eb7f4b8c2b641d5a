// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_expr.c - the grammar of conditions: here a condition becomes a text with all its parentheses. */
#include "base/expr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"

static char nodes[64][256];
static int used;

static void *test(struct cb_expr *p)
{
	static const char *const ops[] = {"", "==", "!=", "<", "<=", ">", ">=", "~", "!~"};
	char *n = nodes[used++];
	struct cb_word field, value;
	enum cb_op op;

	if (!cb_expr_field(p, &field))
		return NULL;
	op = cb_expr_op(p);
	if (op == CB_OP_NONE) {
		snprintf(n, sizeof(nodes[0]), "%s", field.text);
		return n;
	}
	if (!cb_expr_value(p, op >= CB_OP_GLOB, &value))
		return NULL;
	snprintf(n, sizeof(nodes[0]), value.quoted ? "%s%s'%s'" : "%s%s%s", field.text, ops[op], value.text);
	return n;
}

static void *join(struct cb_expr *p, enum cb_join how, void *a, void *b)
{
	char *n = nodes[used++];

	if (how == CB_JOIN_NOT)
		snprintf(n, sizeof(nodes[0]), "!%.100s", (char *)a);
	else
		snprintf(n, sizeof(nodes[0]), "(%.100s%s%.100s)", (char *)a, how == CB_JOIN_AND ? "&" : "|", (char *)b);
	return n;
}

/* What becomes of it, or the message. */
static const char *parsed(const char *text)
{
	static struct cb_err e;
	char *words = calloc(2, strlen(text) + 1);
	struct cb_expr p = {.what = "filter", .begin = text, .texts = words, .e = &e, .test = test, .join = join};
	const char *root;

	assert_non_null(words);
	used = 0;
	e = (struct cb_err){0};
	root = cb_expr_parse(&p);
	assert_int_equal(!root, p.err == -EINVAL);
	free(words);
	return root ? root : e.text;
}

static void and_binds_closer_than_or(void **state)
{
	assert_string_equal(parsed("a || b && c || d"), "((a|(b&c))|d)");
	assert_string_equal(parsed("(a || b) && c"), "((a|b)&c)");
	assert_string_equal(parsed("!a && !(b || c)"), "(!a&!(b|c))");
	assert_string_equal(parsed("!!a"), "!!a");
}

static void words_and_texts(void **state)
{
	assert_string_equal(parsed(" key.pid==42&&comm ~ \"n g*\" "), "(key.pid==42&comm~'n g*')");
	assert_string_equal(parsed("a = 1"), "a==1");
	assert_string_equal(parsed("a !~ x && b>=-2 && c<3"), "((a!~x&b>=-2)&c<3)");
	/* what \ means to a pattern it keeps */
	assert_string_equal(parsed("a == 'it\\'s \\*'"), "a=='it's *'");
	assert_string_equal(parsed("a ~ 'it\\'s \\*'"), "a~'it\\'s \\*'");
	assert_string_equal(parsed("a == ''"), "a==''");
}

static void mistakes_have_a_column(void **state)
{
	assert_string_equal(parsed(""), "the filter is wrong at column 1: it ends where a field's name is expected");
	assert_string_equal(parsed("a &&"),
			    "the filter is wrong at column 5: it ends where a field's name is expected");
	assert_string_equal(parsed("a == )"), "the filter is wrong at column 6: a value is expected here");
	assert_string_equal(parsed("a =="), "the filter is wrong at column 5: it ends where a value is expected");
	assert_string_equal(parsed("(a"), "the filter is wrong at column 3: a ) is missing here");
	assert_string_equal(parsed("a b"), "the filter is wrong at column 3: && or || or the end is expected here");
	assert_string_equal(parsed("a == 'x"),
			    "the filter is wrong at column 6: the text that begins here has no closing quote");
}

static void what_is_too_long_or_too_deep_is_refused(void **state)
{
	char text[CB_EXPR_MAX + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[CB_EXPR_MAX + 1] = '\0';
	assert_string_equal(parsed(text), "the filter is longer than 4096 characters");
	memset(text, '!', 65);
	strcpy(text + 65, "a");
	assert_string_equal(parsed(text), "the filter is wrong at column 65: too many ( and ! in each other");
	memset(text, '!', 60);
	strcpy(text + 60, "a");
	assert_int_equal(strlen(parsed(text)), 61);
}

static void operators_hold(void **state)
{
	assert_true(cb_op_holds(CB_OP_EQ, 0) && !cb_op_holds(CB_OP_EQ, 1));
	assert_true(cb_op_holds(CB_OP_NE, -1) && !cb_op_holds(CB_OP_NE, 0));
	assert_true(cb_op_holds(CB_OP_LT, -5) && !cb_op_holds(CB_OP_LT, 0));
	assert_true(cb_op_holds(CB_OP_LE, 0) && !cb_op_holds(CB_OP_LE, 1));
	assert_true(cb_op_holds(CB_OP_GT, 1) && !cb_op_holds(CB_OP_GT, 0));
	assert_true(cb_op_holds(CB_OP_GE, 0) && !cb_op_holds(CB_OP_GE, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(and_binds_closer_than_or), cmocka_unit_test(words_and_texts),
		cmocka_unit_test(mistakes_have_a_column),   cmocka_unit_test(what_is_too_long_or_too_deep_is_refused),
		cmocka_unit_test(operators_hold),
	};

	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
