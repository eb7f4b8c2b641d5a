// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * expect.c - see expect.h.
 *
 * Each expectation has a tally. The records go by, each tally counts and sums, remembers the few that came nearest and which of
 * the fields that it names were ever seen: a misspelt one would never match, and "no event" would always hold.
 */
#include "lab/expect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "output/plan.h"

enum {
	NEAREST = 3,
	SHOWN = 600, /* bytes of a record that are shown */
	TRUTH_SHOWN = 200,
	NAMES_SHOWN = 32,
};

struct near {
	size_t score, len;
	const char *line;
};

struct tally {
	const struct cb_lab_expect *x;
	uint64_t considered, matched;
	__int128 sum;
	bool no_number; /* a value that was to be added is none */
	bool *seen;	/* the condition's fields, and behind them the one of a sum */
	struct near nearest[NEAREST];
	size_t n_nearest;
};

struct check {
	const struct cb_lab_test *t;
	const struct cb_lab_outcome *o;
	struct cb_lab_truths truths;
	struct tally *tallies;
	size_t n;
	uint64_t events, rows, broken;
	struct cb_buf event_fields; /* names of the first event's members */
	struct cb_buf maps;	    /* names of maps that had rows, each with a zero */
	struct cb_err why_broken;
	struct cb_lab_found *found;
};

/* ---- What was found -------------------------------------------------------------------------------------------- */

static void put_number(struct cb_buf *out, __int128 v)
{
	unsigned __int128 rest = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
	char digits[40];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + (int)(rest % 10));
	while (rest /= 10);
	if (v < 0)
		cb_buf_ch(out, '-');
	cb_buf_add(out, digits + n, sizeof(digits) - n);
}

/* what: a line, which becomes the first sentence if nothing else was found before. x: NULL, what every test is held to. */
static void add_found(struct check *c, enum cb_lab_why why, const struct cb_lab_expect *x, struct cb_buf *what)
{
	struct cb_lab_found *f = c->found;

	if (!f->why) {
		f->why = why;
		if (x)
			cb_buf_printf(&f->first, "expect %s: ", x->text);
		cb_buf_add(&f->first, what->data, what->len);
	}
	if (x)
		cb_buf_printf(&f->details, "%s:%u: expect %s\n  ", c->t->path, x->line, x->text);
	cb_buf_add(&f->details, what->data, what->len);
	cb_buf_ch(&f->details, '\n');
	f->details.failed |= what->failed;
	cb_buf_free(what);
}

static void put_limited(struct cb_buf *out, const char *text, size_t len, size_t max)
{
	if (len <= max) {
		cb_buf_add(out, text, len);
		return;
	}
	while (max && (text[max] & 0xc0) == 0x80) /* not within a character */
		max--;
	cb_buf_add(out, text, max);
	cb_buf_printf(out, " ... (%zu bytes more)", len - max);
}

/* ---- Records --------------------------------------------------------------------------------------------------- */

static bool is_there(void *ctx, const json_t *value)
{
	return true;
}

static bool add_value(void *ctx, const json_t *value)
{
	struct tally *t = ctx;
	__int128 number;

	if (json_is_string(value) || !cb_lab_json_number(value, &number)) {
		/* numbers beyond 63 bits are text here, see cb_lab_record() */
		if (!json_is_string(value) || !cb_lab_number(json_string_value(value), &number)) {
			t->no_number = true;
			return false;
		}
	}
	t->no_number |= __builtin_add_overflow(t->sum, number, &t->sum);
	return false;
}

static size_t fields_of(const struct cb_lab_expect *x)
{
	return (x->cond ? cb_lab_cond_fields(x->cond) : 0) + (x->field != NULL);
}

static const char *field_at(const struct cb_lab_expect *x, size_t i)
{
	size_t n = x->cond ? cb_lab_cond_fields(x->cond) : 0;

	return i < n ? cb_lab_cond_field(x->cond, i) : x->field;
}

static void look_for_fields(struct tally *t, const json_t *record)
{
	for (size_t i = 0, n = fields_of(t->x); i < n; i++)
		if (!t->seen[i])
			t->seen[i] = cb_lab_field_any(record, field_at(t->x, i), is_there, NULL);
}

