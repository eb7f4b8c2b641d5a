// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * filter.c - which records a user wants to see: an expression (base/expr.h) over a plan's fields.
 *
 * What a word means depends on the field it is compared with: "10" is a number for a u32, ten milliseconds for an lbc_ms_t, a
 * name for a char array. So parsing is typed: every mistake is found before the first record. A word may also be another
 * field of the same kind.
 *
 * Numbers are compared in 128 bits, in which every signed and unsigned number of 64 bits has its place, and durations of
 * all units have theirs in nanoseconds. Patterns (~) are matched with the text that CSV would show.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/expr.h"
#include "base/units.h"
#include "output/plan.h"

enum node_kind {
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_TRUTH,  /* a field alone: not zero, not empty */
	NODE_NUMBER, /* with number */
	NODE_ERROR,  /* with number, the sign does not count */
	NODE_FLOAT,
	NODE_TEXT,    /* with text; fields that are no text are printed first */
	NODE_ADDRESS, /* the field's bytes with text */
	NODE_FIELD,   /* with other */
	NODE_GLOB,
};

struct node {
	enum node_kind kind;
	enum cb_op op;
	const struct node *a, *b;
	const struct cb_field *f, *other;
	__int128 number;
	double real;
	const char *text;
	size_t len;
};

struct cb_filter {
	const struct cb_plan *plan;
	const struct node *root;
	char *texts;	    /* of fields and values, and addresses */
	struct node *nodes; /* at most as many as the expression has characters */
	size_t n;
};

/* ---- Evaluation ------------------------------------------------------------------------------------------------ */

static __int128 number_of(const struct cb_filter *f, const struct cb_field *field, const void *record)
{
	uint64_t v;

	if (field->as == CB_AS_TIME)
		return cb_field_epoch(f->plan, field, record);
	v = cb_field_load(field, record);
	if (field->as == CB_AS_DURATION)
		return (__int128)v * field->unit;
	return cb_load_signed(field->load) ? (__int128)(int64_t)v : (__int128)v;
}

static double float_of(const struct cb_field *f, const void *record)
{
	const char *at = (const char *)record + f->off;
	double v;
	float v32;

	if (f->as == CB_AS_DOUBLE) {
		memcpy(&v, at, sizeof(v));
		return v;
	}
	memcpy(&v32, at, sizeof(v32));
	return (double)v32;
}

static int compare_numbers(__int128 a, __int128 b)
{
	return a < b ? -1 : a > b;
}

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int order = n ? memcmp(a, b, n) : 0;

	return order ? order : compare_numbers((__int128)a_len, (__int128)b_len);
}

/* Text and patterns: char arrays as they are, everything else printed first. */
static bool match_text(const struct cb_filter *filter, const struct node *n, const void *record)
{
	const char *text = (const char *)record + n->f->off;
	struct cb_buf printed = {0};
	size_t len;
	bool match;

	if (n->f->as == CB_AS_TEXT) {
		len = cb_field_text_len(n->f, record);
	} else {
		cb_field_put(filter->plan, n->f, record, CB_FOR_PROGRAMS, &printed);
		text = printed.data;
		len = printed.len;
	}
	if (n->kind == NODE_GLOB)
		match = cb_glob(n->text, n->len, text, len) == (n->op == CB_OP_GLOB);
	else
		match = cb_op_holds(n->op, compare_text(text, len, n->text, n->len));
	cb_buf_free(&printed);
	return match;
}

static bool match_field(const struct cb_filter *filter, const struct node *n, const void *record)
{
	const char *a = (const char *)record + n->f->off, *b = (const char *)record + n->other->off;

	if (n->f->as == CB_AS_TEXT)
		return cb_op_holds(n->op, compare_text(a, cb_field_text_len(n->f, record), b,
						       cb_field_text_len(n->other, record)));
	if (n->f->as == CB_AS_IPV4 || n->f->as == CB_AS_IPV6)
		return cb_op_holds(n->op, memcmp(a, b, n->f->size));
	return cb_op_holds(n->op,
			   compare_numbers(number_of(filter, n->f, record), number_of(filter, n->other, record)));
}

