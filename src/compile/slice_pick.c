// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice_pick.c - see slice_pick.h.
 *
 * Seeds are the program's names. From there on:
 *
 *   what is contained by value is needed
 *   what a member points to is needed when the program has a name for that member; else its tag will do
 *   what a typedef, an array, a function's parameters mention must have been declared
 *
 * A list of what is still to be looked at, and not recursion, follows pointers: their chains are as long as the kernel
 * likes. Each type is looked at once for each rise of its need.
 */
#include "compile/slice_pick.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct btf_type *type_of(const struct cb_picks *p, uint32_t id)
{
	return cb_btf_index_type(p->ix, id);
}

/* ---- The set ---------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct cb_picks *p, uint32_t id)
{
	uint32_t at = id * 2654435769U >> 8 & (p->nslots - 1);

	while (p->slots[at] && p->list[p->slots[at] - 1].id != id)
		at = (at + 1) & (p->nslots - 1);
	return at;
}

struct cb_picked *cb_picks_find(const struct cb_picks *p, uint32_t id)
{
	uint32_t n = p->nslots ? p->slots[slot_of(p, id)] : 0;

	return n ? &p->list[n - 1] : NULL;
}

static bool room(struct cb_picks *p, void **array, uint32_t count, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 256;
	void *grown;

	if (count < *cap)
		return true;
	grown = reallocarray(*array, more, size);
	if (!grown) {
		p->failed = true;
		return false;
	}
	*array = grown;
	*cap = more;
	return true;
}

static bool grow_slots(struct cb_picks *p)
{
	uint32_t nslots = p->nslots ? p->nslots * 2 : 1024;
	uint32_t *slots = calloc(nslots, sizeof(*slots));

	if (!slots) {
		p->failed = true;
		return false;
	}
	free(p->slots);
	p->slots = slots;
	p->nslots = nslots;
	for (uint32_t i = 0; i < p->count; i++)
		p->slots[slot_of(p, p->list[i].id)] = i + 1;
	return true;
}

/* So much of this type is needed. */
static void pick(struct cb_picks *p, uint32_t id, enum cb_need need)
{
	struct cb_picked *known;

	if (p->count >= p->nslots / 2 && !grow_slots(p))
		return;
	known = cb_picks_find(p, id);
	if (known && known->need >= need)
		return;
	if (!room(p, (void **)&p->due, p->ndue, &p->due_cap, sizeof(*p->due)) ||
	    (!known && !room(p, (void **)&p->list, p->count, &p->cap, sizeof(*p->list))))
		return;
	if (known) {
		known->need = need;
	} else if (p->list) {
		p->slots[slot_of(p, id)] = p->count + 1;
		p->list[p->count++] = (struct cb_picked){.id = id, .need = need};
	}
	p->due[p->ndue++] = id;
}

/* ---- What one type needs of others ------------------------------------------------------------------------------ */

/* Of what a type refers to. */
enum how {
	VALUE,	   /* there is one of it here */
	POINTED,   /* a pointer to it is here, which nobody follows */
	REACHED,   /* a pointer to it is here, which the program may follow */
	PROTOTYPE, /* a function has it, or a pointer to it: C wants it declared before */
};

/* How much of a struct or union, when a value of it is there to be reached, or copied. */
static enum cb_need need_of(const struct cb_picks *p, const struct btf_type *t, enum cb_need asked)
{
	bool part = asked == CB_NEED_REACHED && t->size > CB_BPF_STACK && !p->names->exact;

	return part ? CB_NEED_REACHED : CB_NEED_WHOLE;
}

/* Chains end: cb_btf_check() has seen to it. */
static void refer(struct cb_picks *p, uint32_t id, enum how how, enum cb_need need)
{
	while (id) {
		const struct btf_type *t = type_of(p, id);

		switch (btf_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			/* one without a name is written out where it is referred to */
			if (how == PROTOTYPE && t->name_off)
				pick(p, id, CB_NEED_NAME);
			else if (how != POINTED || !t->name_off)
				pick(p, id, need_of(p, t, need));
			return;
		case BTF_KIND_FWD:
			if (how == PROTOTYPE)
				pick(p, id, CB_NEED_NAME);
			return;
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			pick(p, id, CB_NEED_WHOLE);
			return;
		case BTF_KIND_FUNC_PROTO:
			pick(p, id, CB_NEED_NAME);
			return;
		case BTF_KIND_TYPEDEF:
			pick(p, id, CB_NEED_NAME);
			id = t->type;
			break;
		case BTF_KIND_PTR:
			/* whoever follows the first pointer may follow the second */
			how = how == VALUE ? POINTED : how;
			id = t->type;
			break;
		case BTF_KIND_ARRAY:
			/* C has no arrays of what is only declared */
			how = how == POINTED || how == PROTOTYPE ? REACHED : how;
			id = btf_array(t)->type;
			break;
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return;
		}
	}
}

