/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * fail_alloc.h - no memory: the n-th allocation of the code under test fails.
 *
 * For one source of a test program that is linked with -Wl,--wrap=malloc,--wrap=calloc,... (the calls that the tested code
 * makes): the linker sends its calls through here. Shared libraries keep their own.
 */
#ifndef CB_TESTS_FAIL_ALLOC_H
#define CB_TESTS_FAIL_ALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static long fail_at; /* the allocation that fails, counted from 1; 0: none */

static inline bool alloc_fails(void)
{
	bool fails = fail_at > 0 && --fail_at == 0;

	if (fails)
		errno = ENOMEM;
	return fails;
}

#define FAIL_ALLOC(result, name, parameters, arguments)                                                                \
	result __real_##name parameters;                                                                               \
	result __wrap_##name parameters;                                                                               \
	result __wrap_##name parameters                                                                                \
	{                                                                                                              \
		return alloc_fails() ? NULL : __real_##name arguments;                                                 \
	}

FAIL_ALLOC(void *, malloc, (size_t size), (size))
FAIL_ALLOC(void *, calloc, (size_t n, size_t size), (n, size))
FAIL_ALLOC(void *, realloc, (void *p, size_t size), (p, size))

#endif
