// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * show.c - a map, printed as LBC_SHOW asks for: a table, the top of it, histograms, stacks.
 *
 *	table                       sorted by key
 *	top N [by FIELD]            the N largest by a field of the value (or key); ties in the order of keys
 *	hist [log2|log10] [UNIT]    slots of a histogram, see below
 *	linear [STEP [UNIT]]        the same, slot i counting the values from i * STEP
 *	stacks                      by weight, each with its frames
 *
 * Slots come in three shapes: the map's keys are slot numbers and its values counts (LBC_HIST2); the value is an array
 * of counters, or a struct whose first array of integers it is, which gives one histogram per key; the key is a struct
 * with a member called slot, which gives one histogram for each of the other members' values.
 *
 * Entries are kept as they come, key behind key in one buffer, and sorted when they are printed (show_print.c).
 */
#include "output/show.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/units.h"

static int bad_how(const struct cb_show_spec *spec, const char *what, struct cb_err *e)
{
	return cb_fail(e, EINVAL,
		       "map %s cannot be shown as \"%s\": %s; there are: table, top N [by FIELD], hist [log10] [UNIT], "
		       "linear [STEP [UNIT]], stacks, each also with clear behind it",
		       spec->title, spec->how, what);
}

/* The next word of how, in words[]; NULL at the end. */
static const char *next(struct cb_show *s)
{
	return s->at < s->nwords ? s->words[s->at++] : NULL;
}