static void remember(struct tally *t, size_t score, const char *line, size_t len)
{
	size_t at = t->n_nearest;

	while (at && t->nearest[at - 1].score < score)
		at--;
	if (at == NEAREST)
		return;
	if (t->n_nearest < NEAREST)
		t->n_nearest++;
	memmove(t->nearest + at + 1, t->nearest + at, (t->n_nearest - at - 1) * sizeof(*t->nearest));
	t->nearest[at] = (struct near){.score = score, .line = line, .len = len};
}

static void tally_record(struct tally *t, const struct cb_lab_truths *truths, const json_t *record, const char *line,
			 size_t len)
{
	size_t score = 0, of = 0;

	t->considered++;
	look_for_fields(t, record);
	if (t->x->cond && !cb_lab_cond_match(t->x->cond, record, truths)) {
		score = cb_lab_cond_score(t->x->cond, record, truths, &of);
		remember(t, score, line, len);
		return;
	}
	t->matched++;
	if (t->x->field)
		cb_lab_field_any(record, t->x->field, add_value, t);
	/* of too many it is those that match which explain something */
	remember(t, SIZE_MAX, line, len);
}

static const char *row_map(const json_t *record)
{
	const json_t *map = json_object_get(record, "map");

	if (!json_is_string(map) || !(json_object_get(record, "value") || json_object_get(record, "buckets")))
		return NULL;
	return json_string_value(map);
}

static bool is_about(const struct cb_lab_expect *x, const char *map)
{
	switch (x->subject) {
	case CB_LAB_EVENTS:
		return !map;
	case CB_LAB_ROWS:
		return map && !strcmp(map, x->map);
	case CB_LAB_SUM:
		return x->map ? map && !strcmp(map, x->map) : !map;
	default:
		return false;
	}
}

static void remember_map(struct check *c, const char *map)
{
	size_t count = 0;

	for (size_t at = 0; at < c->maps.len; at += strlen(c->maps.data + at) + 1, count++)
		if (!strcmp(c->maps.data + at, map))
			return;
	if (count < NAMES_SHOWN)
		cb_buf_add(&c->maps, map, strlen(map) + 1);
}

static void remember_fields(struct check *c, json_t *event)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(event, name, value) if (n++ < NAMES_SHOWN)
		cb_buf_printf(&c->event_fields, "%s%s", n > 1 ? ", " : "", name);
}

static void take_record(struct check *c, json_t *record, const char *line, size_t len)
{
	const char *map = row_map(record);

	if (map) {
		c->rows++;
		remember_map(c, map);
	} else if (!c->events++) {
		remember_fields(c, record);
	}
	for (size_t i = 0; i < c->n; i++)
		if (is_about(c->tallies[i].x, map))
			tally_record(&c->tallies[i], &c->truths, record, line, len);
}

static void take_line(struct check *c, const char *line, size_t len)
{
	struct cb_err why = {0};
	json_t *record;

	if (!len || *line != '{')
		return;
	record = cb_lab_record(line, len, &why);
	if (record)
		take_record(c, record, line, len);
	else if (!c->broken++)
		c->why_broken = why;
	json_decref(record);
}

static bool next_line(const struct cb_lab_text *text, size_t *at, const char **line, size_t *len)
{
	const char *stop;

	if (*at >= text->len)
		return false;
	*line = text->s + *at;
	stop = memchr(*line, '\n', text->len - *at);
	*len = stop ? (size_t)(stop - *line) : text->len - *at;
	*at += *len + 1;
	return true;
}

/* ---- Ranges ---------------------------------------------------------------------------------------------------- */