static bool is_true(const struct cb_field *f, const void *record)
{
	const char *at = (const char *)record + f->off;

	if (cb_field_is_stack(f))
		return (int32_t)cb_field_load(f, record) >= 0;
	if (f->load != CB_LOAD_NONE)
		return cb_field_load(f, record) != 0;
	if (f->as == CB_AS_TEXT)
		return *at;
	if (f->as == CB_AS_FLOAT || f->as == CB_AS_DOUBLE)
		return float_of(f, record) != 0;
	for (uint32_t i = 0; i < f->size; i++)
		if (at[i])
			return true;
	return false;
}

static bool match(const struct cb_filter *filter, const struct node *n, const void *record)
{
	__int128 v;
	double real;

	switch (n->kind) {
	case NODE_AND:
		return match(filter, n->a, record) && match(filter, n->b, record);
	case NODE_OR:
		return match(filter, n->a, record) || match(filter, n->b, record);
	case NODE_NOT:
		return !match(filter, n->a, record);
	case NODE_TRUTH:
		return is_true(n->f, record);
	case NODE_NUMBER:
		return cb_op_holds(n->op, compare_numbers(number_of(filter, n->f, record), n->number));
	case NODE_ERROR:
		v = number_of(filter, n->f, record);
		return cb_op_holds(n->op, compare_numbers(v < 0 ? -v : v, n->number));
	case NODE_FLOAT:
		real = float_of(n->f, record);
		if (real != real) /* no number: equal to nothing, before and behind nothing */
			return n->op == CB_OP_NE;
		return cb_op_holds(n->op, real < n->real ? -1 : real > n->real);
	case NODE_ADDRESS:
		return cb_op_holds(n->op, memcmp((const char *)record + n->f->off, n->text, n->len));
	case NODE_FIELD:
		return match_field(filter, n, record);
	default:
		return match_text(filter, n, record);
	}
}

bool cb_filter_match(const struct cb_filter *f, const void *record)
{
	return match(f, f->root, record);
}

/* ---- Parser ---------------------------------------------------------------------------------------------------- */

static struct cb_filter *filter_of(const struct cb_expr *p)
{
	return p->ctx;
}

/* "WHAT; there are: a, b, c" */
static struct node *wrong_list(struct cb_expr *p, const char *at, struct cb_buf *what)
{
	cb_expr_wrong(p, at, cb_buf_cstr(what));
	cb_buf_free(what);
	return NULL;
}

static struct node *new_node(struct cb_expr *p, enum node_kind kind)
{
	struct cb_filter *f = filter_of(p);
	struct node *n = &f->nodes[f->n++];

	*n = (struct node){.kind = kind};
	return n;
}

static const struct cb_field *find_field(const struct cb_plan *plan, const char *name, size_t len)
{
	for (size_t i = 0; i < plan->top.n; i++) {
		const char *known = *plan->top.fields[i].name ? plan->top.fields[i].name : "value";

		if (strlen(known) == len && !memcmp(known, name, len))
			return &plan->top.fields[i];
	}
	return NULL;
}

static const struct cb_field *parse_field(struct cb_expr *p)
{
	const struct cb_plan *plan = filter_of(p)->plan;
	const struct cb_field *f;
	struct cb_buf what = {0};
	struct cb_word name;

	if (!cb_expr_field(p, &name))
		return NULL;
	f = find_field(plan, name.text, name.len);
	if (f)
		return f;
	cb_buf_printf(&what, "there is no field \"%s\"; there are:", name.text);
	for (size_t i = 0; i < plan->top.n; i++)
		cb_buf_printf(&what, "%s %s", i ? "," : "",
			      *plan->top.fields[i].name ? plan->top.fields[i].name : "value");
	wrong_list(p, name.at, &what);
	return NULL;
}

/* ---- What a value means to a field ----------------------------------------------------------------------------- */

static struct node *not_for(struct cb_expr *p, const struct cb_field *f, const struct cb_word *v, const char *expected)
{
	struct cb_buf what = {0};

	cb_buf_printf(&what, "\"%s\" is not a value of %s (%s): %s", v->text, *f->name ? f->name : "value", f->type,
		      expected);
	return wrong_list(p, v->at, &what);
}

static struct node *enum_error(struct cb_expr *p, const struct cb_field *f, const struct cb_word *v)
{
	struct cb_buf names = {0};
	struct node *none;

	cb_buf_str(&names, "it has");
	for (size_t i = 0, shown = 0; i < f->enumeration->n; i++)
		if (f->enumeration->list[i].name)
			cb_buf_printf(&names, "%s %s", shown++ ? "," : "", f->enumeration->list[i].name);
	none = not_for(p, f, v, cb_buf_cstr(&names));
	cb_buf_free(&names);
	return none;
}

