/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * digits.h - integers as text, straight into memory that the caller has reserved.
 *
 * Numbers are what records are made of, so these are inline and take a plain pointer: no check for room, no copy. Each
 * returns the end of what it wrote. Up to 8 digits are made in 32-bit arithmetic, two digits a time from a table; a
 * larger number is first split into parts of 8 digits, whose divisions do not wait for each other.
 */
#ifndef CB_OUTPUT_DIGITS_H
#define CB_OUTPUT_DIGITS_H

#include <stdint.h>
#include <string.h>

enum {
	CB_U64_DIGITS = 20, /* 18446744073709551615 */
	CB_S64_DIGITS = 20, /* -9223372036854775808 */
	CB_HEX_DIGITS = 18, /* 0xffffffffffffffff */
};

static const char cb_digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				     "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				     "8081828384858687888990919293949596979899";

static inline char *cb_put_pair(char *p, uint32_t v)
{
	memcpy(p, cb_digit_pairs + v * 2, 2);
	return p + 2;
}

/* Exactly 8 digits, leading zeros included. */
static inline char *cb_put_8_digits(char *p, uint32_t v)
{
	uint32_t high = v / 10000, low = v % 10000;

	p = cb_put_pair(p, high / 100);
	p = cb_put_pair(p, high % 100);
	p = cb_put_pair(p, low / 100);
	return cb_put_pair(p, low % 100);
}

/* v < 10^4 */
static inline char *cb_put_u13(char *p, uint32_t v)
{
	if (v >= 100) {
		if (v >= 1000) {
			p = cb_put_pair(p, v / 100);
		} else {
			*p++ = (char)('0' + v / 100);
		}
		return cb_put_pair(p, v % 100);
	}
	if (v >= 10)
		return cb_put_pair(p, v);
	*p = (char)('0' + v);
	return p + 1;
}

/* v < 10^8 */
static inline char *cb_put_u26(char *p, uint32_t v)
{
	if (v < 10000)
		return cb_put_u13(p, v);
	p = cb_put_u13(p, v / 10000);
	v %= 10000;
	p = cb_put_pair(p, v / 100);
	return cb_put_pair(p, v % 100);
}

static inline char *cb_put_u32(char *p, uint32_t v)
{
	if (v < 100000000)
		return cb_put_u26(p, v);
	p = cb_put_u26(p, v / 100000000);
	return cb_put_8_digits(p, v % 100000000);
}

static inline char *cb_put_u64(char *p, uint64_t v)
{
	uint64_t high;

	if (v < 100000000)
		return cb_put_u26(p, (uint32_t)v);
	high = v / 100000000;
	if (high < 100000000) {
		p = cb_put_u26(p, (uint32_t)high);
	} else {
		p = cb_put_u26(p, (uint32_t)(high / 100000000));
		p = cb_put_8_digits(p, (uint32_t)(high % 100000000));
	}
	return cb_put_8_digits(p, (uint32_t)(v % 100000000));
}

static inline char *cb_put_s64(char *p, int64_t v)
{
	if (v >= 0)
		return cb_put_u64(p, (uint64_t)v);
	*p = '-';
	return cb_put_u64(p + 1, 0 - (uint64_t)v);
}

/* "0x1f" */
static inline char *cb_put_hex(char *p, uint64_t v)
{
	int digits = v ? (67 - __builtin_clzll(v)) / 4 : 1;

	*p++ = '0';
	*p++ = 'x';
	for (int i = digits - 1; i >= 0; i--, v >>= 4)
		p[i] = "0123456789abcdef"[v & 15];
	return p + digits;
}

#endif
