// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* keep.c - see keep.h. */
#include "lab/keep.h"

#include <stdlib.h>

static size_t ring_size(const struct cb_keep *k)
{
	return k->limit - k->limit / 2;
}

static void add_behind(struct cb_keep *k, const char *p, size_t len)
{
	size_t size = ring_size(k), at, n;

	if (!k->ring && size && len)
		k->ring = malloc(size);
	if (len > size) {
		k->behind += len - size;
		p += len - size;
		len = size;
	}
	while (k->ring && len) {
		at = (size_t)(k->behind % size);
		n = len < size - at ? len : size - at;
		memcpy(k->ring + at, p, n);
		k->behind += n;
		p += n;
		len -= n;
	}
	k->behind += len;
}

/* Length of the whole lines of head. */
static size_t whole_lines(const struct cb_keep *k)
{
	const char *newline = k->head.len ? memrchr(k->head.data, '\n', k->head.len) : NULL;

	return newline ? (size_t)(newline - k->head.data) + 1 : 0;
}

/* The line that does not fit goes behind as a whole, unless it is all that there is. */
static void close_head(struct cb_keep *k)
{
	size_t lines = whole_lines(k);

	k->full = true;
	if (!lines)
		return;
	add_behind(k, k->head.data + lines, k->head.len - lines);
	k->head.len = lines;
}

void cb_keep_add(struct cb_keep *k, const void *data, size_t len)
{
	size_t room = k->full ? 0 : k->limit / 2 - k->head.len, n = len < room ? len : room;

	cb_buf_add(&k->head, data, n);
	if (!k->full && n < len)
		close_head(k);
	add_behind(k, (const char *)data + n, len - n);
}

const char *cb_keep_pass(struct cb_keep *k, size_t *len)
{
	size_t from = k->passed, lines = whole_lines(k);

	*len = lines > from ? lines - from : 0;
	k->passed = from + *len;
	return *len ? k->head.data + from : "";
}

uint64_t cb_keep_rest(struct cb_keep *k, struct cb_buf *first, struct cb_buf *last)
{
	uint64_t cut = 0, size = ring_size(k);
	size_t from = last->len;
	const char *newline;

	cb_buf_add(first, k->head.data + k->passed, k->head.len - k->passed);
	k->passed = k->head.len;
	if (!k->ring)
		return k->behind;
	if (k->behind > size) {
		size_t at = (size_t)(k->behind % size);

		cut = k->behind - size;
		cb_buf_add(last, k->ring + at, (size_t)size - at);
		cb_buf_add(last, k->ring, at);
		newline = last->len > from ? memchr(last->data + from, '\n', last->len - from) : NULL;
		if (newline) {
			size_t n = (size_t)(newline - last->data) + 1 - from;

			cut += n;
			memmove(last->data + from, last->data + from + n, last->len - from - n);
			last->len -= n;
		}
	} else {
		cb_buf_add(last, k->ring, (size_t)k->behind);
	}
	return cut;
}

void cb_keep_free(struct cb_keep *k)
{
	cb_buf_free(&k->head);
	free(k->ring);
	*k = (struct cb_keep){.limit = k->limit};
}
