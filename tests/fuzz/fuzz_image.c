// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_image.c - a kernel image from anywhere: its layers, and the BTF in it, which is copied. */
#include <stdint.h>
#include <stdlib.h>

#include "btf/image.h"

enum { UNPACKED_MAX = 4 << 20 }; /* a few bytes can be a gigabyte, which takes long */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_buf btf = {0};
	struct cb_err e = {0};
	int err = cb_image_btf(data, size, UNPACKED_MAX, &btf, &e);

	if (!err && !btf.data)
		abort();
	if (err && !*e.text)
		abort();
	cb_is_image(data, size);
	cb_buf_free(&btf);
	return 0;
}
