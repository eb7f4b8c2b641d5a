/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* builds.h - compilers and their like, as many at a time as there are CPUs. */
#ifndef CB_LAB_BUILDS_H
#define CB_LAB_BUILDS_H

#include "lab/prog.h"

struct cb_lab_build {
	void *owner; /* of whom adds it */
	unsigned int line;
	const char **argv; /* malloc'd; its strings live until the end */
	int err;	   /* as cb_lab_prog_run() */
	struct cb_buf said;
	struct cb_err why;
};

struct cb_lab_builds {
	struct cb_lab_build **b;
	size_t n;
};

/* argv becomes the list's, also when there is no memory (-ENOMEM). */
int cb_lab_builds_add(struct cb_lab_builds *list, void *owner, unsigned int line, const char **argv);
/* Run them all; each has its own result. -EINTR: interrupted, some may not have run. tmp as in struct cb_lab_prog. */
int cb_lab_builds_run(struct cb_lab_builds *list, const char *tmp, struct cb_lab_hold *h, struct cb_err *e);
void cb_lab_builds_free(struct cb_lab_builds *list);

#endif
