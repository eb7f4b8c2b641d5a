/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cond.h - conditions over the JSON records of "coolbpf run -o json", in the language of its --filter (base/expr.h), in which a
 * VALUE may also be $NAME.
 *
 * FIELD is a member's name; of a record in a record outer.inner (key.pid), of an array an index (list.0). Where the way leads
 * through an array without an index (buckets.count), one element that satisfies the test is enough.
 *
 * The filter reads a value by its field's type, which JSON does not say. Here it is read by what the record holds:
 *  - a number: a number, with K M G T; or a time with its unit, which counts nanoseconds, or true or false;
 *  - true and false: those, or 1 and 0;
 *  - text: the same text; or the same number (0x10 and 16), address (::ffff:10.0.0.1 and 10.0.0.1), signal (TERM and SIGTERM) or
 *    error: ENOENT is -ENOENT, and -2, too;
 *  - an array of plain values, with ~: its elements with ";" between them, as CSV has them.
 * A word that is the name of another member of the same kind means that one's value. $NAME is a truth, a value the workload
 * has printed. What a record does not have is never equal, nor different, nor anything else.
 */
#ifndef CB_LAB_COND_H
#define CB_LAB_COND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What a workload printed: lines NAME=VALUE, NAME of letters, digits and _. Of several of one name the last holds. */
struct cb_lab_truth {
	char *name, *value;
};
struct cb_lab_truths {
	struct cb_lab_truth *t;
	size_t n;
};
int cb_lab_truths_read(struct cb_lab_truths *out, const char *text, size_t len);
const char *cb_lab_truth(const struct cb_lab_truths *truths, const char *name); /* NULL: there is none */
void cb_lab_truths_free(struct cb_lab_truths *truths);

/* A number as it may stand in a condition: "10", "4K", "0x1f", "1.5ms" (nanoseconds), "-5". False: it is none. */
bool cb_lab_number(const char *text, __int128 *out);

struct cb_lab_cond;

/* NULL with errno and a message that names the column. */
struct cb_lab_cond *cb_lab_cond_new(const char *text, struct cb_err *e);
void cb_lab_cond_free(struct cb_lab_cond *c);

/* A truth that it names and that is not there, or NULL. */
const char *cb_lab_cond_lacks(const struct cb_lab_cond *c, const struct cb_lab_truths *truths);
/* A match was once not to be told for want of memory. */
bool cb_lab_cond_failed(const struct cb_lab_cond *c);
bool cb_lab_cond_match(const struct cb_lab_cond *c, const json_t *record, const struct cb_lab_truths *truths);
/* How near a record comes: of the tests that are joined by && those that hold, at most *of. */
size_t cb_lab_cond_score(const struct cb_lab_cond *c, const json_t *record, const struct cb_lab_truths *truths,
			 size_t *of);

/* The fields that it names, in the order of the text, each as often as it stands there. */
size_t cb_lab_cond_fields(const struct cb_lab_cond *c);
const char *cb_lab_cond_field(const struct cb_lab_cond *c, size_t i);

/* The values of a field, by which the way may lead through arrays; each is given to fn, until it returns true. Is there one? */
bool cb_lab_field_any(const json_t *record, const char *field, bool (*fn)(void *ctx, const json_t *value), void *ctx);
/* A value as a number: numbers, true, false, and text that is one. False: it is none. */
bool cb_lab_json_number(const json_t *value, __int128 *out);

/* One line of output as a record: NULL if it is no JSON object (e: why). Numbers beyond 63 bits, which jansson does not take,
 * become text, which compares as the same number. */
json_t *cb_lab_record(const char *line, size_t len, struct cb_err *e);

#endif
