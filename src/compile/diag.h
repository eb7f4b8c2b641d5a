/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * diag.h - what the compiler says of a source, as data and for people.
 */
#ifndef CB_COMPILE_DIAG_H
#define CB_COMPILE_DIAG_H

#include <stddef.h>

#include "base/buf.h"

enum cb_severity { CB_NOTE, CB_WARNING, CB_ERROR, CB_FATAL };

struct cb_diag {
	char *file; /* as the user named it; "" when it belongs to no place */
	unsigned line, column; /* from 1; 0: none */
	enum cb_severity severity;
	char *text;    /* one line */
	char *excerpt; /* the source line and what stands below it (the caret), lines ending with \n; or "" */
};

struct cb_diags {
	struct cb_diag *list;
	size_t n, cap;
	size_t dropped; /* those past CB_DIAGS_MAX */
};

enum { CB_DIAGS_MAX = 200 };

/* Read clang's messages, in which names of files are those that people know already. -ENOMEM. */
int cb_diags_parse(struct cb_diags *d, const char *text);
/* "tool.bpf.c:3:7: error: ...", the source line, a caret: as clang prints them. */
void cb_diags_print(const struct cb_diags *d, struct cb_buf *out);
void cb_diags_free(struct cb_diags *d);
/* "note", "warning", "error", "fatal error". */
const char *cb_severity_name(enum cb_severity s);

#endif
