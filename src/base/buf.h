/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * buf.h - a byte buffer that grows.
 *
 * A zeroed struct cb_buf is an empty buffer. When memory runs out, `failed` is set, the content stays as it was, and
 * every further append does nothing, so that a caller checks once at the end. cb_buf_reserve() is the only call that
 * allocates; the add functions are inline because formatting a record is made of them.
 */
#ifndef CB_BUF_H
#define CB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cb_buf {
	char *data; /* not terminated by a zero, see cb_buf_cstr() */
	size_t len, cap;
	bool failed;
};

/* Room for n more bytes; false (and failed set) when there is no memory. */
bool cb_buf_grow(struct cb_buf *b, size_t n);
void cb_buf_printf(struct cb_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The content with a zero behind it, or "" when nothing could be allocated. Valid until the next change. */
const char *cb_buf_cstr(struct cb_buf *b);
/* Decimal, exact for all 64 bits. */
void cb_buf_u64(struct cb_buf *b, uint64_t v);
void cb_buf_s64(struct cb_buf *b, int64_t v);
void cb_buf_free(struct cb_buf *b);

static inline bool cb_buf_reserve(struct cb_buf *b, size_t n)
{
	return b->cap - b->len >= n || cb_buf_grow(b, n);
}

static inline void cb_buf_add(struct cb_buf *b, const void *p, size_t n)
{
	if (!n || !cb_buf_reserve(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

static inline void cb_buf_str(struct cb_buf *b, const char *s)
{
	cb_buf_add(b, s, strlen(s));
}

static inline void cb_buf_ch(struct cb_buf *b, char c)
{
	if (!cb_buf_reserve(b, 1))
		return;
	b->data[b->len++] = c;
}

#endif
