// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * show_print.c - the entries that a cb_show has gathered, sorted and printed; see show.c.
 *
 * For programs every line stands for itself and names its map: JSON {"map":"calls","key":...,"value":...}, or for a
 * histogram {"map":"latency","key":...,"unit":"ns","buckets":[{"from":0,"to":1,"count":12}]} (without key when there is
 * only one); CSV a column "map" and then the fields, or from, to and count. For people a title, then what belongs to it,
 * then an empty line.
 */
#include <errno.h>
#include <stdlib.h>

#include "output/columns.h"
#include "output/show.h"

/* What one render works with. */
struct print {
	const struct cb_show *s;
	const char **entries; /* sorted */
	size_t n;
	unsigned width; /* of the terminal, 0 unlimited */
	struct cb_buf *out;
	struct cb_err *e;
};

/* ---- Order ------------------------------------------------------------------------------------------------------ */

static int compare_keys(const struct cb_show *s, const char *a, const char *b, const struct cb_field *except)
{
	for (size_t i = 0; i < s->key->top.n; i++) {
		const struct cb_field *f = &s->key->top.fields[i];
		int order = f == except ? 0 : cb_field_compare(f, a, b);

		if (order)
			return order;
	}
	return 0;
}

/* By key; slots of one histogram, which all but the slot number identifies, stand together. */
static int by_key(const void *a, const void *b, void *ctx)
{
	const struct cb_show *s = ctx;
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;

	return compare_keys(s, x, y, s->slot);
}

static int by_rank(const void *a, const void *b, void *ctx)
{
	const struct cb_show *s = ctx;
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t at = s->rank_in_key ? 0 : s->value_at;
	int order = s->rank ? cb_field_compare(s->rank, y + at, x + at) : 0;

	return order ? order : compare_keys(s, x, y, NULL);
}

/* ---- Fields ----------------------------------------------------------------------------------------------------- */

static const char *heading(const struct cb_field *f, const char *otherwise)
{
	return *f->name ? f->name : otherwise;
}

static void json_opening(const struct print *p)
{
	cb_buf_str(p->out, "{\"map\":");
	cb_json_quote(p->s->title, strlen(p->s->title), p->out);
}

static void csv_field(const struct print *p, const struct cb_plan *plan, const struct cb_field *f, const char *record)
{
	struct cb_buf text = {0};

	cb_field_put(plan, f, record, CB_FOR_PROGRAMS, &text);
	cb_buf_ch(p->out, ',');
	cb_csv_cell(text.data, text.len, p->out);
	p->out->failed |= text.failed;
	cb_buf_free(&text);
}

static void csv_headings(const struct print *p, const struct cb_plan *plan, const struct cb_field *except,
			 const char *otherwise)
{
	for (size_t i = 0; i < plan->top.n; i++) {
		const char *name = heading(&plan->top.fields[i], otherwise);

		if (&plan->top.fields[i] == except)
			continue;
		cb_buf_ch(p->out, ',');
		cb_csv_cell(name, strlen(name), p->out);
	}
}

/* "name=value name=value", a bare value without its name; stacks and one field left out. */
static void text_fields(const struct print *p, const struct cb_plan *plan, const char *record,
			const struct cb_field *except, const char *between)
{
	for (size_t i = 0; i < plan->top.n; i++) {
		const struct cb_field *f = &plan->top.fields[i];

		if (f == except || cb_field_is_stack(f))
			continue;
		cb_buf_str(p->out, between);
		if (*f->name) {
			cb_buf_str(p->out, f->name);
			cb_buf_ch(p->out, '=');
		}
		cb_field_put(plan, f, record, CB_FOR_PEOPLE, p->out);
	}
}

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

/* The i-th column: fields of the key first, then those of the value. */
static const struct cb_field *column_field(const struct cb_show *s, size_t i)
{
	return i < s->key->top.n ? &s->key->top.fields[i] : &s->value->top.fields[i - s->key->top.n];
}

