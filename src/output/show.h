/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* show.h - what show.c gathers and show_print.c prints. */
#ifndef CB_OUTPUT_SHOW_H
#define CB_OUTPUT_SHOW_H

#include "output/hist.h"
#include "output/plan.h"

enum cb_show_kind { SHOW_TABLE, SHOW_TOP, SHOW_HIST, SHOW_STACKS };

enum {
	SHOW_WORDS = 8,
	SHOW_SLOTS_MAX = 1 << 16, /* of one histogram */
};

struct cb_show {
	char *title;
	enum cb_format format;
	enum cb_show_kind kind;
	bool clear;
	char *how; /* cut into words */
	const char *words[SHOW_WORDS];
	size_t nwords, at;
	uint64_t limit; /* SHOW_TOP */
	const char *by;
	struct cb_hist hist; /* kind, step, unit; counts are set for each histogram */
	struct cb_plan *key, *value;
	/* ranks and weighs; NULL: every entry counts one */
	const struct cb_field *rank;
	bool rank_in_key;
	bool stacks_in_key; /* otherwise in the value, if anywhere */
	/* SHOW_HIST: either the value's array, or the key's slot number and the value's count */
	const struct cb_field *slots, *slot, *count;
	struct cb_buf entries; /* key and value of each, both begin at a multiple of 8 */
	size_t stride, value_at;
};

size_t cb_show_count(const struct cb_show *s);
uint64_t cb_show_weight(const struct cb_show *s, const char *entry);

#endif