/* Rounded down for the low end, up for the high one. False, with a sentence, when its truth is none. */
static bool bound_value(const struct check *c, const struct cb_lab_bound *b, bool up, __int128 *out, struct cb_buf *why)
{
	__int128 v = b->number, part, rest;

	if (b->truth) {
		const char *text = cb_lab_truth(&c->truths, b->truth);

		if (!text) {
			cb_buf_printf(why, "the workload printed no line %s=VALUE", b->truth);
			return false;
		}
		if (!cb_lab_number(text, &v)) {
			cb_buf_printf(why, "the workload printed %s=", b->truth);
			put_limited(why, text, strlen(text), TRUTH_SHOWN);
			cb_buf_str(why, ", which is no number");
			return false;
		}
	}
	part = v * b->percent / 100;
	rest = v * b->percent % 100;
	*out = v + part + (up && rest > 0) - (!up && rest < 0) + b->add;
	return true;
}

/* Does n lie in the range? Sentences go to why: what is wrong with an end, or what is expected. */
static bool in_range(const struct check *c, const struct cb_lab_range *r, __int128 n, struct cb_buf *why, bool *unknown)
{
	__int128 low = 0, high = 0;

	*unknown = (r->has_low && !bound_value(c, &r->low, false, &low, why)) ||
		   (r->has_high && !bound_value(c, &r->high, true, &high, why));
	if (*unknown)
		return false;
	if (r->has_low && r->has_high && low == high) {
		put_number(why, low);
	} else if (r->has_low && r->has_high) {
		put_number(why, low);
		cb_buf_str(why, " to ");
		put_number(why, high);
	} else {
		put_number(why, r->has_low ? low : high);
		cb_buf_str(why, r->has_low ? " or more" : " or less");
	}
	return (!r->has_low || n >= low) && (!r->has_high || n <= high);
}

/* ---- Judgement ------------------------------------------------------------------------------------------------- */

static void put_nearest(const struct tally *t, struct cb_buf *out)
{
	for (size_t i = 0; i < t->n_nearest; i++) {
		cb_buf_printf(out, "\n  %s ", t->nearest[i].score == SIZE_MAX ? "matches:" : "nearest:");
		put_limited(out, t->nearest[i].line, t->nearest[i].len, SHOWN);
	}
}

static void put_truths(const struct check *c, struct cb_buf *out)
{
	for (size_t i = 0; i < c->truths.n && i < NAMES_SHOWN; i++) {
		cb_buf_printf(out, "%s%s=", i ? ", " : "\n  truths: ", c->truths.t[i].name);
		put_limited(out, c->truths.t[i].value, strlen(c->truths.t[i].value), TRUTH_SHOWN);
	}
}

/* A field that no record had, or NULL. */
static const char *missing_field(const struct tally *t)
{
	for (size_t i = 0, n = fields_of(t->x); t->considered && i < n; i++)
		if (!t->seen[i])
			return field_at(t->x, i);
	return NULL;
}

static void put_names(struct cb_buf *out, const struct cb_buf *names)
{
	if (!names->len)
		cb_buf_str(out, "none");
	for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1)
		cb_buf_printf(out, "%s%s", at ? ", " : "", names->data + at);
}

/* Nothing to count at all: "no events came", and of a map, which there were. */
static void put_none(const struct check *c, const struct cb_lab_expect *x, struct cb_buf *out)
{
	if (!x->map) {
		cb_buf_str(out, "no event came");
		return;
	}
	cb_buf_printf(out, "no row of a map %s was shown; maps with rows: ", x->map);
	put_names(out, &c->maps);
}

static bool wants_truth_that_lacks(struct check *c, const struct cb_lab_expect *x)
{
	const char *lacks = x->cond ? cb_lab_cond_lacks(x->cond, &c->truths) : NULL;
	struct cb_buf what = {0};

	if (!lacks)
		return false;
	cb_buf_printf(&what, "the workload printed no line %s=VALUE", lacks);
	put_truths(c, &what);
	add_found(c, CB_LAB_WHY_VALUE, x, &what);
	return true;
}

static bool names_unknown_field(struct check *c, const struct tally *t)
{
	const char *field = missing_field(t);
	struct cb_buf what = {0};

	if (!field)
		return false;
	if (t->x->map)
		cb_buf_printf(&what, "no row of %s has a field %s", t->x->map, field);
	else
		cb_buf_printf(&what, "no event has a field %s; the first has: %.*s", field, (int)c->event_fields.len,
			      c->event_fields.len ? c->event_fields.data : "");
	put_nearest(t, &what);
	add_found(c, CB_LAB_WHY_VALUE, t->x, &what);
	return true;
}

