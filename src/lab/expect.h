/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * expect.h - what a test expects, held against what was seen.
 *
 * Standard output is read once, line by line, each line held against all expectations: a hundred thousand events need no more
 * memory than ten. Lines that do not begin with "{" (the text of iterators) are no records. A record with the members "map" and
 * "value" or "buckets" is a row of a map, every other one an event.
 */
#ifndef CB_LAB_EXPECT_H
#define CB_LAB_EXPECT_H

#include "base/buf.h"
#include "lab/guest.h"
#include "lab/result.h"
#include "lab/spec.h"

/* What does not hold: the kind of the first, a sentence of it, and the details of all. why is CB_LAB_WHY_NONE when all is well. */
struct cb_lab_found {
	enum cb_lab_why why;
	struct cb_buf first, details;
};

/* on[i]: expectation i is demanded on this kernel. -ENOMEM. */
int cb_lab_expect(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o,
		  struct cb_lab_found *found);
void cb_lab_found_free(struct cb_lab_found *found);

/* Is one of these expectations in force? (Then what is demanded without one is not.) */
bool cb_lab_expects(const struct cb_lab_test *t, const bool *on, enum cb_lab_subject subject);

#endif
