/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* ints.h - integers of 1 to 8 bytes anywhere in memory, in this machine's byte order; bytes that are all zero. */
#ifndef CB_INTS_H
#define CB_INTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CB_BIG_ENDIAN = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ };

static inline uint64_t cb_load_uint(const void *p, size_t size)
{
	uint64_t v = 0;

	memcpy((char *)&v + (CB_BIG_ENDIAN ? sizeof(v) - size : 0), p, size);
	return v;
}

/* The low bytes of v. */
static inline void cb_store_uint(void *p, size_t size, uint64_t v)
{
	memcpy(p, (const char *)&v + (CB_BIG_ENDIAN ? sizeof(v) - size : 0), size);
}

static inline bool cb_is_zero(const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n--)
		if (*c++)
			return false;
	return true;
}

#endif
