// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* json.c - see json.h. */
#include "base/json.h"

/* Length of the UTF-8 sequence at p (n bytes are left), 0 when it is none: the table of RFC 3629, section 4. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

void cb_json_quote(struct cb_buf *out, const char *text, size_t len)
{
	static const char short_escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	cb_buf_ch(out, '"');
	while (p < end) {
		const char *escape = *p < 0x20 || *p == '"' || *p == '\\' ? short_escapes : NULL;
		size_t n = utf8_length(p, (size_t)(end - p));

		while (escape && *escape && (unsigned char)*escape != *p)
			escape += 2;
		if (escape && *escape) {
			cb_buf_ch(out, '\\');
			cb_buf_ch(out, escape[1]);
		} else if (escape) {
			cb_buf_printf(out, "\\u%04x", *p);
		} else if (n) {
			cb_buf_add(out, p, n);
		} else {
			cb_buf_str(out, "\xef\xbf\xbd");
		}
		p += n ? n : 1;
	}
	cb_buf_ch(out, '"');
}

static void start(struct cb_json *j, const char *key)
{
	if (j->comma)
		cb_buf_ch(j->out, ',');
	j->comma = true;
	if (key) {
		cb_json_quote(j->out, key, strlen(key));
		cb_buf_ch(j->out, ':');
	}
}

void cb_json_open(struct cb_json *j, const char *key, char bracket)
{
	start(j, key);
	cb_buf_ch(j->out, bracket);
	j->comma = false;
}

void cb_json_close(struct cb_json *j, char bracket)
{
	cb_buf_ch(j->out, bracket);
	j->comma = true;
}

void cb_json_text(struct cb_json *j, const char *key, const char *value)
{
	start(j, key);
	cb_json_quote(j->out, value, strlen(value));
}

void cb_json_u64(struct cb_json *j, const char *key, uint64_t value)
{
	start(j, key);
	cb_buf_u64(j->out, value);
}

void cb_json_bool(struct cb_json *j, const char *key, bool value)
{
	start(j, key);
	cb_buf_str(j->out, value ? "true" : "false");
}

void cb_json_null(struct cb_json *j, const char *key)
{
	start(j, key);
	cb_buf_str(j->out, "null");
}