/* The number that a name stands for with this field; false when it is none. */
static bool named_number(const struct cb_field *f, const struct cb_word *v, struct node *n)
{
	bool minus = *v->text == '-';
	int64_t found = -1;

	switch (f->as) {
	case CB_AS_BOOL:
		found = !strcmp(v->text, "true") ? 1 : !strcmp(v->text, "false") ? 0 : -1;
		break;
	case CB_AS_SYSCALL:
		found = cb_syscall_number(v->text);
		break;
	case CB_AS_SIGNAL:
		found = cb_signal_number(v->text);
		break;
	case CB_AS_ERRNO:
	case CB_AS_RET:
		found = cb_errno_number(v->text + minus);
		break;
	case CB_AS_ENUM:
		for (size_t i = 0; i < f->enumeration->n; i++) {
			const struct cb_enumerator *m = &f->enumeration->list[i];

			if (m->name && !strcmp(m->name, v->text)) {
				n->number = cb_load_signed(f->load) ? (__int128)m->value : (__int128)(uint64_t)m->value;
				return true;
			}
		}
		break;
	}
	if (found < 0)
		return false;
	n->number = f->as == CB_AS_RET ? -(__int128)found : (__int128)found;
	if (f->as == CB_AS_ERRNO)
		n->kind = NODE_ERROR;
	return true;
}

static struct node *number_error(struct cb_expr *p, const struct cb_field *f, const struct cb_word *v, int err)
{
	uint64_t ns;

	if (err == -ERANGE)
		return not_for(p, f, v, "it has more than 64 bits");
	switch (f->as) {
	case CB_AS_ENUM:
		return enum_error(p, f, v);
	case CB_AS_DURATION:
		return not_for(p, f, v, "a duration is expected, as in 10us, 1.5ms or 2s");
	case CB_AS_BOOL:
		return not_for(p, f, v, "true or false is expected");
	case CB_AS_SYSCALL:
		return not_for(p, f, v, "a system call's name or number is expected");
	case CB_AS_SIGNAL:
		return not_for(p, f, v, "a signal's name or number is expected");
	case CB_AS_ERRNO:
	case CB_AS_RET:
		return not_for(p, f, v, "a number or an error's name is expected, as in ENOENT");
	default:
		if (!cb_parse_duration(v->text, 0, &ns))
			return not_for(p, f, v, "the field has no unit of time, a number without one is expected");
		return not_for(p, f, v, "a number is expected");
	}
}

static struct node *number_value(struct cb_expr *p, const struct cb_word *v, struct node *n)
{
	struct cb_number number;
	uint64_t ns;
	int err;

	n->kind = NODE_NUMBER;
	if (named_number(n->f, v, n))
		return n;
	if (v->quoted && n->f->as != CB_AS_ENUM)
		return number_error(p, n->f, v, -EINVAL);
	if (n->f->as == CB_AS_DURATION) {
		err = cb_parse_duration(v->text, n->f->unit, &ns);
		n->number = ns;
	} else {
		err = cb_parse_number(v->text, &number);
		n->number = number.negative ? -(__int128)number.magnitude : (__int128)number.magnitude;
	}
	return err ? number_error(p, n->f, v, err) : n;
}

static struct node *address_value(struct cb_expr *p, const struct cb_word *v, struct node *n)
{
	char bytes[16] = {[10] = (char)0xff, [11] = (char)0xff};

	n->kind = NODE_ADDRESS;
	n->len = n->f->size;
	if (n->f->as == CB_AS_IPV6 && inet_pton(AF_INET6, v->text, bytes) == 1)
		n->text = p->texts;
	else if (inet_pton(AF_INET, v->text, bytes + (n->f->as == CB_AS_IPV6 ? 12 : 0)) == 1)
		n->text = p->texts;
	else
		return not_for(p, n->f, v,
			       n->f->as == CB_AS_IPV6 ? "an address is expected, as in 10.0.0.1 or fe80::1"
						      : "an IPv4 address is expected, as in 10.0.0.1");
	memcpy(p->texts, bytes, n->len);
	p->texts += n->len;
	return n;
}

static struct node *float_value(struct cb_expr *p, const struct cb_word *v, struct node *n)
{
	char *end;

