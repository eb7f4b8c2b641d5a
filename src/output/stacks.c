// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * stacks.c - weighted call stacks: gathered, added up, and written as folded lines ("a;b;c 42", outermost first), which
 * every flame graph tool reads. svg.c draws them.
 *
 * A stack is kept as its folded text, which is also the key under which equal ones are found. Where a frame's name holds
 * what folded text uses itself, it is replaced: ';' by ':', control characters by a blank.
 *
 * Frames of the kernel end in "_[k]", inlined ones in "_[i]", as flame graph tools know them.
 */
#include "output/stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hmap.h"
#include "output/plan.h"

struct cb_stacks {
	struct cb_hmap map; /* folded text -> struct cb_stack */
	struct cb_buf text; /* of the stack that is being added */
};

struct cb_stacks *cb_stacks_new(void)
{
	return calloc(1, sizeof(struct cb_stacks));
}

void cb_stacks_free(struct cb_stacks *s)
{
	size_t pos = 0;
	void *one;

	if (!s)
		return;
	while ((one = cb_hmap_next(&s->map, &pos, NULL, NULL)))
		free(one);
	cb_hmap_free(&s->map);
	cb_buf_free(&s->text);
	free(s);
}

size_t cb_stacks_count(const struct cb_stacks *s)
{
	return s->map.used;
}

/* ---- Adding ---------------------------------------------------------------------------------------------------- */

static void add_frame(struct cb_stacks *s, const char *name, const char *suffix)
{
	size_t start;

	if (s->text.len)
		cb_buf_ch(&s->text, ';');
	start = s->text.len;
	cb_buf_str(&s->text, *name ? name : "[unknown]");
	cb_buf_str(&s->text, suffix);
	for (size_t i = start; i < s->text.len; i++) {
		if (s->text.data[i] == ';')
			s->text.data[i] = ':';
		else if ((unsigned char)s->text.data[i] < 0x20)
			s->text.data[i] = ' ';
	}
}

/* Count what add_frame() has put together. */
static int add_text(struct cb_stacks *s, uint64_t weight)
{
	struct cb_stack *one;
	int err;

	if (s->text.failed)
		return -ENOMEM;
	if (!s->text.len)
		return -EINVAL;
	one = cb_hmap_get(&s->map, s->text.data, s->text.len);
	if (one) {
		if (__builtin_add_overflow(one->weight, weight, &one->weight))
			one->weight = UINT64_MAX;
		return 0;
	}
	one = malloc(sizeof(*one) + s->text.len + 1);
	if (!one)
		return -ENOMEM;
	one->weight = weight;
	one->len = s->text.len;
	memcpy(one->text, s->text.data, one->len);
	one->text[one->len] = '\0';
	err = cb_hmap_put(&s->map, one->text, one->len, one);
	if (err)
		free(one);
	return err;
}

int cb_stacks_add(struct cb_stacks *s, const char *const *frames, size_t n, uint64_t weight)
{
	s->text.len = 0;
	for (size_t i = 0; i < n; i++)
		add_frame(s, frames[i], "");
	return add_text(s, weight);
}

static bool is_comm(const struct cb_field *f)
{
	const char *dot = strrchr(f->name, '.');

	return f->as == CB_AS_TEXT && (!strcmp(f->type, "lbc_comm_t") || !strcmp(dot ? dot + 1 : f->name, "comm"));
}

/* Frames come innermost first and are added from the end. */
static void add_field_frames(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_stacks *s)
{
	struct cb_buf frames = {0};
	size_t end;

	cb_field_frames(p, f, record, &frames);
	for (end = frames.len; end;) {
		size_t start = end - 1;

		while (start && frames.data[start - 1])
			start--;
		add_frame(s, frames.data + start, f->as == CB_AS_KSTACK ? "_[k]" : "");
		end = start;
	}
	s->text.failed |= frames.failed;
	cb_buf_free(&frames);
}

int cb_plan_stacks(const struct cb_plan *p, const void *record, uint64_t weight, struct cb_stacks *s)
{
	const uint8_t order[] = {CB_AS_USTACK, CB_AS_KSTACK};
	bool any = false;

	for (size_t i = 0; i < p->top.n; i++)
		any |= cb_field_is_stack(&p->top.fields[i]);
	if (!any)
		return 0;
	s->text.len = 0;
	for (size_t i = 0; i < p->top.n; i++) {
		const struct cb_field *f = &p->top.fields[i];

		if (is_comm(f) && !s->text.len) {
			struct cb_buf comm = {0};

			cb_field_put(p, f, record, CB_FOR_PROGRAMS, &comm);
			add_frame(s, cb_buf_cstr(&comm), "");
			cb_buf_free(&comm);
		}
	}
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < p->top.n; i++)
			if (p->top.fields[i].as == order[k])
				add_field_frames(p, &p->top.fields[i], record, s);
	if (!s->text.len)
		add_frame(s, "", "");
	return add_text(s, weight);
}

/* ---- Folded ---------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	const struct cb_stack *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

const struct cb_stack **cb_stacks_list(const struct cb_stacks *s)
{
	const struct cb_stack **list = malloc((s->map.used + 1) * sizeof(struct cb_stack *));
	const struct cb_stack *one;
	size_t pos = 0, n = 0;

	while (list && (one = cb_hmap_next(&s->map, &pos, NULL, NULL)))
		list[n++] = one;
	return list;
}

void cb_stacks_folded(const struct cb_stacks *s, struct cb_buf *out)
{
	const struct cb_stack **list = cb_stacks_list(s);

	if (!list) {
		out->failed = true;
		return;
	}
	qsort(list, s->map.used, sizeof(struct cb_stack *), by_text);
	for (size_t i = 0; i < s->map.used; i++) {
		cb_buf_add(out, list[i]->text, list[i]->len);
		cb_buf_ch(out, ' ');
		cb_buf_u64(out, list[i]->weight);
		cb_buf_ch(out, '\n');
	}
	free(list);
}
