/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* lab_tests.h - the tests that "coolbpf lab run" is asked for: tools by name, files, directories. */
#ifndef CB_CLI_LAB_TESTS_H
#define CB_CLI_LAB_TESTS_H

#include "lab/spec.h"

struct lab_tests {
	struct cb_lab_test *t;
	size_t n;
};

/* names: NULL at the end. None: all that stand beside the tools ($COOLBPF_TOOLS, else the installed ones). In the order in which
 * they are named, those of a directory by name; each once. 0 or a negative errno with a message. */
int lab_tests_find(struct lab_tests *tests, char *const *names, struct cb_err *e);
void lab_tests_free(struct lab_tests *tests);

#endif
