/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* slice_padding.h - the holes of a struct. */
#ifndef CB_COMPILE_SLICE_PADDING_H
#define CB_COMPILE_SLICE_PADDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Append members without a name, each on a line of its own, for the hole from bit `at` to bit `place`, where something
 * aligned to so many bytes stands. between_bit_fields: what stands before and behind are bit fields. No hole: nothing. */
void cb_slice_padding(struct cb_buf *out, int indent, uint64_t at, uint64_t place, unsigned align,
		      bool between_bit_fields);

#endif
