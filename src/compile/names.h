/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * names.h - the names of files as clang saw them, turned into those that people know.
 *
 * clang reads the source from a nameless file, and headers by absolute names. Its messages are to show what the user
 * typed; the object is to hold names relative to the source, so that the same source gives the same bytes wherever it
 * stands. (-ffile-prefix-map would do the second, but LLVM puts the text of each line into BTF by opening the very name
 * that BTF gets: the name must be changed afterwards.)
 */
#ifndef CB_COMPILE_NAMES_H
#define CB_COMPILE_NAMES_H

#include <limits.h>

#include "base/buf.h"
#include "base/err.h"

struct cb_names {
	const char *path;	    /* as the user gave it */
	int dir_len;		    /* of path: up to and with the last slash */
	char source[PATH_MAX];	    /* clang's name of its standard input, at least as long as the base name */
	char dir[PATH_MAX];	    /* the source's directory, absolute, ends with a slash */
	char present[PATH_MAX];	    /* the present directory, ends with a slash */
	char headers[PATH_MAX + 1]; /* the directory of lbc.h, ends with a slash */
};

int cb_names_init(struct cb_names *n, const char *path, const char *headers, struct cb_err *e);
/* Append a message of clang's. */
void cb_names_message(const struct cb_names *n, const char *text, struct cb_buf *out);
/* In the BTF of the object behind this descriptor. What is not understood stays as it is. */
void cb_names_object(const struct cb_names *n, int fd);

#endif
