// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* kernel.c - see kernel.h. */
#include "btf/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/bytes.h"
#include "btf/check.h"

static const char RUNNING[] = "/sys/kernel/btf/vmlinux";

const char *cb_btf_kernel_path(const char *path)
{
	const char *custom;

	if (path)
		return path;
	custom = getenv("BPF_CUSTOM_BTF");
	return custom && *custom ? custom : RUNNING;
}

bool cb_btf_kernel_is_running(const char *path)
{
	return !strcmp(path, RUNNING);
}

struct btf *cb_btf_kernel_load(const char *path, struct cb_err *e)
{
	struct cb_btf_bytes b;
	struct btf *btf = NULL;
	int err;

	path = cb_btf_kernel_path(path);
	err = cb_btf_bytes_open(path, &b, e);
	if (!err) {
		btf = cb_btf_parse(b.data, b.size, e);
		if (!btf)
			err = cb_fail_in(e, -errno, "%s", path);
		cb_btf_bytes_close(&b);
	}
	if (err)
		errno = -err;
	return btf;
}
