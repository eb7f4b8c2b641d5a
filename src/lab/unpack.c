// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* unpack.c - see unpack.h: what btf/unpack.h does, for those of its formats that kernels' packages are in. */
#include "lab/unpack.h"

#include <errno.h>
#include <string.h>

#include "btf/unpack.h"

enum cb_lab_packed cb_lab_packed_how(const void *data, size_t len)
{
	const char *how = cb_packed(data, len);

	if (!how)
		return CB_LAB_PLAIN;
	return !strcmp(how, "gzip")   ? CB_LAB_GZIP
	       : !strcmp(how, "xz")   ? CB_LAB_XZ
	       : !strcmp(how, "zstd") ? CB_LAB_ZSTD
				      : CB_LAB_PLAIN;
}

int cb_lab_unpack(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	int err;

	if (cb_lab_packed_how(data, len) != CB_LAB_PLAIN) {
		err = cb_unpack(data, len, max, out, e);
		return err == -EINVAL ? -EBADMSG : err;
	}
	if (len > max)
		return cb_fail(e, EFBIG, "it has more than %zu bytes", max);
	cb_buf_add(out, data, len);
	return out->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}
