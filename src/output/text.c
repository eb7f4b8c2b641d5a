// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * text.c - strings for three readers: a terminal, CSV, and patterns; durations and sizes with their units.
 *
 * What a traced program calls itself is not to be trusted: a process may be named with escape sequences that would
 * reprogram the terminal. So text for people carries no control character (also none of U+0080 to U+009F, which some
 * terminals obey) and no broken UTF-8; both appear as \x1b.
 */
#include "output/plan.h"

size_t cb_utf8(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	/* RFC 3629, 4: the second byte's range keeps overlong forms, surrogates and what is beyond U+10FFFF out */
	unsigned low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		len = 3;
		low = s[0] == 0xe0 ? 0xa0 : low;
		high = s[0] == 0xed ? 0x9f : high;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		low = s[0] == 0xf0 ? 0x90 : low;
		high = s[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (n < len || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t cb_columns(const char *s, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		columns += (s[i] & 0xc0) != 0x80;
	return columns;
}

static bool is_control(const char *s, size_t len)
{
	if (len == 1)
		return (unsigned char)s[0] < 0x20 || s[0] == 0x7f;
	return len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0;
}

void cb_text_people(const char *s, size_t n, struct cb_buf *out)
{
	while (n) {
		size_t len = cb_utf8(s, n), shown = len ? len : 1;

		if (len && !is_control(s, len)) {
			cb_buf_add(out, s, len);
		} else {
			for (size_t i = 0; i < shown; i++) {
				cb_buf_str(out, "\\x");
				cb_buf_ch(out, "0123456789abcdef"[(unsigned char)s[i] >> 4]);
				cb_buf_ch(out, "0123456789abcdef"[s[i] & 15]);
			}
		}
		s += shown;
		n -= shown;
	}
}

void cb_text_programs(const char *s, size_t n, struct cb_buf *out)
{
	while (n) {
		size_t len = cb_utf8(s, n);

		if (len)
			cb_buf_add(out, s, len);
		else
			cb_buf_str(out, "\xef\xbf\xbd"); /* U+FFFD */
		s += len ? len : 1;
		n -= len ? len : 1;
	}
}

void cb_csv_cell(const char *s, size_t n, struct cb_buf *out)
{
	bool quote = n && (s[0] == ' ' || s[n - 1] == ' '); /* some readers trim what is not quoted */

	for (size_t i = 0; i < n && !quote; i++)
		quote = s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r';
	if (!quote) {
		cb_buf_add(out, s, n);
		return;
	}
	cb_buf_ch(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"')
			cb_buf_ch(out, '"');
		cb_buf_ch(out, s[i]);
	}
	cb_buf_ch(out, '"');
}

/* ---- Patterns -------------------------------------------------------------------------------------------------- */

/* One element of a pattern against one byte; *used is the element's length. An unclosed [ stands for itself. */
static bool glob_one(const char *p, size_t n, char c, size_t *used)
{
	bool negate, hit = false;
	size_t i = 1;

	*used = 1;
	if (*p == '?')
		return true;
	if (*p == '\\' && n > 1) {
		*used = 2;
		return p[1] == c;
	}
	if (*p != '[')
		return *p == c;
	negate = n > 1 && (p[1] == '!' || p[1] == '^');
	i += negate;
	for (size_t first = i; i < n && (p[i] != ']' || i == first); i++) {
		unsigned char from = (unsigned char)p[i], to = from;

		if (i + 2 < n && p[i + 1] == '-' && p[i + 2] != ']') {
			to = (unsigned char)p[i + 2];
			i += 2;
		}
		hit |= (unsigned char)c >= from && (unsigned char)c <= to;
	}
	if (i >= n)
		return c == '[';
	*used = i + 1;
	return hit != negate;
}

/* When something after a * does not fit, the * takes one byte more; only the last * need be tried again. */
bool cb_glob(const char *p, size_t p_len, const char *s, size_t n)
{
	size_t star = SIZE_MAX, star_at = 0, i = 0, k = 0;

	while (k < n) {
		size_t used = 0;

		if (i < p_len && p[i] == '*') {
			star = ++i;
			star_at = k;
		} else if (i < p_len && glob_one(p + i, p_len - i, s[k], &used)) {
			i += used;
			k++;
		} else if (star != SIZE_MAX) {
			i = star;
			k = ++star_at;
		} else {
			return false;
		}
	}
	while (i < p_len && p[i] == '*')
		i++;
	return i == p_len;
}

/* ---- Units ----------------------------------------------------------------------------------------------------- */

/* v / scale, rounded, with as many decimals (at most max_decimals) as make three digits; false if that gives limit or
 * more in whole units, for which the next larger unit is the better one. */
static bool put_scaled(unsigned __int128 v, uint64_t scale, unsigned max_decimals, uint64_t limit, struct cb_buf *out)
{
	static const unsigned powers[] = {1, 10, 100};

	for (unsigned decimals = max_decimals;; decimals--) {
		unsigned __int128 rounded = (v * powers[decimals] + scale / 2) / scale;

		if (decimals && rounded >= 1000)
			continue;
		if (rounded >= (unsigned __int128)limit * powers[decimals])
			return false;
		cb_buf_u64(out, (uint64_t)(rounded / powers[decimals]));
		if (decimals) {
			unsigned rest = (unsigned)(rounded % powers[decimals]);

			cb_buf_ch(out, '.');
			if (decimals == 2)
				cb_buf_ch(out, (char)('0' + rest / 10));
			cb_buf_ch(out, (char)('0' + rest % 10));
		}
		return true;
	}
}

void cb_put_duration(uint64_t v, uint64_t unit_ns, struct cb_buf *out)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	unsigned __int128 ns = (unsigned __int128)v * unit_ns;
	uint64_t scale = unit_ns;
	unsigned i = unit_ns == 1 ? 0 : unit_ns == 1000 ? 1 : 2;

	/* whole numbers of the unit itself carry no decimals; a zero needs no unit */
	if (!v) {
		cb_buf_ch(out, '0');
		return;
	}
	for (; i < 3; i++, scale *= 1000) {
		if (put_scaled(ns, scale, scale == unit_ns ? 0 : 2, 1000, out)) {
			cb_buf_str(out, names[i]);
			return;
		}
	}
	/* 2^64 milliseconds are less than 2^54 seconds */
	put_scaled(ns, scale, 2, UINT64_MAX, out);
	cb_buf_str(out, names[i]);
}

void cb_put_bytes(uint64_t v, struct cb_buf *out)
{
	static const char names[] = "KMGTPE";
	uint64_t scale = 1024;

	if (v < 1024) {
		cb_buf_u64(out, v);
		return;
	}
	for (const char *name = names;; name++, scale *= 1024) {
		if (put_scaled(v, scale, 1, name[1] ? 1024 : UINT64_MAX, out)) {
			cb_buf_ch(out, *name);
			return;
		}
	}
}
