// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* json.c - see json.h. */
#include "service/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* What is wrong with the value's shape, or NULL. jansson's own limit is 2048 calls deep, and any number of values. What stands
 * inside of strings does not count. */
static const char *wrong_shape(const char *s, size_t len, unsigned max)
{
	unsigned depth = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < len && values <= max; i++) {
		if (quoted) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				quoted = false;
		} else if (s[i] == '"') {
			quoted = true;
		} else if (s[i] == '[' || s[i] == '{') {
			if (++depth > CB_JSON_DEPTH)
				return "is nested too deep";
			values++;
		} else if (s[i] == ',') {
			values++;
		} else if ((s[i] == ']' || s[i] == '}') && depth) {
			depth--;
		}
	}
	return values > max ? "has too many values" : NULL;
}

json_t *cb_json_parse_up_to(const char *data, size_t len, unsigned values, struct cb_err *e)
{
	const char *wrong = wrong_shape(data, len, values);
	json_error_t why;
	json_t *value;

	if (wrong) {
		cb_fail(e, EINVAL, "the body %s: %d deep, and %u values, are taken", wrong, CB_JSON_DEPTH, values);
		return NULL;
	}
	value = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
	if (!value)
		cb_fail(e, EINVAL, "the body is not JSON: line %d, column %d: %s", why.line, why.column, why.text);
	return value;
}

json_t *cb_json_parse(const char *data, size_t len, struct cb_err *e)
{
	return cb_json_parse_up_to(data, len, CB_JSON_VALUES, e);
}

/* Bytes of the UTF-8 character at s, or 0 when it is none (RFC 3629). The text ends with a zero. */
static size_t utf8_char(const unsigned char *s)
{
	size_t n = *s < 0x80		     ? 1
		   : *s >= 0xc2 && *s < 0xe0 ? 2
		   : *s >= 0xe0 && *s < 0xf0 ? 3
		   : *s >= 0xf0 && *s < 0xf5 ? 4
					     : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

json_t *cb_json_string(const char *text)
{
	json_t *value = json_string(text);
	struct cb_buf b = {0};

	if (value)
		return value;
	while (*text) {
		size_t n = utf8_char((const unsigned char *)text);

		if (n)
			cb_buf_add(&b, text, n);
		else
			cb_buf_str(&b, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
	value = json_string(cb_buf_cstr(&b));
	cb_buf_free(&b);
	return value;
}

char *cb_json_dump(json_t *value, size_t *len)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;

	if (value)
		json_decref(value);
	*len = text ? strlen(text) : 0;
	return text;
}