static void column_text(const struct cb_show *s, size_t i, const char *entry, struct cb_buf *out)
{
	bool key = i < s->key->top.n;

	cb_field_put(key ? s->key : s->value, column_field(s, i), entry + (key ? 0 : s->value_at), CB_FOR_PEOPLE, out);
}

/* All cells are made before the first is printed: the widths depend on every one. Row 0 is the heading. */
static int text_table(const struct print *p)
{
	const struct cb_show *s = p->s;
	size_t columns = s->key->top.n + s->value->top.n, cell = 0;
	struct cb_column *widths = calloc(columns + 1, sizeof(*widths));
	size_t *ends = calloc((p->n + 1) * columns + 1, sizeof(*ends)), start = 0;
	struct cb_buf text = {0};
	int err = widths && ends ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < columns; i++) {
		const char *name = heading(column_field(s, i), i < s->key->top.n ? "key" : "value");

		widths[i] = cb_column_for(column_field(s, i), name);
		cb_column_heading(name, &text);
		ends[cell++] = text.len;
	}
	for (size_t row = 0; !err && row < p->n; row++) {
		for (size_t i = 0; i < columns; i++) {
			size_t before = text.len, width;

			column_text(s, i, p->entries[row], &text);
			width = cb_columns(text.data + before, text.len - before);
			widths[i].width = width > widths[i].width ? (unsigned)width : widths[i].width;
			ends[cell++] = text.len;
		}
	}
	if (text.failed)
		err = -ENOMEM;
	if (!err)
		cb_columns_fit(widths, columns, p->width);
	for (size_t k = 0; !err && k < cell; k++) {
		size_t i = k % columns;
		unsigned limit = widths[i].shown < widths[i].width ? widths[i].shown : 0;

		cb_column_put(&widths[i], text.data + start, ends[k] - start, limit, i + 1 == columns, p->out);
		cb_buf_ch(p->out, i + 1 == columns ? '\n' : ' ');
		start = ends[k];
	}
	free(widths);
	free(ends);
	cb_buf_free(&text);
	return err;
}

static void json_entry(const struct print *p, const char *entry)
{
	json_opening(p);
	cb_buf_str(p->out, ",\"key\":");
	cb_plan_json(p->s->key, entry, p->out);
	cb_buf_str(p->out, ",\"value\":");
	cb_plan_json(p->s->value, entry + p->s->value_at, p->out);
	cb_buf_str(p->out, "}\n");
}

static void csv_entries(const struct print *p)
{
	const struct cb_show *s = p->s;

	cb_buf_str(p->out, "map");
	csv_headings(p, s->key, NULL, "key");
	csv_headings(p, s->value, NULL, "value");
	cb_buf_ch(p->out, '\n');
	for (size_t row = 0; row < p->n; row++) {
		cb_csv_cell(s->title, strlen(s->title), p->out);
		for (size_t i = 0; i < s->key->top.n; i++)
			csv_field(p, s->key, &s->key->top.fields[i], p->entries[row]);
		for (size_t i = 0; i < s->value->top.n; i++)
			csv_field(p, s->value, &s->value->top.fields[i], p->entries[row] + s->value_at);
		cb_buf_ch(p->out, '\n');
	}
}

/* ---- Stacks ----------------------------------------------------------------------------------------------------- */

static bool text_frames(const struct print *p, const struct cb_plan *plan, const char *record, uint8_t as, bool any)
{
	struct cb_buf frames = {0};

	for (size_t i = 0; i < plan->top.n; i++)
		if (plan->top.fields[i].as == as)
			cb_field_frames(plan, &plan->top.fields[i], record, &frames);
	if (any && frames.len)
		cb_buf_str(p->out, "    --\n");
	for (size_t at = 0; at < frames.len;) {
		size_t len = strnlen(frames.data + at, frames.len - at);

		cb_buf_str(p->out, "    ");
		cb_text_people(frames.data + at, len, p->out);
		cb_buf_ch(p->out, '\n');
		at += len + 1;
	}
	any |= frames.len > 0;
	p->out->failed |= frames.failed;
	cb_buf_free(&frames);
	return any;
}

