/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* image.h - what is inside a kernel image: what a boot loader gets (bzImage, Image, Image.gz, EFI zboot), or a vmlinux. */
#ifndef CB_BTF_IMAGE_H
#define CB_BTF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	CB_IMAGE_HEAD = 1024,	 /* bytes that tell what an image is */
	CB_IMAGE_MAX = 512 << 20 /* bytes of what an image unpacks to, where nothing speaks for less */
};

/* Could a file that begins with these bytes (up to CB_IMAGE_HEAD of them) be an image, other than ELF? Not more than could. */
bool cb_is_image(const void *head, size_t len);

/* The kernel itself: an ELF file (x86), or a flat one as it will lie in memory (arm64). Or only its BTF. */
struct cb_image {
	const unsigned char *data; /* in the bytes given, or in unpacked */
	size_t len;
	struct cb_buf unpacked;
};

/* Go through an image's layers, of which none may unpack to more than max bytes. -EINVAL: not a kernel image, or a corrupt one;
 * and what cb_unpack() gives. cb_image_close() after any; the bytes must live so long. */
int cb_image_open(const void *data, size_t len, size_t max, struct cb_image *image, struct cb_err *e);
void cb_image_close(struct cb_image *image);

/* The BTF in an image: raw, appended to btf (which is empty). What is in it is not checked. -EINVAL where there is none, and as
 * above. For a file's: cb_btf_bytes_open(). */
int cb_image_btf(const void *data, size_t len, size_t max, struct cb_buf *btf, struct cb_err *e);

#endif
