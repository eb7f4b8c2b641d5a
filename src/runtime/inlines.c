// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * inlines.c - the functions at an address, and the source lines, from DWARF.
 *
 * DWARF is a tree per compilation unit; asking libdw for the scopes at an address walks through all of the unit each
 * time. Here each unit is walked once, when the first address in it is asked for, into two arrays:
 *
 *	nodes   one per function and per inlined call:   caller, where it was called, its entry in DWARF
 *	ranges  their pieces of code, by address:        low..high, node, the range around it
 *
 *	         |----------- main ------------------|
 *	              |--- parse ---|      |-- put --|
 *	                 |- skip -|
 *
 * Ranges nest, so the innermost one at an address is the last that begins at or before it, or one of those around that.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/symbols.h"

enum {
	NONE = UINT32_MAX,
	DEPTH_MAX = 200,      /* of the DWARF tree; more than any compiler makes */
	NODES_MAX = 16 << 20, /* per unit */
};

struct node {
	Dwarf_Off die;
	uint64_t low; /* where it begins */
	char *name;   /* NULL until asked for; "" when it has none */
	uint32_t caller;
	uint32_t call_file, call_line;
	bool inlined;
};

struct range {
	uint64_t low, high;
	uint32_t node;
	uint32_t around; /* index of a range, or NONE */
};

struct unit {
	Dwarf_Die die;
	bool walked;
	struct node *nodes;
	struct range *ranges;
	size_t node_count, node_cap, range_count, range_cap;
};

struct unit_range {
	uint64_t low, high;
	uint32_t unit;
};

struct cb_inlines {
	Dwarf *dw;
	struct unit *units;
	size_t unit_count, unit_cap;
	struct unit_range *ranges; /* by low */
	size_t range_count, range_cap;
};

/* Room for one more in a growing array. */
static bool room(void *array, size_t *cap, size_t count, size_t size)
{
	size_t bigger = *cap ? *cap * 2 : 64;
	void *p;

	if (count < *cap)
		return true;
	p = reallocarray(*(void **)array, bigger, size);
	if (!p)
		return false;
	*(void **)array = p;
	*cap = bigger;
	return true;
}

/* ---- Units ------------------------------------------------------------------------------------------------------ */

static int compare_units(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static bool add_unit(struct cb_inlines *in, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	size_t before = in->range_count;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		/* low 0 is code that the linker dropped */
		if (!low || high <= low)
			continue;
		if (!room(&in->ranges, &in->range_cap, in->range_count, sizeof(*in->ranges)))
			return false;
		in->ranges[in->range_count++] = (struct unit_range){low, high, (uint32_t)in->unit_count};
	}
	if (in->range_count == before)
		return true;
	if (!room(&in->units, &in->unit_cap, in->unit_count, sizeof(*in->units)))
		return false;
	in->units[in->unit_count++] = (struct unit){.die = *die};
	return true;
}

struct cb_inlines *cb_inlines_new(Dwarf *dw)
{
	struct cb_inlines *in = calloc(1, sizeof(*in));
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;

	if (!in)
		return NULL;
	in->dw = dw;
	while (!dwarf_get_units(dw, cu, &cu, NULL, NULL, &die, NULL)) {
		if (!add_unit(in, &die)) {
			cb_inlines_free(in);
			return NULL;
		}
	}
	if (in->range_count)
		qsort(in->ranges, in->range_count, sizeof(*in->ranges), compare_units);
	return in;
}

static struct unit *find_unit(const struct cb_inlines *in, uint64_t addr)
{
	size_t low = 0, high = in->range_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (in->ranges[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* units do not nest; identical functions that the linker folded may overlap a little */
	for (int i = 0; low && i < 4; i++)
		if (addr < in->ranges[--low].high)
			return &in->units[in->ranges[low].unit];
	return NULL;
}

/* ---- One unit --------------------------------------------------------------------------------------------------- */

static uint32_t number(Dwarf_Die *die, unsigned attribute, uint32_t absent)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr(die, attribute, &attr) || dwarf_formudata(&attr, &v) || v >= UINT32_MAX)
		return absent;
	return (uint32_t)v;
}

/* A function or an inlined call with code of its own: its node, else NONE. */
static uint32_t add_node(struct unit *u, Dwarf_Die *die, bool inlined, uint32_t caller)
{
	uint32_t index = (uint32_t)u->node_count;
	Dwarf_Addr base, low, high, entry;
	bool any = false;
	ptrdiff_t at = 0;

	if (index >= NODES_MAX || !room(&u->nodes, &u->node_cap, u->node_count, sizeof(*u->nodes)))
		return NONE;
	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (!low || high <= low)
			continue;
		if (!room(&u->ranges, &u->range_cap, u->range_count, sizeof(*u->ranges)))
			break;
		u->ranges[u->range_count++] = (struct range){low, high, index, NONE};
		if (!any)
			u->nodes[index].low = low;
		any = true;
	}
	if (!any)
		return NONE;
	if (!dwarf_entrypc(die, &entry))
		u->nodes[index].low = entry;
	u->nodes[index] = (struct node){
		.die = dwarf_dieoffset(die),
		.low = u->nodes[index].low,
		.caller = caller,
		.call_file = inlined ? number(die, DW_AT_call_file, NONE) : NONE,
		.call_line = inlined ? number(die, DW_AT_call_line, 0) : 0,
		.inlined = inlined,
	};
	u->node_count++;
	return index;
}

