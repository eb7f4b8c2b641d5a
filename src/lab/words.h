/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * words.h - a directive's line as words.
 *
 * As in sh, '...' is literal, in "..." a backslash makes " \ $ ` ordinary, and outside of both the next character. Nothing is
 * expanded: the workload is what runs in a shell.
 */
#ifndef CB_LAB_WORDS_H
#define CB_LAB_WORDS_H

#include "lab/spec.h"

/* Appends to out, which is empty after an error. */
int cb_lab_words_split(const char *text, struct cb_lab_words *out, struct cb_err *e);

#endif
