/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * keep.h - a stream of which only the first and the last part are kept: what is in the middle is counted.
 *
 * The first half of the limit can be passed on while the stream still runs; the second is a ring that is known at the end. The
 * cut goes behind a newline and ends behind one where the stream has lines, so that what is left are whole lines.
 */
#ifndef CB_LAB_KEEP_H
#define CB_LAB_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct cb_keep {
	size_t limit; /* bytes; set before the first byte comes */
	struct cb_buf head;
	size_t passed; /* bytes of head that cb_keep_pass() has passed on */
	bool full;     /* head takes no more */
	char *ring;
	uint64_t behind; /* bytes that came behind head */
};

/* Of memory that runs out nothing is told: the bytes count as cut. */
void cb_keep_add(struct cb_keep *k, const void *data, size_t len);
/* The whole lines at the beginning that were not passed on yet; *len may be 0. Valid until the next call. */
const char *cb_keep_pass(struct cb_keep *k, size_t *len);
/* At the end: append what was not passed on of the beginning to first, the end to last; returns the bytes between them. */
uint64_t cb_keep_rest(struct cb_keep *k, struct cb_buf *first, struct cb_buf *last);
void cb_keep_free(struct cb_keep *k);

#endif
