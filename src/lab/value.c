// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* value.c - what values mean: see cond.h. Whole numbers are compared in 128 bits, in which all of 64 have their place. */
#include "lab/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "output/places.h"
#include "output/plan.h"

#define REAL_MAX 1e37 /* below 2^126 */

/* ---- Numbers --------------------------------------------------------------------------------------------------- */

bool cb_lab_number(const char *text, __int128 *out)
{
	struct cb_number n;
	uint64_t ns;
	size_t len = strlen(text);

	/* "5m" is five minutes, 5M a number */
	if (len && strchr("smhd", text[len - 1]) && !cb_parse_duration(text, 0, &ns)) {
		*out = ns;
		return true;
	}
	if (cb_parse_number(text, &n))
		return false;
	*out = n.negative ? -(__int128)n.magnitude : (__int128)n.magnitude;
	return true;
}

/* The number that text in a record stands for: names of errors and signals are text there. */
static bool text_number(const char *text, __int128 *out)
{
	int64_t found;

	if (!strncmp(text, "-E", 2) && (found = cb_errno_number(text + 1)) >= 0) {
		*out = -(__int128)found;
		return true;
	}
	if ((*text == 'E' && (found = cb_errno_number(text)) >= 0) ||
	    (!strncmp(text, "SIG", 3) && (found = cb_signal_number(text)) >= 0)) {
		*out = found;
		return true;
	}
	return cb_lab_number(text, out);
}

bool cb_lab_json_number(const json_t *value, __int128 *out)
{
	switch (json_typeof(value)) {
	case JSON_INTEGER:
		*out = json_integer_value(value);
		return true;
	case JSON_REAL:
		if (fabs(json_real_value(value)) >= REAL_MAX)
			return false;
		*out = (__int128)json_real_value(value);
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		*out = json_is_true(value);
		return true;
	case JSON_STRING:
		return text_number(json_string_value(value), out);
	default:
		return false;
	}
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

/* A plain value as CSV has it; false for what is none. */
static bool put_plain(const json_t *value, struct cb_buf *out)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		cb_buf_add(out, json_string_value(value), json_string_length(value));
		return true;
	case JSON_INTEGER:
		cb_buf_s64(out, json_integer_value(value));
		return true;
	case JSON_REAL:
		cb_buf_printf(out, "%.17g", json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		cb_buf_str(out, json_is_true(value) ? "true" : "false");
		return true;
	default:
		return false;
	}
}

static bool put_text(const json_t *value, struct cb_buf *out)
{
	if (!json_is_array(value))
		return put_plain(value, out);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i)
			cb_buf_ch(out, ';');
		if (!put_plain(json_array_get(value, i), out))
			return false;
	}
	return true;
}

static bool glob_matches(const json_t *value, const char *pattern, struct cb_buf *scratch, bool *match)
{
	size_t n = strlen(pattern);

	if (json_is_string(value)) {
		*match = cb_glob(pattern, n, json_string_value(value), json_string_length(value));
		return true;
	}
	scratch->len = 0;
	if (!put_text(value, scratch) || scratch->failed)
		return false;
	*match = cb_glob(pattern, n, scratch->data, scratch->len);
	return true;
}

/* ---- Comparison ------------------------------------------------------------------------------------------------ */

enum order {
	BEFORE = -1,
	SAME = 0,
	BEHIND = 1,
	NONE = 2 /* not to be compared: not equal, and neither before nor behind */
};

static enum order order_numbers(__int128 a, __int128 b)
{
	return a < b ? BEFORE : a > b ? BEHIND : SAME;
}

static enum order order_reals(double a, double b)
{
	if (a != a || b != b)
		return NONE;
	return a < b ? BEFORE : a > b ? BEHIND : SAME;
}

static enum order order_texts(const char *a, const char *b)
{
	int order = strcmp(a, b);

	return order < 0 ? BEFORE : order > 0 ? BEHIND : SAME;
}

