/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* value.h - a value of a condition against one of a JSON record; between cond.c and value.c alone. */
#ifndef CB_LAB_VALUE_H
#define CB_LAB_VALUE_H

#include "base/buf.h"
#include "base/expr.h"
#include "lab/cond.h"

struct cb_lab_value {
	const char *text; /* truth: its name */
	bool quoted, truth;
	struct cb_buf *scratch; /* the condition's: for the text of what is none; "failed" stays */
};

/* Not zero, not empty, not null. */
bool cb_lab_is_true(const json_t *value);
/* record: for a word that is the name of another member. */
bool cb_lab_compare(const json_t *value, enum cb_op op, const struct cb_lab_value *with, const json_t *record,
		    const struct cb_lab_truths *truths);

#endif
