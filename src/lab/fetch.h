/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* fetch.h - what makers of entries in the cache share: names, and packages with what they depend on. */
#ifndef CB_LAB_FETCH_H
#define CB_LAB_FETCH_H

#include "lab/apt.h"
#include "lab/store.h"

/* "debian:VERSION[-nobpf][/ARCH]" */
struct cb_lab_name {
	char version[64]; /* "6.1", "newest" */
	bool newest, nobpf;
	char arch[8];	  /* ours: "x86_64", "arm64" */
	char deb_arch[8]; /* Debian's: "amd64", "arm64" */
	char text[96];	  /* the name as it is kept: /ARCH only where it is not this machine's */
};
int cb_lab_name_parse(const char *name, struct cb_lab_name *out, struct cb_err *e);

/* Unpack a package ("NAME=VERSION") and those that it depends on whose names begin with one of these words (NULL at
 * the end) into root. */
int cb_lab_fetch_unpack(struct cb_lab_apt *a, const char *package, const char *const *follow, const char *root,
			struct cb_err *e);

/* The newest version of a package, "NAME=VERSION" into text. -ENOENT: there is none. */
int cb_lab_fetch_newest(struct cb_lab_apt *a, const char *name, char *text, size_t size, struct cb_err *e);

/* nobpf.c: fill the directory `entry` with a kernel without eBPF that is built from Debian's source, and info.
 * have: the package that it was built from last time, or NULL; -EALREADY if that is still the newest. */
int cb_lab_nobpf_make(struct cb_lab_apt *a, const struct cb_lab_name *name, const char *have, const char *entry,
		      struct cb_lab_info *info, struct cb_err *e);

#endif