static void judge_tally(struct check *c, const struct tally *t)
{
	const struct cb_lab_expect *x = t->x;
	bool is_sum = x->subject == CB_LAB_SUM, unknown;
	__int128 n = is_sum ? t->sum : (__int128)t->matched;
	struct cb_buf range = {0}, what = {0};

	if (wants_truth_that_lacks(c, x) || names_unknown_field(c, t))
		return;
	if (in_range(c, &x->range, n, &range, &unknown) && !t->no_number) {
		/* what was left out cannot have made too few, but too many */
		if (!c->o->out.cut || !x->range.has_high)
			goto out;
		cb_buf_printf(&what, "cannot be told: %llu bytes of the output were left out (directive output)",
			      (unsigned long long)c->o->out.cut);
	} else if (unknown) {
		cb_buf_add(&what, range.data, range.len);
	} else if (t->no_number) {
		cb_buf_printf(&what, "the field %s is no number in all of them", x->field);
	} else if (!t->considered) {
		put_none(c, x, &what);
	} else {
		cb_buf_printf(&what, "%.*s expected, ", (int)range.len, range.data);
		put_number(&what, n);
		if (is_sum)
			cb_buf_printf(&what, " is the sum over %llu", (unsigned long long)t->matched);
		else
			cb_buf_str(&what, " found");
		cb_buf_printf(&what, " of %llu %s", (unsigned long long)t->considered, x->map ? "rows" : "events");
		if (c->o->out.cut)
			cb_buf_printf(&what, "; %llu bytes of the output were left out (directive output)",
				      (unsigned long long)c->o->out.cut);
	}
	put_nearest(t, &what);
	put_truths(c, &what);
	add_found(c, t->considered || unknown ? CB_LAB_WHY_VALUE : CB_LAB_WHY_NO_EVENT, x, &what);
out:
	cb_buf_free(&range);
	cb_buf_free(&what);
}

static void judge_lines(struct check *c, const struct cb_lab_expect *x, const struct cb_lab_text *text)
{
	struct cb_buf what = {0};
	const char *line, *hit = NULL;
	size_t at = 0, len, hit_len = 0;
	bool none = x->range.has_high;

	while (!hit && next_line(text, &at, &line, &len))
		if (cb_glob(x->glob, strlen(x->glob), line, len)) {
			hit = line;
			hit_len = len;
		}
	if ((hit != NULL) != none)
		return;
	if (hit) {
		cb_buf_str(&what, "this line is there: ");
		put_limited(&what, hit, hit_len, SHOWN);
	} else {
		cb_buf_str(&what, text->len ? "no line is like that" : "there is no output at all");
	}
	add_found(c, CB_LAB_WHY_VALUE, x, &what);
}

/* x NULL: none, 0 is expected of what every test is held to. */
static void judge_number(struct check *c, const struct cb_lab_expect *x, enum cb_lab_why why, __int128 n,
			 const char *noun)
{
	static const struct cb_lab_range zero = {.has_low = true, .has_high = true};
	struct cb_buf range = {0}, what = {0};
	bool unknown;

	if (!in_range(c, x ? &x->range : &zero, n, &range, &unknown)) {
		if (unknown) {
			cb_buf_add(&what, range.data, range.len);
		} else {
			cb_buf_printf(&what, "%s: ", noun);
			put_number(&what, n);
			cb_buf_printf(&what, ", %.*s expected", (int)range.len, range.data);
		}
		add_found(c, why, x, &what);
	}
	cb_buf_free(&range);
}

/* "coolbpf: 17 events of MAP were lost: its buffer was full" */
static uint64_t lost_events(const struct cb_lab_text *err)
{
	static const char begin[] = "coolbpf: ", middle[] = " events of ";
	const char *line;
	size_t at = 0, len;
	uint64_t lost = 0;

	while (next_line(err, &at, &line, &len)) {
		char *end;
		uint64_t n;

		if (len < sizeof(begin) || strncmp(line, begin, sizeof(begin) - 1))
			continue;
		n = strtoull(line + sizeof(begin) - 1, &end, 10);
		if (!strncmp(end, middle, sizeof(middle) - 1))
			lost += n;
	}
	return lost;
}

