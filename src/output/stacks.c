// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * stacks.c - weighted call stacks: gathered, added up, and written as folded lines ("a;b;c 42", outermost first), which
 * every flame graph tool reads. svg.c draws them.
 *
 * Stacks that begin alike share that beginning: they are kept as a tree of calls, each with its parent.
 *
 *	main;read 3                       root -- main -- read 3
 *	main;parse;alloc 5                          '---- parse -- alloc 5
 *	main;parse 2                                        2
 *
 * Adding a stack goes from the root inwards. A child is found in one hash table over all calls, by its parent and its
 * name; so a frame that is there already costs one look into the table, and no memory.
 *
 * Names come from traced programs. What folded text uses itself is replaced (';' by ':', control characters by a blank),
 * and so are bytes that are not UTF-8.
 */
#include "output/stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "output/plan.h"

struct cb_stacks *cb_stacks_new(void)
{
	return calloc(1, sizeof(struct cb_stacks));
}

void cb_stacks_free(struct cb_stacks *s)
{
	size_t pos = 0;
	void *name;

	if (!s)
		return;
	while ((name = cb_hmap_next(&s->names, &pos, NULL, NULL)))
		free(name);
	cb_hmap_free(&s->names);
	cb_buf_free(&s->clean);
	free(s->index);
	free(s->calls);
	free(s);
}

size_t cb_stacks_count(const struct cb_stacks *s)
{
	return s->ends;
}

/* ---- Names ----------------------------------------------------------------------------------------------------------- */

#define EACH_BYTE(c) (0x0101010101010101ULL * (c))

/* Is any of the eight bytes less than limit (at most 0x80)? A byte that is borrows in the subtraction; the lowest that
 * does is told truly, and one is enough. */
static bool has_byte_below(uint64_t word, unsigned limit)
{
	return (word - EACH_BYTE(limit)) & ~word & EACH_BYTE(0x80);
}