	n->kind = NODE_FLOAT;
	n->real = strtod(v->text, &end);
	return *end || v->quoted ? not_for(p, n->f, v, "a number is expected") : n;
}

static struct node *text_value(const struct cb_word *v, struct node *n, enum node_kind kind)
{
	n->kind = kind;
	n->text = v->text;
	n->len = v->len;
	return n;
}

static bool is_plain_number(const struct cb_word *v)
{
	struct cb_number number;

	return !v->quoted && !cb_parse_number(v->text, &number);
}

/* Both have text, or addresses of one size, or numbers. */
static bool comparable(const struct cb_field *a, const struct cb_field *b)
{
	bool a_number = a->load != CB_LOAD_NONE && a->as != CB_AS_IPV4;
	bool b_number = b->load != CB_LOAD_NONE && b->as != CB_AS_IPV4;

	return a_number ? b_number
			: a->as == b->as && (a->as == CB_AS_TEXT || a->as == CB_AS_IPV4 || a->as == CB_AS_IPV6);
}

static struct node *bind_value(struct cb_expr *p, const struct cb_word *v, struct node *n)
{
	const struct cb_field *f = n->f;

	if (n->op == CB_OP_GLOB || n->op == CB_OP_NOT_GLOB)
		return text_value(v, n, NODE_GLOB);
	n->other = v->quoted ? NULL : find_field(filter_of(p)->plan, v->text, v->len);
	if (n->other && comparable(f, n->other)) {
		n->kind = NODE_FIELD;
		return n;
	}
	switch (f->as) {
	case CB_AS_TEXT:
	case CB_AS_CHAR:
		return text_value(v, n, NODE_TEXT);
	case CB_AS_KSYM:
	case CB_AS_CGROUP:
	case CB_AS_DEV:
		return is_plain_number(v) ? number_value(p, v, n) : text_value(v, n, NODE_TEXT);
	case CB_AS_WIDE:
		return text_value(v, n, NODE_TEXT);
	case CB_AS_IPV4:
	case CB_AS_IPV6:
		return address_value(p, v, n);
	case CB_AS_FLOAT:
	case CB_AS_DOUBLE:
		return float_value(p, v, n);
	case CB_AS_ARRAY:
	case CB_AS_KSTACK:
	case CB_AS_USTACK:
		return not_for(p, f, v, "such a field can only be compared with a pattern, as in ~ \"*text*\"");
	default:
		return number_value(p, v, n);
	}
}

/* ---- Grammar --------------------------------------------------------------------------------------------------- */

static void *join(struct cb_expr *p, enum cb_join how, void *a, void *b)
{
	struct node *n = new_node(p, how == CB_JOIN_AND ? NODE_AND : how == CB_JOIN_OR ? NODE_OR : NODE_NOT);

	n->a = a;
	n->b = b;
	return n;
}

static void *parse_test(struct cb_expr *p)
{
	const struct cb_field *f = parse_field(p);
	struct cb_word v;
	struct node *n;

	if (!f)
		return NULL;
	n = new_node(p, NODE_TRUTH);
	n->f = f;
	n->op = cb_expr_op(p);
	if (n->op == CB_OP_NONE)
		return n;
	return cb_expr_value(p, n->op >= CB_OP_GLOB, &v) ? bind_value(p, &v, n) : NULL;
}

struct cb_filter *cb_filter_new(const struct cb_plan *plan, const char *text, struct cb_err *e)
{
	size_t len = strnlen(text, CB_EXPR_MAX);
	struct cb_filter *f = calloc(1, sizeof(*f));
	struct cb_expr p = {.what = "filter", .begin = text, .e = e, .ctx = f, .test = parse_test, .join = join};

	/* a word takes at most its own characters, a zero, and 16 bytes of an address, of which one character ("0") and
	 * an operator is the shortest text */
	if (f) {
		f->plan = plan;
		f->texts = calloc(1, (len + 1) * 20);
		f->nodes = calloc(len + 1, sizeof(*f->nodes));
	}
	if (!f || !f->texts || !f->nodes) {
		cb_filter_free(f);
		errno = -cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	p.texts = f->texts;
	f->root = cb_expr_parse(&p);
	if (f->root)
		return f;
	cb_filter_free(f);
	errno = -p.err;
	return NULL;
}

void cb_filter_free(struct cb_filter *f)
{
	if (!f)
		return;
	free(f->texts);
	free(f->nodes);
	free(f);
}
