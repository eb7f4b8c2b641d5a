/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * lab.h - tests by kernels: what "coolbpf lab run" does.
 *
 *	tests, kernels --kit.c--> what the host builds --load.c--> a guest's files and jobs --run.c--> outcomes --judge.c--> result
 *
 * One thread, but for builds (builds.h). Everything is made ready before the first guest boots; then up to `jobs` guests run at a time, one for each kernel.
 * A guest runs the tests of its kernel one after another; when it is lost, only the test in hand is, and another boot has the
 * rest.
 */
#ifndef CB_LAB_LAB_H
#define CB_LAB_LAB_H

#include "lab/guest.h"
#include "lab/kernel.h"
#include "lab/prog.h"
#include "lab/result.h"
#include "lab/spec.h"

/* Programs of the guest's architecture. */
struct cb_lab_program {
	const char *arch, *path;
};

/* What may be shown while it runs. Each may be NULL. */
struct cb_lab_watch {
	void *ctx;
	void (*note)(void *ctx, const char *text);			  /* for who wants to know all */
	void (*boots)(void *ctx, size_t column, size_t tests);		  /* a guest is started for so many tests */
	void (*up)(void *ctx, size_t column, uint64_t boot_ns, bool kvm); /* its first line came */
	void (*begun)(void *ctx, size_t column, size_t row);
	void (*ended)(void *ctx, size_t column, size_t row); /* the cell of the result is filled */
	void (*down)(void *ctx, size_t column);		     /* the guest is no more */
	void (*tick)(void *ctx);			     /* some time has passed */
};

struct cb_lab_options {
	const struct cb_lab_test *tests;
	size_t n_tests;
	const struct cb_lab_kernel *kernels;
	size_t n_kernels;
	const struct cb_lab_program *coolbpf; /* for an architecture; else it is found */
	size_t n_coolbpf;
	const char *builder; /* a coolbpf that compiles here */
	unsigned int jobs;   /* guests at a time; 0: one for each CPU */
	uint64_t timeout;    /* ns, of each test; 0: what it says itself */
	const char *append;  /* to the kernels' command lines, or NULL */
	bool no_ebpf, no_kvm;
	struct cb_lab_hold *hold; /* Ctrl-C ends it */
	const struct cb_log *log; /* of kernels and modules, or NULL */
	struct cb_lab_watch watch;
};

/* 0: the result is whole. -EINTR: interrupted, the result has what was finished. Other errors have no result: a test says
 * something wrong of kernels, ... */
int cb_lab_run(const struct cb_lab_options *o, struct cb_lab_result *result, struct cb_err *e);

#endif
