/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* load.h - what a guest is given: the files and jobs of some tests. Test ROW has the directory /lab/ROW in the guest. */
#ifndef CB_LAB_LOAD_H
#define CB_LAB_LOAD_H

#include "lab/kit.h"

/* A test on a kernel. */
struct cb_lab_member {
	const struct cb_lab_test *test;
	const struct cb_lab_made *made;
	struct cb_lab_kos kos; /* modules to insert, in order */
	size_t row;
};

struct cb_lab_load {
	struct cb_lab_file *files;
	size_t n_files;
	struct cb_lab_job *jobs;
	size_t n_jobs;
	struct cb_lab_words texts; /* all strings that the others point to */
	const char ***lists;	   /* and all lists of strings */
	size_t n_lists;
};

/* The members stay the caller's, and must outlive the load. -ENOMEM; -EEXIST: two want
 * different files at the same path, which one guest cannot have. */
int cb_lab_load_make(struct cb_lab_load *l, struct cb_lab_member *const *members, size_t n,
		     const struct cb_lab_options *o);
void cb_lab_load_free(struct cb_lab_load *l);

#endif
