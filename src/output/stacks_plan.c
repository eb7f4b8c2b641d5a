// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * stacks_plan.c - the stack of a record: its task's name outermost, then the user frames, then those of the kernel, which
 * the user's last frame called.
 *
 * Names of kernel frames get "_[k]" at their end, as flame graph tools know them; the "_[i]" of inlined functions and the
 * "_[j]" of a JIT compiler's come with the names (struct cb_resolver).
 */
#include <errno.h>

#include "output/plan.h"
#include "output/stacks.h"

static bool is_comm(const struct cb_field *f)
{
	const char *dot = strrchr(f->name, '.');

	return f->as == CB_AS_TEXT && (!strcmp(f->type, "lbc_comm_t") || !strcmp(dot ? dot + 1 : f->name, "comm"));
}

/* Each address without a name for itself would make a stack of its own; what says something is the binary: "[libc.so.6]"
 * for "[libc.so.6+0x1234]", "[unknown]" for "0x1234". False: it has a name. */
static bool put_nameless(const char *frame, size_t len, struct cb_buf *out)
{
	const char *plus = len && frame[0] == '[' && frame[len - 1] == ']' ? memrchr(frame, '+', len) : NULL;

	if (plus && !strncmp(plus, "+0x", 3)) {
		cb_buf_add(out, frame, (size_t)(plus - frame));
		cb_buf_ch(out, ']');
		return true;
	}
	if (strncmp(frame, "0x", 2))
		return false;
	cb_buf_str(out, "[unknown]");
	return true;
}

/* Frames come innermost first, each with a zero behind it, and are added from the end. Of nameless ones in a row that have
 * become the same the first is enough: code without frame pointers gives towers of them. */
static int64_t add_frames(struct cb_stacks *s, int64_t call, struct cb_buf *frames, const char *suffix)
{
	struct cb_buf name = {0}, before = {0};
	size_t start;

	for (size_t end = frames->len; end && call >= 0; end = start) {
		bool nameless;

		start = end - 1;
		while (start && frames->data[start - 1])
			start--;
		name.len = 0;
		nameless = put_nameless(frames->data + start, end - 1 - start, &name);
		if (nameless && name.len && name.len == before.len && !memcmp(name.data, before.data, name.len))
			continue;
		before.len = 0;
		if (nameless)
			cb_buf_add(&before, name.data, name.len);
		else
			cb_buf_add(&name, frames->data + start, end - 1 - start);
		cb_buf_str(&name, suffix);
		call = name.failed || before.failed ? -ENOMEM : cb_stacks_step(s, (uint32_t)call, name.data, name.len);
	}
	cb_buf_free(&name);
	cb_buf_free(&before);
	return call;
}

static int64_t add_stacks(const struct cb_plan *p, uint8_t as, const void *record, int64_t call, struct cb_stacks *s)
{
	struct cb_buf frames = {0};

	for (size_t i = 0; i < p->top.n && call >= 0; i++) {
		if (p->top.fields[i].as != as)
			continue;
		frames.len = 0;
		cb_field_frames(p, &p->top.fields[i], record, &frames);
		call = frames.failed ? -ENOMEM : add_frames(s, call, &frames, as == CB_AS_KSTACK ? "_[k]" : "");
	}
	cb_buf_free(&frames);
	return call;
}

int cb_plan_stacks(const struct cb_plan *p, const void *record, uint64_t weight, struct cb_stacks *s)
{
	const struct cb_field *comm = NULL;
	bool any = false;
	int64_t call = 0;

	for (size_t i = 0; i < p->top.n; i++) {
		if (!comm && is_comm(&p->top.fields[i]))
			comm = &p->top.fields[i];
		any = any || cb_field_is_stack(&p->top.fields[i]);
	}
	if (!any || !weight)
		return 0;
	if (comm)
		call = cb_stacks_step(s, 0, (const char *)record + comm->off, cb_field_text_len(comm, record));
	call = add_stacks(p, CB_AS_USTACK, record, call, s);
	call = add_stacks(p, CB_AS_KSTACK, record, call, s);
	if (call > 0)
		cb_stacks_end(s, (uint32_t)call, weight);
	return call < 0 ? (int)call : 0;
}