static void walk(struct unit *u, Dwarf_Die *parent, uint32_t caller, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		uint32_t node = caller;

		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			/* one inside another is a nested function, not an inlined one */
			node = add_node(u, &die, false, NONE);
			if (node == NONE)
				continue;
			break;
		case DW_TAG_inlined_subroutine:
			node = add_node(u, &die, true, caller);
			if (node == NONE)
				continue;
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			break;
		default:
			continue;
		}
		walk(u, &die, node, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* Outer ranges before inner ones; of equal ones the caller was added first. */
static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void walk_unit(struct unit *u)
{
	uint32_t open = NONE; /* the innermost range that has not ended */

	u->walked = true;
	walk(u, &u->die, NONE, 0);
	if (u->range_count)
		qsort(u->ranges, u->range_count, sizeof(*u->ranges), compare_ranges);
	for (size_t i = 0; i < u->range_count; i++) {
		while (open != NONE && u->ranges[open].high <= u->ranges[i].low)
			open = u->ranges[open].around;
		u->ranges[i].around = open;
		open = (uint32_t)i;
	}
}

static uint32_t find_node(const struct unit *u, uint64_t addr)
{
	size_t low = 0, high = u->range_count;
	uint32_t i;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (u->ranges[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low ? (uint32_t)low - 1 : NONE; i != NONE && addr >= u->ranges[i].high;)
		i = u->ranges[i].around;
	return i == NONE ? NONE : u->ranges[i].node;
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* The name that the linker sees says more than DW_AT_name: namespaces, classes, argument types. */
static char *read_name(Dwarf *dw, Dwarf_Off offset)
{
	struct cb_buf shown = {0};
	Dwarf_Attribute attr;
	const char *name = NULL;
	Dwarf_Die die;
	char *copy;

	if (!dwarf_offdie(dw, offset, &die))
		return strdup("");
	if (dwarf_attr_integrate(&die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(&die, DW_AT_MIPS_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	if (!name)
		name = dwarf_diename(&die);
	if (name && cb_demangle(name, &shown))
		name = cb_buf_cstr(&shown);
	copy = strdup(name ? name : "");
	cb_buf_free(&shown);
	return copy;
}

static const char *node_name(struct cb_inlines *in, struct node *n)
{
	if (!n->name)
		n->name = read_name(in->dw, n->die);
	return n->name && *n->name ? n->name : NULL;
}

static const char *file_name(Dwarf_Die *unit, uint32_t index)
{
	Dwarf_Files *files;
	const char *name;
	size_t count;

	/* file 0 is the unit's own in DWARF 5; before, libdw calls it "???" */
	if (index == NONE || dwarf_getsrcfiles(unit, &files, &count) || index >= count)
		return "";
	name = dwarf_filesrc(files, index, NULL, NULL);
	return name && strcmp(name, "???") ? name : "";
}

size_t cb_inlines_find(struct cb_inlines *in, uint64_t addr, struct cb_inline_frame *out, size_t max)
{
	struct unit *u = find_unit(in, addr);
	const char *file = NULL;
	Dwarf_Line *line;
	int line_no = 0;
	uint32_t index;
	size_t n = 0;

	if (!u)
		return 0;
	if (!u->walked)
		walk_unit(u);
	line = dwarf_getsrc_die(&u->die, addr);
	if (line && !dwarf_lineno(line, &line_no))
		file = dwarf_linesrc(line, NULL, NULL);
	if (!file)
		file = "";
	for (index = find_node(u, addr); n < max && index != NONE; n++) {
		struct node *node = &u->nodes[index];

		out[n] = (struct cb_inline_frame){.name = node_name(in, node),
						  .low = node->low,
						  .file = file,
						  .line = line_no > 0 ? (unsigned)line_no : 0,
						  .inlined = node->inlined};
		if (!node->inlined)
			return n + 1;
		file = file_name(&u->die, node->call_file);
		line_no = (int)node->call_line;
		index = node->caller;
	}
	/* code outside of every function (assembly): a line is all there is */
	if (!n && max && (*file || line_no > 0)) {
		out[0] = (struct cb_inline_frame){.file = file, .line = line_no > 0 ? (unsigned)line_no : 0};
		return 1;
	}
	return n;
}

void cb_inlines_free(struct cb_inlines *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->unit_count; i++) {
		for (size_t j = 0; j < in->units[i].node_count; j++)
			free(in->units[i].nodes[j].name);
		free(in->units[i].nodes);
		free(in->units[i].ranges);
	}
	free(in->units);
	free(in->ranges);
	free(in);
}
