/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* check.h - cmocka with what it needs in front of it, and a skip that says why. */
#ifndef CB_TESTS_CHECK_H
#define CB_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* cmocka's TAP output has no place for the reason: the line in front of the result carries it to the report. */
#define skip_because(...)                                                                                              \
	do {                                                                                                           \
		fputs("# skip: ", stdout);                                                                             \
		printf(__VA_ARGS__);                                                                                   \
		putchar('\n');                                                                                         \
		fflush(stdout);                                                                                        \
		skip();                                                                                                \
	} while (0)

#endif