/* "  1.50s  pid=42  comm=nginx", and below it the kernel's frames, innermost first, then those of the process. */
static void text_stack(const struct print *p, const char *entry)
{
	const struct cb_show *s = p->s;
	const struct cb_plan *plan = s->stacks_in_key ? s->key : s->value;
	const char *record = s->stacks_in_key ? entry : entry + s->value_at;
	bool any;

	if (s->rank) {
		cb_buf_str(p->out, "  ");
		cb_field_put(s->rank_in_key ? s->key : s->value, s->rank, entry + (s->rank_in_key ? 0 : s->value_at),
			     CB_FOR_PEOPLE, p->out);
	}
	text_fields(p, s->key, entry, NULL, "  ");
	text_fields(p, s->value, entry + s->value_at, s->rank, "  ");
	cb_buf_ch(p->out, '\n');
	any = text_frames(p, plan, record, CB_AS_KSTACK, false);
	text_frames(p, plan, record, CB_AS_USTACK, any);
	cb_buf_ch(p->out, '\n');
}

/* ---- Histograms ------------------------------------------------------------------------------------------------- */

/* The key of a histogram; NULL entry: there is but one, which has none. */
static void json_hist_key(const struct print *p, const char *entry)
{
	const struct cb_show *s = p->s;
	bool comma = false;

	cb_buf_str(p->out, "\"key\":");
	if (!s->slot) {
		cb_plan_json(s->key, entry, p->out);
		cb_buf_ch(p->out, ',');
		return;
	}
	cb_buf_ch(p->out, '{');
	for (size_t i = 0; i < s->key->top.n; i++) {
		const struct cb_field *f = &s->key->top.fields[i];

		if (f == s->slot)
			continue;
		if (comma)
			cb_buf_ch(p->out, ',');
		comma = true;
		cb_json_quote(f->name, strlen(f->name), p->out);
		cb_buf_ch(p->out, ':');
		cb_json_value(s->key, f, entry, p->out);
	}
	cb_buf_str(p->out, "},");
}

static void csv_hist(const struct print *p, const struct cb_hist *h, const char *entry)
{
	const struct cb_show *s = p->s;
	size_t first, end;

	cb_hist_used(h, &first, &end);
	for (size_t slot = first; slot < end; slot++) {
		uint64_t from, to;

		cb_hist_range(h, slot, &from, &to);
		cb_csv_cell(s->title, strlen(s->title), p->out);
		for (size_t i = 0; i < s->key->top.n; i++)
			if (&s->key->top.fields[i] != s->slot)
				csv_field(p, s->key, &s->key->top.fields[i], entry);
		cb_buf_printf(p->out, ",%llu,%llu,%llu\n", (unsigned long long)from, (unsigned long long)to,
			      (unsigned long long)h->counts[slot]);
	}
}

/* A plain array with one entry is one histogram, and its index says nothing. */
static bool has_hist_key(const struct print *p, const char *entry)
{
	const struct cb_show *s = p->s;

	if (s->slot)
		return s->key->top.n > 1;
	return p->n > 1 || s->key->top.n != 1 || *s->key->top.fields[0].name ||
	       !cb_field_is_number(s->key->top.fields) || cb_field_load(s->key->top.fields, entry);
}

static void print_hist(const struct print *p, const uint64_t *counts, size_t n, const char *entry)
{
	struct cb_hist h = p->s->hist;
	size_t first, end;

	h.counts = counts;
	h.n = n;
	if (!cb_hist_used(&h, &first, &end))
		return;
	switch (p->s->format) {
	case CB_JSON:
		json_opening(p);
		cb_buf_ch(p->out, ',');
		if (has_hist_key(p, entry))
			json_hist_key(p, entry);
		cb_hist_json(&h, p->out);
		cb_buf_str(p->out, "}\n");
		break;
	case CB_CSV:
		csv_hist(p, &h, entry);
		break;
	case CB_TABLE:
		cb_buf_str(p->out, p->s->title);
		if (has_hist_key(p, entry)) {
			cb_buf_ch(p->out, ':');
			text_fields(p, p->s->key, entry, p->s->slot, " ");
		}
		cb_buf_ch(p->out, '\n');
		cb_hist_text(&h, p->width, p->out);
		cb_buf_ch(p->out, '\n');
		break;
	}
}