/* An IPv4 address as that of IPv6 which stands for it. */
static bool is_address(const char *text, unsigned char out[16])
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	return inet_pton(AF_INET, text, out + 12) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool same_address(const char *a, const char *b)
{
	unsigned char x[16], y[16];

	return is_address(a, x) && is_address(b, y) && !memcmp(x, y, sizeof(x));
}

/* "SIGTERM" and TERM, "-ENOENT" and ENOENT */
static bool same_name(const char *have, const char *word)
{
	if (!strncmp(have, "SIG", 3))
		return !strcmp(have + 3, word) || !strcmp(have, word);
	return have[0] == '-' && have[1] == 'E' && !strcmp(have + 1, word);
}

static enum order order_text(const json_t *value, const char *word, bool quoted)
{
	const char *have = json_string_value(value);
	__int128 a, b;

	if (quoted || !strcmp(have, word))
		return order_texts(have, word);
	if (same_name(have, word) || same_address(have, word))
		return SAME;
	if (text_number(word, &b) && text_number(have, &a))
		return order_numbers(a, b);
	return order_texts(have, word);
}

static enum order order_number(const json_t *value, const char *word)
{
	__int128 number;
	double real;
	char *end;

	if (!strcmp(word, "true") || !strcmp(word, "false"))
		return order_numbers((__int128)json_integer_value(value), *word == 't');
	if (json_is_integer(value) && text_number(word, &number))
		return order_numbers(json_integer_value(value), number);
	real = strtod(word, &end);
	if (end == word || *end) {
		if (!text_number(word, &number))
			return NONE;
		real = (double)number;
	}
	return order_reals(json_number_value(value), real);
}

static enum order order_truth(const json_t *value, const char *word)
{
	bool yes = !strcmp(word, "true") || !strcmp(word, "1");

	if (!yes && strcmp(word, "false") && strcmp(word, "0"))
		return NONE;
	return order_numbers(json_is_true(value), yes);
}

static enum order order_word(const json_t *value, const char *word, bool quoted)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return order_text(value, word, quoted);
	case JSON_INTEGER:
	case JSON_REAL:
		return quoted ? NONE : order_number(value, word);
	case JSON_TRUE:
	case JSON_FALSE:
		return quoted ? NONE : order_truth(value, word);
	default:
		return NONE;
	}
}

static enum order order_values(const json_t *a, const json_t *b)
{
	__int128 x, y;

	if (json_is_string(a) && json_is_string(b))
		return order_texts(json_string_value(a), json_string_value(b));
	if (json_is_real(a) || json_is_real(b))
		return order_reals(json_number_value(a), json_number_value(b));
	return cb_lab_json_number(a, &x) && cb_lab_json_number(b, &y) ? order_numbers(x, y) : NONE;
}

/* Both are text, or both numbers. */
static bool same_kind(const json_t *a, const json_t *b)
{
	return json_is_string(a) ? json_is_string(b) : json_is_number(a) && json_is_number(b);
}

static bool holds(enum cb_op op, enum order order)
{
	switch (op) {
	case CB_OP_EQ:
		return order == SAME;
	case CB_OP_NE:
		return order != SAME;
	case CB_OP_LT:
		return order == BEFORE;
	case CB_OP_LE:
		return order == BEFORE || order == SAME;
	case CB_OP_GT:
		return order == BEHIND;
	default:
		return order == BEHIND || order == SAME;
	}
}

/* An array is compared element by element: one for which it holds is enough. */
static bool compare_array(const json_t *array, enum cb_op op, const struct cb_lab_value *with, const json_t *record,
			  const struct cb_lab_truths *truths)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *element = json_array_get(array, i);

		if (!json_is_array(element) && cb_lab_compare(element, op, with, record, truths))
			return true;
	}
	return false;
}

