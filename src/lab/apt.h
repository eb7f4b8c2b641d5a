/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * apt.h - packages of Debian's archives, by the machine's own apt-get with state of our own.
 *
 * apt fetches and verifies: signatures of the archive by the keys that this machine's configuration names, and by
 * those every file. Nothing of the machine's own state (lists, packages, configuration) is changed, and no root is
 * needed.
 */
#ifndef CB_LAB_APT_H
#define CB_LAB_APT_H

#include <limits.h>

#include "lab/store.h"

struct cb_lab_apt {
	const struct cb_lab_store *store; /* locked */
	struct cb_lab_hold *hold;
	const struct cb_lab_fetch *opts;
	const char *arch;   /* Debian's name: "amd64", "arm64" */
	int own_release;    /* of this machine, see cb_lab_suite_release() */
	bool updated;	    /* by us, just now */
	char dir[PATH_MAX]; /* our state */
	char conf[PATH_MAX];
};

/* The lists of packages are there after this: they are fetched when there are none of these suites, or
 * opts->refresh. */
int cb_lab_apt_open(struct cb_lab_apt *a, struct cb_err *e);
/* Drop what apt makes out of the lists to answer questions: it is larger than these. */
void cb_lab_apt_close(struct cb_lab_apt *a);
/* Fetch them (again). */
int cb_lab_apt_update(struct cb_lab_apt *a, struct cb_err *e);
/* Are they so old that it is worth while to look again for what is not found? Not if that was done just now. */
bool cb_lab_apt_is_old(const struct cb_lab_apt *a);

/* A number that is larger for newer releases of Debian, 0: unknown. By the name of any suite of it. */
int cb_lab_suite_release(const char *suite);

/* Names of packages that begin with prefix, one a line. */
int cb_lab_apt_names(struct cb_lab_apt *a, const char *prefix, struct cb_buf *out, struct cb_err *e);
/* The versions of these packages, as "apt-cache madison" has them: "NAME | VERSION | URI SUITE/COMPONENT ARCH
 * Packages". */
int cb_lab_apt_versions(struct cb_lab_apt *a, const char *const *names, size_t n, struct cb_buf *out, struct cb_err *e);
/* The record of a package, "NAME=VERSION". */
int cb_lab_apt_record(struct cb_lab_apt *a, const char *package, struct cb_buf *out, struct cb_err *e);
/* A field of a record, into text; false: it has none, or it does not fit. */
bool cb_lab_apt_field(const char *record, const char *field, char *text, size_t size);

/* Download a package ("NAME=VERSION") and unpack it into the directory `into`. */
int cb_lab_apt_unpack(struct cb_lab_apt *a, const char *package, const char *into, struct cb_err *e);

#endif
