/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* headers.h - what the modules of a kernel are built against. */
#ifndef CB_LAB_HEADERS_H
#define CB_LAB_HEADERS_H

#include <limits.h>

#include "lab/fetch.h"

struct cb_lab_headers {
	char build[PATH_MAX];  /* for make -C */
	char cc[PATH_MAX];     /* the compiler */
	char pahole[PATH_MAX]; /* "": the host's */
	char cross[64];	       /* CROSS_COMPILE, "": as the headers say */
};

/* Those of k, fetched into the cache unless they are there. -ENOTSUP: there are none for it. */
int cb_lab_headers_get(const struct cb_lab_kernel *k, const struct cb_lab_store *store, struct cb_lab_hold *hold,
		       const struct cb_lab_fetch *opts, struct cb_lab_headers *out, struct cb_err *e);

#endif
