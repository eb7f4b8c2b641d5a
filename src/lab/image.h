/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* image.h - what a kernel image says of itself. */
#ifndef CB_LAB_IMAGE_H
#define CB_LAB_IMAGE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { CB_LAB_RELEASE = 65, CB_LAB_IMAGE_MAX = 512 << 20 }; /* a release has up to 64 bytes (struct new_utsname) */

struct cb_lab_image {
	char release[CB_LAB_RELEASE];
	const char *arch; /* "x86_64", "arm64" */
	/* What qemu's -kernel takes, where that is not the file as it is (an EFI program that unpacks itself); else
	 * empty. The caller frees it. */
	struct cb_buf plain;
};

/* -ENOEXEC: it is no image that we know. The message has no name of the file in it. */
int cb_lab_image_read(const void *data, size_t len, struct cb_lab_image *out, struct cb_err *e);

#endif
