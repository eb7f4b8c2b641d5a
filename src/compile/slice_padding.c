// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice_padding.c - see slice_padding.h.
 *
 * Bit fields without a name do not change how a struct is aligned. But what clang loads for a bit field depends on the bit
 * fields beside it, with or without a name, so that these have to be the very ones that libbpf writes into the whole
 * vmlinux.h:
 *
 *   - to the boundary of the largest unit (long, int, short, char) that has one in the hole. A compiler goes there by
 *     itself, unless what comes next would also fit before it: then ": 0" says so. Between two bit fields the bits are
 *     counted instead
 *   - from there in whole units, and for the rest a smaller one
 */
#include "compile/slice_padding.h"

#include <stddef.h>

#include "compile/slice_write.h"

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static void put_bits(struct cb_buf *out, int indent, const char *type, uint64_t bits)
{
	cb_buf_ch(out, '\n');
	for (int i = 0; i < indent; i++)
		cb_buf_ch(out, '\t');
	cb_buf_str(out, type);
	cb_buf_str(out, " : ");
	cb_buf_u64(out, bits);
	cb_buf_ch(out, ';');
}

void cb_slice_padding(struct cb_buf *out, int indent, uint64_t at, uint64_t place, unsigned align,
		      bool between_bit_fields)
{
	static const struct {
		const char *type;
		unsigned bits;
	} units[] = {{"long", 64}, {"int", 32}, {"short", 16}, {"char", 8}};
	size_t u = 0;
	size_t most = out->len + CB_SLICE_MAX;
	uint64_t boundary;

	if (at >= place)
		return;
	while (u < 3 && round_up(at, units[u].bits) > place)
		u++;
	boundary = round_up(at, units[u].bits);
	if (boundary > at && boundary <= place) {
		bool next_fits_before =
			boundary == place ? round_up(at, 8 * align) != boundary : place - boundary <= boundary - at;

		if (between_bit_fields)
			put_bits(out, indent, units[u].type, boundary - at);
		else if (next_fits_before)
			put_bits(out, indent, units[u].type, 0);
		at = boundary;
	}
	for (; place - at >= units[u].bits && out->len <= most && !out->failed; at += units[u].bits)
		put_bits(out, indent, units[u].type, units[u].bits);
	for (u = 3; u > 0 && units[u].bits < place - at; u--)
		;
	if (at < place)
		put_bits(out, indent, units[u].type, place - at);
}
