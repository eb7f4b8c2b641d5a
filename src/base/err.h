/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * err.h - an error as a number and a sentence.
 *
 * Functions of coolbpf return 0 or a negative errno and leave the sentence in the struct cb_err that the caller passed:
 * what failed, on what, why, and what to do. The sentence has no "coolbpf:" in front and no full stop or newline at its
 * end. A struct cb_err must be zeroed before its first use; passing NULL drops the sentence.
 */
#ifndef CB_ERR_H
#define CB_ERR_H

#include <stdarg.h>

enum { CB_ERR_TEXT = 8192 };

struct cb_err {
	char text[CB_ERR_TEXT];
};

/* Replace the sentence. err is a positive errno; returns -err, so that "return cb_fail(...)" reads well. */
int cb_fail(struct cb_err *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " in front of the sentence that is there; returns err (negative) unchanged. */
int cb_fail_in(struct cb_err *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Append to the sentence; returns err (negative) unchanged. */
int cb_fail_more(struct cb_err *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
