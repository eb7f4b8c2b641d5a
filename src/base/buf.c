// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* buf.c - see buf.h. Numbers are written two digits at a time from a table, from the end. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool cb_buf_grow(struct cb_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;
	char *data;

	while (cap - b->len < n && cap <= SIZE_MAX / 2)
		cap *= 2;
	data = b->failed || cap - b->len < n ? NULL : realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		b->cap = b->len; /* a shorter text does not fit any more either */
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void cb_buf_printf(struct cb_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0 && cb_buf_reserve(b, (size_t)n + 1)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

const char *cb_buf_cstr(struct cb_buf *b)
{
	if (b->failed || !cb_buf_reserve(b, 1))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

void cb_buf_u64(struct cb_buf *b, uint64_t v)
{
	char text[20]; /* 2^64 - 1 has 20 digits */
	char *p = text + sizeof(text);

	while (v >= 100) {
		p -= 2;
		memcpy(p, digit_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		p -= 2;
		memcpy(p, digit_pairs + v * 2, 2);
	} else {
		*--p = (char)('0' + v);
	}
	cb_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void cb_buf_s64(struct cb_buf *b, int64_t v)
{
	if (v < 0) {
		cb_buf_ch(b, '-');
		cb_buf_u64(b, 0 - (uint64_t)v);
	} else {
		cb_buf_u64(b, (uint64_t)v);
	}
}

void cb_buf_free(struct cb_buf *b)
{
	free(b->data);
	*b = (struct cb_buf){0};
}
