/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * kit.h - what the host builds for the guests, in a temporary directory: objects of sources (each once for an architecture),
 * programs by cc, and the texts of workloads.
 */
#ifndef CB_LAB_KIT_H
#define CB_LAB_KIT_H

#include "lab/builds.h"
#include "lab/lab.h"
#include "lab/scratch.h"

/* A test made ready for an architecture. */
struct cb_lab_made {
	const struct cb_lab_test *test;
	const char *arch;
	char *object;			/* run: the object's path */
	const struct cb_lab_made *same; /* whose object it is, or NULL */
	char *no_object;		/* the object cannot be compiled: why; or NULL */
	char **built;			/* of each cc and object; NULL: none */
	struct cb_lab_words found;	/* paths of its programs */
	char *workload;			/* or NULL */
	char *wrong;			/* it could not be made: why; or NULL */
	char *not_here;			/* a program of another architecture is in it: the reason to skip it; or NULL */
};

struct cb_lab_kit {
	struct cb_lab_scratch dir;
	const struct cb_lab_options *o;
	struct cb_lab_made **made;
	size_t n;
	unsigned int files; /* that were named in dir */
	struct cb_lab_builds builds;
};

int cb_lab_kit_open(struct cb_lab_kit *kit, const struct cb_lab_options *o, struct cb_err *e);
/* Removes the directory. */
void cb_lab_kit_close(struct cb_lab_kit *kit);

/* The test for this kernel's architecture; made now, or before. Errors of the test are in it, some only after
 * cb_lab_kit_build(); here only -EINTR, -ENOMEM. */
int cb_lab_kit_make(struct cb_lab_kit *kit, const struct cb_lab_test *t, const struct cb_lab_kernel *k,
		    const struct cb_lab_made **out, struct cb_err *e);

/* Build what all these tests need. -EINTR, -ENOMEM. */
int cb_lab_kit_build(struct cb_lab_kit *kit, struct cb_err *e);

#endif