/* The value's array. */
static int print_array(const struct print *p, const char *entry)
{
	const struct cb_field *slots = p->s->slots;
	const char *record = entry + p->s->value_at + slots->off;
	uint64_t *counts = calloc(slots->count + 1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < slots->count; i++)
		counts[i] = cb_field_load(slots->elem->fields, record + i * slots->stride);
	print_hist(p, counts, slots->count, entry);
	free(counts);
	return 0;
}

/* Entries from..to - 1, each one slot. */
static int print_slots(const struct print *p, size_t from, size_t to)
{
	const struct cb_show *s = p->s;
	uint64_t most = 0, *counts;

	for (size_t i = from; i < to; i++) {
		uint64_t slot = cb_field_load(s->slot, p->entries[i]);

		if (slot >= SHOW_SLOTS_MAX)
			return cb_fail(p->e, ERANGE, "map %s cannot be shown as a histogram: %lld is no slot", s->title,
				       (long long)slot);
		most = slot > most ? slot : most;
	}
	counts = calloc(most + 1, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (size_t i = from; i < to; i++)
		counts[cb_field_load(s->slot, p->entries[i])] += cb_field_load(s->count, p->entries[i] + s->value_at);
	print_hist(p, counts, most + 1, p->entries[from]);
	free(counts);
	return 0;
}

static int print_hists(const struct print *p)
{
	const struct cb_show *s = p->s;
	int err = 0;

	if (s->format == CB_CSV) {
		cb_buf_str(p->out, "map");
		csv_headings(p, s->key, s->slot, "key");
		cb_buf_str(p->out, ",from,to,count\n");
	}
	for (size_t i = 0, end; i < p->n && !err; i = end) {
		end = i + 1;
		if (s->slots) {
			err = print_array(p, p->entries[i]);
			continue;
		}
		while (end < p->n && !compare_keys(s, p->entries[i], p->entries[end], s->slot))
			end++;
		err = print_slots(p, i, end);
	}
	return err;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static int print(struct print *p)
{
	const struct cb_show *s = p->s;
	int err = 0;

	if (s->kind == SHOW_HIST)
		return print_hists(p);
	if (s->format == CB_CSV) {
		csv_entries(p);
		return 0;
	}
	if (s->format == CB_JSON) {
		for (size_t i = 0; i < p->n; i++)
			json_entry(p, p->entries[i]);
		return 0;
	}
	cb_buf_str(p->out, s->title);
	cb_buf_ch(p->out, '\n');
	for (size_t i = 0; s->kind == SHOW_STACKS && i < p->n; i++)
		text_stack(p, p->entries[i]);
	if (s->kind != SHOW_STACKS) {
		err = text_table(p);
		cb_buf_ch(p->out, '\n');
	}
	return err;
}

int cb_show_render(struct cb_show *s, unsigned width, struct cb_buf *out, struct cb_err *e)
{
	struct print p = {.s = s, .n = cb_show_count(s), .width = width, .out = out, .e = e};
	bool ranked = s->kind == SHOW_TOP || s->kind == SHOW_STACKS;
	int err;

	if (!p.n) /* tools have maps for modes that are not on */
		return 0;
	p.entries = calloc(p.n, sizeof(*p.entries));
	if (!p.entries)
		return cb_fail(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < p.n; i++)
		p.entries[i] = s->entries.data + i * s->stride;
	qsort_r(p.entries, p.n, sizeof(*p.entries), ranked ? by_rank : by_key, s);
	if (s->kind == SHOW_TOP && p.n > s->limit)
		p.n = s->limit;
	err = print(&p);
	free(p.entries);
	s->entries.len = 0;
	if (err == -ENOMEM || out->failed)
		return cb_fail(e, ENOMEM, "out of memory");
	return err;
}
