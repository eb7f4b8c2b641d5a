/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * json_check.h - is this text one JSON value (RFC 8259)? A reader that shares no code with what writes JSON: it checks
 * the grammar, and that strings are valid UTF-8 (RFC 3629) without raw control characters.
 */
#ifndef CB_TESTS_OUTPUT_JSON_CHECK_H
#define CB_TESTS_OUTPUT_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Each returns the end of what it read, or NULL. */
static const unsigned char *json_value(const unsigned char *p, const unsigned char *end);

/* One code point of several bytes: by value, not by the table of lead bytes. */
static inline const unsigned char *json_utf8(const unsigned char *p, const unsigned char *end)
{
	unsigned n = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1, code = *p & (0x3fu >> n);
	static const unsigned least[] = {0, 0x80, 0x800, 0x10000};

	if (*p < 0xc0 || *p > 0xf7 || end - p <= n)
		return NULL;
	for (unsigned i = 1; i <= n; i++) {
		if (p[i] >> 6 != 2)
			return NULL;
		code = code << 6 | (p[i] & 0x3f);
	}
	return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? NULL : p + n + 1;
}

static inline const unsigned char *json_string(const unsigned char *p, const unsigned char *end)
{
	if (p == end || *p != '"')
		return NULL;
	for (p++; p && p < end;) {
		if (*p == '"')
			return p + 1;
		if (*p < 0x20)
			return NULL;
		if (*p >= 0x80) {
			p = json_utf8(p, end);
		} else if (*p != '\\') {
			p++;
		} else if (end - p >= 6 && p[1] == 'u') {
			for (int i = 2; i < 6; i++)
				if (!strchr("0123456789abcdefABCDEF", p[i]) || !p[i])
					return NULL;
			p += 6;
		} else if (end - p >= 2 && p[1] && strchr("\"\\/bfnrt", p[1])) {
			p += 2;
		} else {
			return NULL;
		}
	}
	return NULL;
}

static inline const unsigned char *json_digits(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == start ? NULL : p;
}

static inline const unsigned char *json_number(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start;

	p += p < end && *p == '-';
	start = p;
	p = json_digits(p, end);
	if (!p || (*start == '0' && p - start > 1))
		return NULL;
	if (p < end && *p == '.' && !(p = json_digits(p + 1, end)))
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		p = json_digits(p, end);
	}
	return p;
}

static inline const unsigned char *json_members(const unsigned char *p, const unsigned char *end, char close)
{
	if (p < end && *p == close)
		return p + 1;
	while (p && p < end) {
		if (close == '}') {
			p = json_string(p, end);
			if (!p || p == end || *p++ != ':')
				return NULL;
		}
		p = json_value(p, end);
		if (!p || p == end)
			return NULL;
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
	return NULL;
}

/* Without white space between tokens: none is written. */
static inline const unsigned char *json_value(const unsigned char *p, const unsigned char *end)
{
	static const char *const words[] = {"true", "false", "null"};

	if (p == end)
		return NULL;
	for (int i = 0; i < 3; i++)
		if ((size_t)(end - p) >= strlen(words[i]) && !memcmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	if (*p == '{')
		return json_members(p + 1, end, '}');
	if (*p == '[')
		return json_members(p + 1, end, ']');
	return *p == '"' ? json_string(p, end) : json_number(p, end);
}

static inline bool json_is_valid(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;

	return json_value(p, p + n) == p + n;
}

#endif
