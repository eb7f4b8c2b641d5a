// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* record.c - a line of output as a JSON record (cond.h). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "lab/cond.h"

enum { DIGITS_SAFE = 18 /* so many always fit 63 bits */ };

/* Copy a JSON text, with quotes around each whole number of so many digits that it may not fit. */
static void quote_numbers(const char *s, size_t len, struct cb_buf *out)
{
	bool in_text = false;

	for (size_t i = 0; i < len;) {
		size_t n = 1;

		if (in_text && s[i] == '\\' && i + 1 < len) {
			n = 2;
		} else if (s[i] == '"') {
			in_text = !in_text;
		} else if (!in_text && (isdigit((unsigned char)s[i]) || s[i] == '-')) {
			bool whole = true;

			for (; i + n < len && (isalnum((unsigned char)s[i + n]) || strchr("+-.", s[i + n])); n++)
				whole = whole && isdigit((unsigned char)s[i + n]);
			if (whole && n > DIGITS_SAFE) {
				cb_buf_ch(out, '"');
				cb_buf_add(out, s + i, n);
				cb_buf_ch(out, '"');
				i += n;
				continue;
			}
		}
		cb_buf_add(out, s + i, n);
		i += n;
	}
}

static json_t *load(const char *s, size_t len, json_error_t *why)
{
	return json_loadb(s, len, JSON_ALLOW_NUL, why);
}

json_t *cb_lab_record(const char *line, size_t len, struct cb_err *e)
{
	json_error_t why;
	json_t *record = load(line, len, &why);

	if (!record && json_error_code(&why) == json_error_numeric_overflow) {
		struct cb_buf quoted = {0};

		quote_numbers(line, len, &quoted);
		record = quoted.failed ? NULL : load(quoted.data, quoted.len, &why);
		cb_buf_free(&quoted);
	}
	if (!record) {
		errno = -cb_fail(e, EINVAL, "it is not JSON: %s", why.text);
		return NULL;
	}
	if (json_is_object(record))
		return record;
	json_decref(record);
	errno = -cb_fail(e, EINVAL, "it is JSON, but no object");
	return NULL;
}