static bool has_byte(uint64_t word, unsigned char c)
{
	return has_byte_below(word ^ EACH_BYTE(c), 1);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15ULL;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* May a name that holds these bytes not stay as it is? */
static bool is_odd(uint64_t word)
{
	return (word & EACH_BYTE(0x80)) || has_byte_below(word, 0x20) || has_byte(word, ';') || has_byte(word, 0x7f);
}

static uint64_t load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Eight bytes at a time, the last eight again if they are not whole, for every frame of every stack comes by here.
 * *odd: the name has to be cleaned. */
static uint64_t hash_name(const char *name, size_t len, bool *odd)
{
	uint64_t hash = len, last = EACH_BYTE(' ');

	*odd = !len;
	if (len >= sizeof(last)) {
		for (size_t i = 0; i + sizeof(last) < len; i += sizeof(last)) {
			hash = mix(hash, load(name + i));
			*odd |= is_odd(load(name + i));
		}
		last = load(name + len - sizeof(last));
	} else {
		for (size_t i = 0; i < len; i++)
			last = last << 8 | (unsigned char)name[i];
	}
	*odd |= is_odd(last);
	return mix(hash, last);
}

/* The name as it is kept, in s->clean. */
static void clean_name(struct cb_stacks *s, const char *name, size_t len)
{
	s->clean.len = 0;
	cb_text_programs(len ? name : "[unknown]", len ? len : strlen("[unknown]"), &s->clean);
	for (size_t i = 0; i < s->clean.len; i++) {
		unsigned char c = (unsigned char)s->clean.data[i];

		if (c == ';')
			s->clean.data[i] = ':';
		else if (c < 0x20 || c == 0x7f)
			s->clean.data[i] = ' ';
	}
}

static const struct cb_frame_name *keep_name(struct cb_stacks *s, const char *text, size_t len)
{
	struct cb_frame_name *name = cb_hmap_get(&s->names, text, len);

	if (name)
		return name;
	name = malloc(sizeof(*name) + len + 1);
	if (!name)
		return NULL;
	name->len = len;
	memcpy(name->text, text, len);
	name->text[len] = '\0';
	if (cb_hmap_put(&s->names, text, len, name)) {
		free(name);
		return NULL;
	}
	return name;
}

/* ---- Adding ---------------------------------------------------------------------------------------------------------- */

enum { FIRST_CALLS = 1024 };

/* Room for one call more, and twice that in the index. */
static int grow(struct cb_stacks *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : FIRST_CALLS;
	size_t index_cap = (size_t)cap * 2;
	struct cb_call *calls;
	uint32_t *index;

	if (cap < s->cap)
		return -ENOMEM;
	calls = realloc(s->calls, (size_t)cap * sizeof(*calls));
	if (!calls)
		return -ENOMEM;
	s->calls = calls;
	index = calloc(index_cap, sizeof(*index));
	if (!index)
		return -ENOMEM;
	if (!s->n)
		s->calls[s->n++] = (struct cb_call){0};
	for (uint32_t i = 1; i < s->n; i++) {
		size_t at = s->calls[i].hash & (index_cap - 1);

		while (index[at])
			at = (at + 1) & (index_cap - 1);
		index[at] = i;
	}
	free(s->index);
	s->index = index;
	s->index_cap = index_cap;
	s->cap = cap;
	return 0;
}

int64_t cb_stacks_step(struct cb_stacks *s, uint32_t from, const char *name, size_t len)
{
	const struct cb_frame_name *kept;
	uint64_t hash;
	bool odd;
	size_t at;

	hash = hash_name(name, len, &odd);
	if (odd) {
		clean_name(s, name, len);
		if (s->clean.failed)
			return -ENOMEM;
		name = s->clean.data;
		len = s->clean.len;
		hash = hash_name(name, len, &odd);
	}
	hash = mix(hash, from);
	if (s->n == s->cap && grow(s))
		return -ENOMEM;
	for (at = (uint32_t)hash & (s->index_cap - 1); s->index[at]; at = (at + 1) & (s->index_cap - 1)) {
		const struct cb_call *c = &s->calls[s->index[at]];

		if (c->hash == (uint32_t)hash && c->parent == from && c->name->len == len &&
		    !memcmp(c->name->text, name, len))
			return s->index[at];
	}
	kept = keep_name(s, name, len);
	if (!kept)
		return -ENOMEM;
	s->calls[s->n] = (struct cb_call){.name = kept, .parent = from, .hash = (uint32_t)hash};
	s->index[at] = s->n;
	return s->n++;
}

/* The sum of all weights stays a number of 64 bits, so that no sum of some of them needs a look. */
void cb_stacks_end(struct cb_stacks *s, uint32_t call, uint64_t weight)
{
	uint64_t room = UINT64_MAX - s->total;

	weight = weight < room ? weight : room;
	s->ends += weight && !s->calls[call].weight;
	s->calls[call].weight += weight;
	s->total += weight;
}

int cb_stacks_add(struct cb_stacks *s, const char *const *frames, size_t n, uint64_t weight)
{
	int64_t call = 0;

	if (!n || !weight)
		return 0;
	for (size_t i = 0; i < n && call >= 0; i++)
		call = cb_stacks_step(s, (uint32_t)call, frames[i], strlen(frames[i]));
	if (call < 0)
		return (int)call;
	cb_stacks_end(s, (uint32_t)call, weight);
	return 0;
}

/* ---- Folded ---------------------------------------------------------------------------------------------------------- */

struct line {
	const char *text;
	size_t len;
};

static int by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* "a;b;c 42\n" of a call that is not the root. The frames are found from the innermost outwards, and so written from the
 * end of their room. */
static void put_line(const struct cb_stacks *s, const struct cb_call *end, struct cb_buf *out)
{
	size_t len = 0;
	char *at;

	for (const struct cb_call *c = end; c->name; c = &s->calls[c->parent])
		len += c->name->len + 1;
	if (!len || !cb_buf_reserve(out, len))
		return;
	out->len += len;
	at = out->data + out->len;
	for (const struct cb_call *c = end; c->name; c = &s->calls[c->parent]) {
		*--at = c == end ? ' ' : ';';
		at -= c->name->len;
		memcpy(at, c->name->text, c->name->len);
	}
	cb_buf_u64(out, end->weight);
	cb_buf_ch(out, '\n');
}

/* A walk of the tree would not give the order of the lines: "a.part" comes between "a" and "a;b". So they are sorted as
 * what they are. */
void cb_stacks_folded(const struct cb_stacks *s, struct cb_buf *out)
{
	struct line *lines = malloc((s->ends + 1) * sizeof(*lines));
	struct cb_buf text = {0};
	size_t n = 0;

	for (uint32_t i = 1; lines && i < s->n; i++) {
		size_t start = text.len;

		if (!s->calls[i].weight)
			continue;
		put_line(s, &s->calls[i], &text);
		lines[n++].len = text.len - start;
	}
	if (!lines || text.failed) {
		out->failed = true;
	} else {
		const char *at = text.data;

		for (size_t i = 0; i < n; at += lines[i++].len)
			lines[i].text = at;
		qsort(lines, n, sizeof(*lines), by_text);
		for (size_t i = 0; i < n; i++)
			cb_buf_add(out, lines[i].text, lines[i].len);
	}
	cb_buf_free(&text);
	free(lines);
}
