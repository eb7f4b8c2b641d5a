// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * filter.c - which records a user wants to see: an expression over a plan's fields.
 *
 *	or     := and { "||" and }
 *	and    := term { "&&" term }
 *	term   := "!" term | "(" or ")" | FIELD [ OPERATOR VALUE ]
 *	VALUE  := "text" | 'text' | word
 *
 * OPERATOR is == != < <= > >= ~ !~ (a single = is taken for ==). A word is everything up to white space or one of
 * ( ) & | ! < > = and quotes. What it means depends on the field it is compared with: "10" is a number for a u32, ten
 * milliseconds for an lbc_ms_t, a name for a char array. So parsing is typed: every mistake is found before the first
 * record. A word may also be another field of the same kind.
 *
 * Numbers are compared in 128 bits, in which every signed and unsigned number of 64 bits has its place, and durations of
 * all units have theirs in nanoseconds. Patterns (~) are matched with the text that CSV would show.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "output/plan.h"

enum {
	TEXT_MAX = 4096, /* of an expression; bounds its nodes, too */
	DEPTH_MAX = 64,	 /* ( and ! in each other */
};

enum op { OP_NONE, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_GLOB, OP_NOT_GLOB };

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
	enum op op;
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
	char *text;	    /* the expression, and behind it the texts of values */
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

static bool holds(enum op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
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
		match = cb_glob(n->text, n->len, text, len) == (n->op == OP_GLOB);
	else
		match = holds(n->op, compare_text(text, len, n->text, n->len));
	cb_buf_free(&printed);
	return match;
}

