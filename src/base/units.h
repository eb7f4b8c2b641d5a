/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* units.h - numbers as people write them: "10", "0x1f", "4M", "1.5ms". */
#ifndef CB_UNITS_H
#define CB_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct cb_number {
	uint64_t magnitude; /* rounded down to a whole number */
	bool negative;
};

/* An integer in decimal, hexadecimal (0x) or octal (0 or 0o), with a sign, and with a suffix K M G T (powers of 1024, an
 * optional B or iB behind it) when it is decimal; "1.5K" works. The whole text must be used. 0, -EINVAL not a number,
 * -ERANGE beyond 64 bits. */
int cb_parse_number(const char *text, struct cb_number *out);

/* A duration with its unit: ns us ms s m h d ("1.5ms"). A number without a unit counts in default_unit nanoseconds; a
 * default_unit of 0 makes that -EINVAL. *ns is in nanoseconds, rounded down. Errors as above. */
int cb_parse_duration(const char *text, uint64_t default_unit, uint64_t *ns);

#endif
