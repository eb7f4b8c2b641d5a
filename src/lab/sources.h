/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* sources.h - which archives kernels are taken from: the mirror and keys of this machine's apt, and the suites
 * around its own. */
#ifndef CB_LAB_SOURCES_H
#define CB_LAB_SOURCES_H

#include <limits.h>

#include "base/buf.h"
#include "lab/kernel.h"
#include "lab/prog.h"

enum { CB_LAB_SUITES = 24, CB_LAB_URI = 512 };

struct cb_lab_archive {
	char uri[CB_LAB_URI];
	struct cb_buf
		signed_by; /* as a .sources file has it (a path or a key in lines), empty: all keys that apt trusts */
	char suites[CB_LAB_SUITES][64];
	unsigned n;
};

struct cb_lab_sources {
	struct cb_lab_archive main, security;
	int own_release; /* the newest release of Debian among the machine's own suites, 0: unknown */
};

/* Ask apt, and apply --mirror and --suites. -ENOENT: apt has no archive of Debian, and no mirror is given. */
int cb_lab_sources_plan(struct cb_lab_sources *s, struct cb_lab_hold *h, const struct cb_lab_fetch *opts,
			struct cb_err *e);
void cb_lab_sources_free(struct cb_lab_sources *s);
/* Leave a suite out; false: it is not in it. */
bool cb_lab_sources_drop(struct cb_lab_sources *s, const char *uri, const char *suite);
unsigned cb_lab_sources_left(const struct cb_lab_sources *s);
/* As a .sources file. */
void cb_lab_sources_write(const struct cb_lab_sources *s, const char *arch, struct cb_buf *out);

/* Signed-By of the entry for this archive in a file of sources: of stanzas (.sources, deb822), or of lines (.list).
 * false: there is none that has it. */
bool cb_lab_signed_by(const char *text, bool deb822, const char *uri, struct cb_buf *out);

#endif