static int split_words(struct cb_show *s, const char *how)
{
	char *rest;

	s->how = strdup(how);
	if (!s->how)
		return -ENOMEM;
	for (char *w = strtok_r(s->how, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
		if (s->nwords == SHOW_WORDS)
			return -E2BIG;
		s->words[s->nwords++] = w;
	}
	if (s->nwords && !strcmp(s->words[s->nwords - 1], "clear")) {
		s->clear = true;
		s->nwords--;
	}
	return 0;
}

static bool known_unit(const char *unit)
{
	if (strlen(unit) >= sizeof(((struct cb_hist *)0)->unit))
		return false;
	for (; *unit; unit++)
		if (!isalnum((unsigned char)*unit) && !strchr("_-/%", *unit))
			return false;
	return true;
}

static int parse_hist(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	const char *word = next(s);

	if (s->hist.kind == CB_HIST_LINEAR && word && isdigit((unsigned char)*word)) {
		struct cb_number step;

		if (cb_parse_number(word, &step) || !step.magnitude)
			return bad_how(spec, "STEP must be a whole number above 0", e);
		s->hist.step = step.magnitude;
		word = next(s);
	} else if (s->hist.kind != CB_HIST_LINEAR && word && (!strcmp(word, "log2") || !strcmp(word, "log10"))) {
		s->hist.kind = strcmp(word, "log10") ? CB_HIST_LOG2 : CB_HIST_LOG10;
		word = next(s);
	}
	if (word) {
		if (!known_unit(word))
			return bad_how(spec, "UNIT must be a short word", e);
		strcpy(s->hist.unit, word);
	}
	return 0;
}

static int parse_top(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	const char *word = next(s);
	struct cb_number n;

	if (!word || cb_parse_number(word, &n) || n.negative || !n.magnitude)
		return bad_how(spec, "behind top a number is expected", e);
	s->limit = n.magnitude;
	word = next(s);
	if (!word)
		return 0;
	if (strcmp(word, "by") || !(s->by = next(s)))
		return bad_how(spec, "behind the number \"by FIELD\" is expected", e);
	return 0;
}

static int parse_how(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	const char *word;
	int err = split_words(s, spec->how);

	if (err == -E2BIG)
		return bad_how(spec, "it has too many words", e);
	if (err)
		return cb_fail(e, -err, "out of memory");
	s->hist.kind = strcmp(spec->hist, "log10") ? CB_HIST_LOG2 : CB_HIST_LOG10;
	s->hist.step = 1;
	word = next(s);
	if (!word) {
		s->kind = *spec->hist ? SHOW_HIST : SHOW_TABLE;
	} else if (!strcmp(word, "table")) {
		s->kind = SHOW_TABLE;
	} else if (!strcmp(word, "top")) {
		s->kind = SHOW_TOP;
		err = parse_top(s, spec, e);
	} else if (!strcmp(word, "hist")) {
		s->kind = SHOW_HIST;
		err = parse_hist(s, spec, e);
	} else if (!strcmp(word, "linear")) {
		s->kind = SHOW_HIST;
		s->hist.kind = CB_HIST_LINEAR;
		err = parse_hist(s, spec, e);
	} else if (!strcmp(word, "stacks")) {
		s->kind = SHOW_STACKS;
	} else {
		return bad_how(spec, "there is no such way", e);
	}
	word = next(s);
	return err || !word ? err : bad_how(spec, "there is more behind it than it takes", e);
}

/* ---- What the fields mean --------------------------------------------------------------------------------------- */

/* A value that is no struct has no name of its own and is called `bare`. */
static const struct cb_field *field_called(const struct cb_plan *p, const char *name, const char *bare)
{
	for (size_t i = 0; i < p->top.n; i++)
		if (!strcmp(*p->top.fields[i].name ? p->top.fields[i].name : bare, name))
			return &p->top.fields[i];
	return NULL;
}

static const struct cb_field *first_number(const struct cb_plan *p)
{
	for (size_t i = 0; i < p->top.n; i++)
		if (cb_field_is_number(&p->top.fields[i]))
			return &p->top.fields[i];
	return NULL;
}

/* An array of plain integers. */
static const struct cb_field *first_slots(const struct cb_plan *p)
{
	for (size_t i = 0; i < p->top.n; i++) {
		const struct cb_field *f = &p->top.fields[i];

		if (f->as == CB_AS_ARRAY && f->elem->n == 1 && f->elem->fields[0].as == CB_AS_INT &&
		    f->elem->fields[0].off == 0 && f->elem->fields[0].size == f->stride)
			return f;
	}
	return NULL;
}

static bool has_stacks(const struct cb_plan *p)
{
	for (size_t i = 0; i < p->top.n; i++)
		if (cb_field_is_stack(&p->top.fields[i]))
			return true;
	return false;
}

static void list_names(const struct cb_plan *p, const char *bare, struct cb_buf *out)
{
	for (size_t i = 0; i < p->top.n; i++)
		cb_buf_printf(out, " %s", *p->top.fields[i].name ? p->top.fields[i].name : bare);
}

/* The field that "top" ranks by and that "stacks" weighs by. */
static int find_rank(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	struct cb_buf names = {0};
	int err;

	if (!s->by) {
		s->rank = first_number(s->value);
		if (!s->rank && s->kind == SHOW_TOP)
			return cb_fail(e, EINVAL,
				       "map %s cannot be shown as \"%s\": its values hold no number to rank by",
				       spec->title, spec->how);
		return 0;
	}
	s->rank = field_called(s->value, s->by, "value");
	if (!s->rank) {
		s->rank = field_called(s->key, s->by, "key");
		s->rank_in_key = s->rank;
	}
	if (s->rank)
		return 0;
	list_names(s->value, "value", &names);
	list_names(s->key, "key", &names);
	err = cb_fail(e, EINVAL, "map %s cannot be shown as \"%s\": there is no field %s; there are:%s", spec->title,
		      spec->how, s->by, cb_buf_cstr(&names));
	cb_buf_free(&names);
	return err;
}

static int find_slots(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	s->slots = first_slots(s->value);
	if (s->slots)
		return 0;
	s->count = first_number(s->value);
	s->slot = s->key->top.n == 1 ? first_number(s->key) : field_called(s->key, "slot", "");
	if (!s->count || !s->slot || !cb_field_is_number(s->slot))
		return cb_fail(
			e, EINVAL,
			"map %s cannot be shown as a histogram: its values hold no array of integers, and its keys "
			"are not slot numbers",
			spec->title);
	return 0;
}

static struct cb_plan *plan_for(const struct cb_show_spec *spec, uint32_t type_id, const char *what, const char *name,
				struct cb_err *e)
{
	struct cb_plan *p = cb_plan_new(spec->btf, type_id, name, spec->resolver, e);
	int err = errno;

	if (!p) {
		cb_fail_in(e, -err, "the %s of map %s", what, spec->title);
		errno = err;
	}
	return p;
}

static int set_up(struct cb_show *s, const struct cb_show_spec *spec, struct cb_err *e)
{
	int err = parse_how(s, spec, e);

	if (err)
		return err;
	/* without a name, so that JSON has the bare value where it is no struct */
	s->key = plan_for(spec, spec->key_type_id, "keys", "", e);
	if (!s->key)
		return -errno;
	s->value = plan_for(spec, spec->value_type_id, "values", "", e);
	if (!s->value)
		return -errno;
	s->stride = (s->key->size + 7) / 8 * 8 + (s->value->size + 7) / 8 * 8;
	s->value_at = (s->key->size + 7) / 8 * 8;
	s->stacks_in_key = has_stacks(s->key);
	if (s->kind == SHOW_HIST)
		return find_slots(s, spec, e);
	if (s->kind == SHOW_STACKS && !s->stacks_in_key && !has_stacks(s->value))
		return cb_fail(
			e, EINVAL,
			"map %s cannot be shown as stacks: neither keys nor values have a field of type lbc_kstack_t "
			"or lbc_ustack_t",
			spec->title);
	return find_rank(s, spec, e);
}

struct cb_show *cb_show_new(const struct cb_show_spec *spec, struct cb_err *e)
{
	struct cb_show *s = calloc(1, sizeof(*s));
	int err;

	if (s)
		s->title = strdup(spec->title);
	if (!s || !s->title) {
		free(s);
		errno = -cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	s->format = spec->format;
	err = set_up(s, spec, e);
	if (err) {
		cb_show_free(s);
		errno = -err;
		return NULL;
	}
	return s;
}

void cb_show_free(struct cb_show *s)
{
	if (!s)
		return;
	cb_plan_free(s->key);
	cb_plan_free(s->value);
	cb_buf_free(&s->entries);
	free(s->title);
	free(s->how);
	free(s);
}

bool cb_show_clears(const struct cb_show *s)
{
	return s->clear;
}

const char *cb_show_unit(const struct cb_show *s)
{
	if (!s->rank)
		return "samples";
	if (s->rank->as == CB_AS_BYTES)
		return "bytes";
	if (s->rank->as == CB_AS_DURATION)
		return s->rank->unit == 1 ? "ns" : s->rank->unit == 1000 ? "us" : "ms";
	return "samples";
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

int cb_show_add(struct cb_show *s, const void *key, const void *value)
{
	char *at;

	if (!cb_buf_reserve(&s->entries, s->stride))
		return -ENOMEM;
	at = s->entries.data + s->entries.len;
	memset(at, 0, s->stride);
	memcpy(at, key, s->key->size);
	memcpy(at + s->value_at, value, s->value->size);
	s->entries.len += s->stride;
	return 0;
}

size_t cb_show_count(const struct cb_show *s)
{
	return s->stride ? s->entries.len / s->stride : 0;
}

uint64_t cb_show_weight(const struct cb_show *s, const char *entry)
{
	int64_t v;

	if (!s->rank)
		return 1;
	v = (int64_t)cb_field_load(s->rank, entry + (s->rank_in_key ? 0 : s->value_at));
	return v < 0 && cb_load_signed(s->rank->load) ? 0 : (uint64_t)v;
}

int cb_show_stacks(struct cb_show *s, struct cb_stacks *to)
{
	const struct cb_plan *p = s->stacks_in_key ? s->key : s->value;
	int err = 0;

	for (size_t i = 0; i < cb_show_count(s) && !err; i++) {
		const char *entry = s->entries.data + i * s->stride;
		uint64_t weight = cb_show_weight(s, entry);

		if (weight)
			err = cb_plan_stacks(p, s->stacks_in_key ? entry : entry + s->value_at, weight, to);
	}
	s->entries.len = 0;
	return err;
}