static bool match_field(const struct cb_filter *filter, const struct node *n, const void *record)
{
	const char *a = (const char *)record + n->f->off, *b = (const char *)record + n->other->off;

	if (n->f->as == CB_AS_TEXT)
		return holds(n->op,
			     compare_text(a, cb_field_text_len(n->f, record), b, cb_field_text_len(n->other, record)));
	if (n->f->as == CB_AS_IPV4 || n->f->as == CB_AS_IPV6)
		return holds(n->op, memcmp(a, b, n->f->size));
	return holds(n->op, compare_numbers(number_of(filter, n->f, record), number_of(filter, n->other, record)));
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
		return holds(n->op, compare_numbers(number_of(filter, n->f, record), n->number));
	case NODE_ERROR:
		v = number_of(filter, n->f, record);
		return holds(n->op, compare_numbers(v < 0 ? -v : v, n->number));
	case NODE_FLOAT:
		real = float_of(n->f, record);
		if (real != real) /* no number: equal to nothing, before and behind nothing */
			return n->op == OP_NE;
		return holds(n->op, real < n->real ? -1 : real > n->real);
	case NODE_ADDRESS:
		return holds(n->op, memcmp((const char *)record + n->f->off, n->text, n->len));
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

struct parser {
	struct cb_filter *filter;
	const struct cb_plan *plan;
	const char *at;
	char *texts; /* where the next value's text goes */
	struct cb_err *e;
	int err;
	int depth;
};

/* A value: its characters, and where they stood. */
struct value {
	char *text; /* with a zero behind it */
	size_t len;
	const char *at;
	bool quoted;
};

static struct node *wrong(struct parser *p, const char *at, const char *what)
{
	if (!p->err)
		p->err = cb_fail(p->e, EINVAL, "the filter is wrong at column %zu: %s",
				 (size_t)(at - p->filter->text) + 1, what);
	return NULL;
}

/* "WHAT; there are: a, b, c" */
static struct node *wrong_list(struct parser *p, const char *at, struct cb_buf *what)
{
	wrong(p, at, cb_buf_cstr(what));
	cb_buf_free(what);
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
	struct node *n = &p->filter->nodes[p->filter->n++];

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

static const struct cb_field *parse_field(struct parser *p)
{
	const char *start = p->at;
	const struct cb_field *f;
	struct cb_buf what = {0};

	while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.')
		p->at++;
	if (p->at == start) {
		wrong(p, start,
		      *start ? "a field's name is expected here" : "it ends where a field's name is expected");
		return NULL;
	}
	f = find_field(p->plan, start, (size_t)(p->at - start));
	if (f)
		return f;
	cb_buf_printf(&what, "there is no field \"%.*s\"; there are:", (int)(p->at - start), start);
	for (size_t i = 0; i < p->plan->top.n; i++)
		cb_buf_printf(&what, "%s %s", i ? "," : "",
			      *p->plan->top.fields[i].name ? p->plan->top.fields[i].name : "value");
	wrong_list(p, start, &what);
	return NULL;
}

static enum op parse_op(struct parser *p)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {
		{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},  {">=", OP_GE},	   {"<", OP_LT},
		{">", OP_GT},  {"=", OP_EQ},  {"~", OP_GLOB}, {"!~", OP_NOT_GLOB},
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (take(p, ops[i].text))
			return ops[i].op;
	return OP_NONE;
}

/* Text in quotes, in which \ makes the next character an ordinary one. For patterns it stays: it means the same there. */
static bool parse_quoted(struct parser *p, bool pattern, struct value *v)
{
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
		wrong(p, v->at, "the text that begins here has no closing quote");
		return false;
	}
	p->at++;
	return true;
}

static bool parse_value(struct parser *p, bool pattern, struct value *v)
{
	skip_space(p);
	*v = (struct value){.text = p->texts, .at = p->at, .quoted = *p->at == '"' || *p->at == '\''};
	if (v->quoted) {
		if (!parse_quoted(p, pattern, v))
			return false;
	} else {
		while (*p->at && !isspace((unsigned char)*p->at) && !strchr("()&|!<>=\"'", *p->at))
			*p->texts++ = *p->at++;
		if (p->texts == v->text) {
			wrong(p, p->at, *p->at ? "a value is expected here" : "it ends where a value is expected");
			return false;
		}
	}
	v->len = (size_t)(p->texts - v->text);
	*p->texts++ = '\0';
	return true;
}

/* ---- What a value means to a field ----------------------------------------------------------------------------- */

static struct node *not_for(struct parser *p, const struct cb_field *f, const struct value *v, const char *expected)
{
	struct cb_buf what = {0};

	cb_buf_printf(&what, "\"%s\" is not a value of %s (%s): %s", v->text, *f->name ? f->name : "value", f->type,
		      expected);
	return wrong_list(p, v->at, &what);
}

static struct node *enum_error(struct parser *p, const struct cb_field *f, const struct value *v)
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
static bool named_number(const struct cb_field *f, const struct value *v, struct node *n)
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

static struct node *number_error(struct parser *p, const struct cb_field *f, const struct value *v, int err)
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

static struct node *number_value(struct parser *p, const struct value *v, struct node *n)
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

static struct node *address_value(struct parser *p, const struct value *v, struct node *n)
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

static struct node *float_value(struct parser *p, const struct value *v, struct node *n)
{
	char *end;

	n->kind = NODE_FLOAT;
	n->real = strtod(v->text, &end);
	return *end || v->quoted ? not_for(p, n->f, v, "a number is expected") : n;
}

static struct node *text_value(const struct value *v, struct node *n, enum node_kind kind)
{
	n->kind = kind;
	n->text = v->text;
	n->len = v->len;
	return n;
}

static bool is_plain_number(const struct value *v)
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

static struct node *bind_value(struct parser *p, const struct value *v, struct node *n)
{
	const struct cb_field *f = n->f;

	if (n->op == OP_GLOB || n->op == OP_NOT_GLOB)
		return text_value(v, n, NODE_GLOB);
	n->other = v->quoted ? NULL : find_field(p->plan, v->text, v->len);
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

static struct node *parse_or(struct parser *p);

static struct node *parse_test(struct parser *p)
{
	const struct cb_field *f = parse_field(p);
	struct node *n = f ? new_node(p, NODE_TRUTH) : NULL;
	struct value v;

	if (!n)
		return NULL;
	n->f = f;
	n->op = parse_op(p);
	if (n->op == OP_NONE)
		return n;
	return parse_value(p, n->op >= OP_GLOB, &v) ? bind_value(p, &v, n) : NULL;
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

static void parse(struct parser *p)
{
	p->filter->root = parse_or(p);
	skip_space(p);
	if (p->filter->root && *p->at)
		wrong(p, p->at, "&& or || or the end is expected here");
}

struct cb_filter *cb_filter_new(const struct cb_plan *plan, const char *text, struct cb_err *e)
{
	size_t len = strlen(text);
	struct cb_filter *f = calloc(1, sizeof(*f));
	struct parser p = {.filter = f, .plan = plan, .e = e};

	if (len > TEXT_MAX) {
		free(f);
		errno = -cb_fail(e, EINVAL, "the filter is longer than %d characters", TEXT_MAX);
		return NULL;
	}
	/* a value takes at most its own characters, a zero, and 16 bytes of an address, of which one character ("0") and
	 * an operator is the shortest text */
	if (f) {
		f->plan = plan;
		f->text = calloc(1, (len + 1) * 20);
		f->nodes = calloc(len + 1, sizeof(*f->nodes));
	}
	if (!f || !f->text || !f->nodes) {
		cb_filter_free(f);
		errno = -cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(f->text, text, len);
	p.at = f->text;
	p.texts = f->text + len + 1;
	parse(&p);
	if (p.err) {
		cb_filter_free(f);
		errno = -p.err;
		return NULL;
	}
	return f;
}

void cb_filter_free(struct cb_filter *f)
{
	if (!f)
		return;
	free(f->text);
	free(f->nodes);
	free(f);
}