bool cb_lab_compare(const json_t *value, enum cb_op op, const struct cb_lab_value *with, const json_t *record,
		    const struct cb_lab_truths *truths)
{
	const char *text = with->truth ? cb_lab_truth(truths, with->text) : with->text;
	const json_t *other;
	bool match;

	if (!text || json_is_null(value))
		return false;
	if (op >= CB_OP_GLOB)
		return glob_matches(value, text, with->scratch, &match) && match == (op == CB_OP_GLOB);
	if (json_is_array(value))
		return compare_array(value, op, with, record, truths);
	other = with->quoted || with->truth ? NULL : json_object_get(record, text);
	if (other && same_kind(value, other))
		return holds(op, order_values(value, other));
	return holds(op, order_word(value, text, with->quoted));
}

bool cb_lab_is_true(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_length(value) && strcmp(json_string_value(value), "0x0");
	case JSON_INTEGER:
	case JSON_REAL:
		return json_number_value(value) != 0;
	case JSON_ARRAY:
		return json_array_size(value);
	case JSON_OBJECT:
		return json_object_size(value);
	default:
		return json_is_true(value);
	}
}

/* ---- Fields ---------------------------------------------------------------------------------------------------- */

enum { PATH_MAX_PARTS = 64 };

static bool any_in(const json_t *at, const char *field, int depth, bool (*fn)(void *ctx, const json_t *value),
		   void *ctx)
{
	size_t part = strcspn(field, ".");
	const char *rest = field[part] ? field + part + 1 : field + part;
	char *end;

	if (depth > PATH_MAX_PARTS)
		return false;
	if (!*field)
		return fn(ctx, at);
	if (json_is_object(at)) {
		const json_t *member = json_object_getn(at, field, part);

		return member && any_in(member, rest, depth + 1, fn, ctx);
	}
	if (!json_is_array(at))
		return false;
	if (isdigit((unsigned char)*field)) {
		const json_t *element = json_array_get(at, strtoul(field, &end, 10));

		return element && any_in(element, rest, depth + 1, fn, ctx);
	}
	for (size_t i = 0; i < json_array_size(at); i++)
		if (any_in(json_array_get(at, i), field, depth + 1, fn, ctx))
			return true;
	return false;
}

bool cb_lab_field_any(const json_t *record, const char *field, bool (*fn)(void *ctx, const json_t *value), void *ctx)
{
	const json_t *whole = json_object_get(record, field);

	return whole ? fn(ctx, whole) : any_in(record, field, 0, fn, ctx);
}

/* ---- Truths ---------------------------------------------------------------------------------------------------- */

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return len && !isdigit((unsigned char)*text);
}

static int add_truth(struct cb_lab_truths *list, const char *name, size_t name_len, const char *value, size_t len)
{
	struct cb_lab_truth *more = realloc(list->t, (list->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->t = more;
	more[list->n] = (struct cb_lab_truth){.name = strndup(name, name_len), .value = strndup(value, len)};
	list->n++;
	return more[list->n - 1].name && more[list->n - 1].value ? 0 : -ENOMEM;
}

int cb_lab_truths_read(struct cb_lab_truths *out, const char *text, size_t len)
{
	const char *end = len ? text + len : text;
	int err = 0;

	*out = (struct cb_lab_truths){0};
	while (!err && text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text)), *equals;
		const char *line = text;

		if (!stop)
			stop = end;
		text = stop + 1;
		equals = memchr(line, '=', (size_t)(stop - line));
		if (equals && is_name(line, (size_t)(equals - line)))
			err = add_truth(out, line, (size_t)(equals - line), equals + 1,
					(size_t)(stop - equals - 1) - (stop > equals + 1 && stop[-1] == '\r'));
	}
	if (err)
		cb_lab_truths_free(out);
	return err;
}

const char *cb_lab_truth(const struct cb_lab_truths *truths, const char *name)
{
	for (size_t i = truths->n; i--;)
		if (!strcmp(truths->t[i].name, name))
			return truths->t[i].value;
	return NULL;
}

void cb_lab_truths_free(struct cb_lab_truths *truths)
{
	for (size_t i = 0; i < truths->n; i++) {
		free(truths->t[i].name);
		free(truths->t[i].value);
	}
	free(truths->t);
	*truths = (struct cb_lab_truths){0};
}
