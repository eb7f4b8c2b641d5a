// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kbtf.c - the BTF in a kernel's image.
 *
 * An arm64 Image holds it as it is, between __start_BTF and __stop_BTF, with no table that says where. It is found by its
 * header (struct btf_header in linux/btf.h): magic, version 1, no flags, a header of 24 bytes, types from 0 on and strings
 * right behind them; of several that look so, the largest is the kernel's.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lab/image.h"
#include "lab/kit.h"
#include "lab/unpack.h"

static size_t btf_size(const char *p, size_t len)
{
	struct btf_header h;
	uint64_t size;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, p, sizeof(h));
	size = (uint64_t)sizeof(h) + h.type_len + h.str_len;
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.flags || h.hdr_len != sizeof(h) || h.type_off ||
	    h.str_off != h.type_len || !h.str_len || size > len || p[sizeof(h) + h.str_off])
		return 0;
	return (size_t)size;
}

static const char *find_btf(const char *image, size_t len, size_t *size)
{
	static const uint16_t magic = BTF_MAGIC;
	const char *end = image + len, *best = NULL;

	*size = 0;
	for (const char *p = image; (p = memmem(p, (size_t)(end - p), &magic, sizeof(magic))); p++) {
		size_t n = btf_size(p, (size_t)(end - p));

		if (n > *size) {
			best = p;
			*size = n;
		}
	}
	return best;
}

int cb_lab_kernel_btf(const struct cb_lab_kernel *k, const char *path, struct cb_err *e)
{
	struct cb_buf plain = {0};
	char *image;
	const char *btf = NULL;
	size_t len, size;
	int err = cb_file_read(k->image, CB_LAB_IMAGE_MAX, &image, &len, e);

	if (err)
		return err;
	if (cb_lab_packed_how(image, len) != CB_LAB_PLAIN)
		err = cb_lab_unpack(image, len, CB_LAB_IMAGE_MAX, &plain, e);
	if (!err)
		btf = plain.len ? find_btf(plain.data, plain.len, &size) : find_btf(image, len, &size);
	if (!err && !btf)
		err = cb_fail(e, ENOENT, "there is no BTF in the image of %s: its sources cannot be compiled for it",
			      k->name);
	if (!err)
		err = cb_file_write(path, btf, size, 0644, e);
	cb_buf_free(&plain);
	free(image);
	return err;
}
