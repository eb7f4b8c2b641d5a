/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* diag.h - what the compiler says of a source, as data and for people. */
#ifndef CB_COMPILE_DIAG_H
#define CB_COMPILE_DIAG_H

#include <stddef.h>

#include "base/buf.h"

enum cb_severity { CB_NOTE, CB_WARNING, CB_ERROR, CB_FATAL };

struct cb_diag {
	char *file;	       /* as the user named it; "" when it belongs to no place */
	unsigned line, column; /* from 1; 0: none */
	enum cb_severity severity;
	char *text;    /* one line */
	char *context; /* "In file included from ..." lines in front of it, each ending with \n; or "" */
	char *excerpt; /* the source line and what stands below it (the caret), each ending with \n; or "" */
};

struct cb_diags {
	struct cb_diag *list;
	size_t n;
	size_t dropped; /* those past CB_DIAGS_MAX */
};

enum { CB_DIAGS_MAX = 200 };

/* Read clang's messages, in which the names of files are already those that people know. Text is cut where it is no UTF-8.
 * -ENOMEM; what was read until then stays. */
int cb_diags_parse(struct cb_diags *d, const char *text);
/* "tool.bpf.c:3:7: error: ...", the source line, a caret: as clang prints them. */
void cb_diags_print(const struct cb_diags *d, struct cb_buf *out);
void cb_diags_free(struct cb_diags *d);

/* Add one; texts are copied. -ENOMEM, and past CB_DIAGS_MAX it is only counted. */
int cb_diags_add(struct cb_diags *d, const struct cb_diag *diag);

/* "note", "warning", "error", "fatal error". */
const char *cb_severity_name(enum cb_severity s);
/* -1 for another word. */
int cb_severity_of(const char *name);

#endif