bool cb_picks_field(const struct cb_picks *p, const struct btf_member *m)
{
	const char *name = p->ix->view.strs + m->name_off;

	return cb_slice_uses(p->names, name, strlen(name)) & CB_USE_FIELD;
}

/* A member that the program has a name for: a value, and what it points to. */
static void refer_both(struct cb_picks *p, uint32_t id, enum cb_need need)
{
	refer(p, id, VALUE, need);
	refer(p, id, REACHED, CB_NEED_REACHED);
}

static bool is_composite_without_name(const struct cb_picks *p, const struct btf_member *m)
{
	const struct btf_type *t = type_of(p, m->type);

	return !m->name_off && btf_is_composite(t) && !t->name_off;
}

static void refer_members(struct cb_picks *p, const struct btf_type *t, enum cb_need need)
{
	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (is_composite_without_name(p, m))
			pick(p, m->type, need); /* of the same struct, for C */
		else if (cb_picks_field(p, m))
			refer_both(p, m->type, need);
		else if (need == CB_NEED_WHOLE || !m->name_off)
			refer(p, m->type, VALUE, CB_NEED_WHOLE);
	}
}

static void look_at(struct cb_picks *p, uint32_t id)
{
	const struct btf_type *t = type_of(p, id);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (cb_picks_find(p, id)->need != CB_NEED_NAME)
			refer_members(p, t, cb_picks_find(p, id)->need);
		break;
	case BTF_KIND_TYPEDEF:
		refer(p, t->type, POINTED, CB_NEED_REACHED);
		break;
	case BTF_KIND_FUNC_PROTO:
		refer(p, t->type, PROTOTYPE, CB_NEED_REACHED);
		for (uint16_t i = 0; i < btf_vlen(t); i++)
			refer(p, btf_params(t)[i].type, PROTOTYPE, CB_NEED_REACHED);
		break;
	default:
		break;
	}
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------ */

/* Of several types of one name only the first keeps it (see slice_write.c), so that it is the one that is meant. */
static void seed(struct cb_picks *p, const struct cb_slice_name *n)
{
	bool tag = n->uses & (CB_USE_TAG | CB_USE_POINTER_TAG) ||
		   (p->names->tags_anywhere && n->uses & (CB_USE_PLAIN | CB_USE_FIELD));
	uint32_t id = tag ? cb_btf_index_first(p->ix, n->hash, n->text, n->len, CB_BTF_TAGS) : 0;

	if (id)
		refer(p, id, VALUE, n->uses & CB_USE_TAG ? CB_NEED_WHOLE : CB_NEED_REACHED);
	if (!(n->uses & (CB_USE_PLAIN | CB_USE_DECLARED)))
		return;
	id = cb_btf_index_first(p->ix, n->hash, n->text, n->len, CB_BTF_IDENTS);
	if (id && n->uses & CB_USE_PLAIN)
		refer_both(p, id, CB_NEED_WHOLE);
	else if (id)
		refer(p, id, POINTED, CB_NEED_REACHED);
}

int cb_picks_of(const struct cb_btf_index *ix, const struct cb_slice_names *names, struct cb_picks *p, struct cb_err *e)
{
	*p = (struct cb_picks){.ix = ix, .names = names};
	for (uint32_t i = 0; i < names->count; i++)
		seed(p, &names->names[i]);
	while (p->ndue && !p->failed)
		look_at(p, p->due[--p->ndue]);
	return p->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

bool cb_picks_any_record(const struct cb_picks *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (btf_is_composite(type_of(p, p->list[i].id)) && p->list[i].need != CB_NEED_NAME)
			return true;
	return false;
}

void cb_picks_free(struct cb_picks *p)
{
	free(p->list);
	free(p->slots);
	free(p->due);
	*p = (struct cb_picks){0};
}
