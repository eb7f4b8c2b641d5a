/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* libs.h - what a program of the host's needs beside itself to run elsewhere: its loader and its shared libraries. */
#ifndef CB_LAB_LIBS_H
#define CB_LAB_LIBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct cb_lab_libs {
	char **path; /* absolute; to be put where they are on the host */
	size_t n;
};

/* Of a static program, a script or what is no program at all: none. A library that is missing is -ENOENT. */
int cb_lab_libs(const char *program, struct cb_lab_libs *out, struct cb_err *e);
void cb_lab_libs_free(struct cb_lab_libs *l);

/* The architecture of an ELF file as cb_lab_kernel.arch says it ("x86_64", "arm64"), another one's number as text in buf, or
 * NULL when it is no ELF file. *dynamic: has it a loader? */
const char *cb_lab_program_arch(const char *program, bool *dynamic, char buf[32]);

#endif
