/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* version.h - versions of packages and kernels. */
#ifndef CB_LAB_VERSION_H
#define CB_LAB_VERSION_H

#include <stdbool.h>

/* Order of two versions as Debian's policy, 5.6.12, has it; also right for releases of kernels. <0, 0, >0. */
int cb_lab_version_compare(const char *a, const char *b);

/* Does version begin with these parts? "6.1" begins "6.1.140-1" and "6.1", but not "6.12.1". */
bool cb_lab_version_begins(const char *version, const char *parts);

#endif