/* As a shell tells it: 128 and the signal's number for what a signal has ended. */
static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void judge(struct check *c, const struct tally *t)
{
	switch (t->x->subject) {
	case CB_LAB_EXIT:
		judge_number(c, t->x, CB_LAB_WHY_EXIT, exit_status(c->o->status), "exit status");
		break;
	case CB_LAB_OUTPUT:
		judge_lines(c, t->x, &c->o->out);
		break;
	case CB_LAB_STDERR:
		judge_lines(c, t->x, &c->o->err);
		break;
	case CB_LAB_LOST:
		judge_number(c, t->x, CB_LAB_WHY_VALUE, lost_events(&c->o->err), "lost events");
		break;
	default:
		judge_tally(c, t);
	}
}

bool cb_lab_expects(const struct cb_lab_test *t, const bool *on, enum cb_lab_subject subject)
{
	for (size_t i = 0; i < t->n_expects; i++)
		if (on[i] && t->expects[i].subject == subject)
			return true;
	return false;
}

static void judge_defaults(struct check *c, const bool *on)
{
	struct cb_buf what = {0};

	if (!cb_lab_expects(c->t, on, CB_LAB_LOST))
		judge_number(c, NULL, CB_LAB_WHY_VALUE, lost_events(&c->o->err), "lost events");
	/* where a part was left out, the line around it is none */
	if (c->broken <= (c->o->out.cut ? 1 : 0) || c->t->kind != CB_LAB_RUN)
		return;
	cb_buf_printf(&what, "%llu lines of the output begin like a record and are none; the first: %s",
		      (unsigned long long)c->broken, c->why_broken.text);
	add_found(c, CB_LAB_WHY_VALUE, NULL, &what);
}

/* ---- All of it ------------------------------------------------------------------------------------------------- */

static int prepare(struct check *c, const bool *on)
{
	c->tallies = calloc(c->t->n_expects + 1, sizeof(*c->tallies));
	if (!c->tallies || cb_lab_truths_read(&c->truths, c->o->work_out.s, c->o->work_out.len))
		return -ENOMEM;
	for (size_t i = 0; i < c->t->n_expects; i++) {
		struct tally *t = &c->tallies[c->n];

		if (!on[i])
			continue;
		t->x = &c->t->expects[i];
		t->seen = calloc(fields_of(t->x) + 1, sizeof(*t->seen));
		if (!t->seen)
			return -ENOMEM;
		c->n++;
	}
	return 0;
}

static void release(struct check *c)
{
	for (size_t i = 0; c->tallies && i < c->n; i++)
		free(c->tallies[i].seen);
	free(c->tallies);
	cb_lab_truths_free(&c->truths);
	cb_buf_free(&c->event_fields);
	cb_buf_free(&c->maps);
}

int cb_lab_expect(const struct cb_lab_test *t, const bool *on, const struct cb_lab_outcome *o,
		  struct cb_lab_found *found)
{
	struct check c = {.t = t, .o = o, .found = found};
	const char *line;
	size_t at = 0, len;
	int err;

	*found = (struct cb_lab_found){0};
	err = prepare(&c, on);
	while (!err && next_line(&o->out, &at, &line, &len))
		take_line(&c, line, len);
	if (!err) {
		for (size_t i = 0; i < c.n; i++)
			judge(&c, &c.tallies[i]);
		judge_defaults(&c, on);
		for (size_t i = 0; !err && i < c.n; i++)
			if (c.tallies[i].x->cond && cb_lab_cond_failed(c.tallies[i].x->cond))
				err = -ENOMEM;
		if (found->first.failed || found->details.failed || c.maps.failed || c.event_fields.failed)
			err = -ENOMEM;
	}
	release(&c);
	if (err)
		cb_lab_found_free(found);
	return err;
}

void cb_lab_found_free(struct cb_lab_found *found)
{
	cb_buf_free(&found->first);
	cb_buf_free(&found->details);
	*found = (struct cb_lab_found){0};
}
