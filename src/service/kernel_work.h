/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* kernel_work.h - what a worker answers about a kernel: its types, its functions, its BTF; and taking in a new one. */
#ifndef CB_SERVICE_KERNEL_WORK_H
#define CB_SERVICE_KERNEL_WORK_H

#include "base/digest.h"
#include "service/work.h"

struct btf;
struct btf_dump;

struct cb_kernel_work {
	const char *cache_dir; /* for indexes */
	const char *uploads;   /* "": none are taken */
	/* the BTF that was asked about last */
	struct btf *btf;
	char digest[CB_SHA256_HEX];
};

/* Do it and append the outcome. */
void cb_kernel_work(struct cb_kernel_work *kw, const struct cb_work *work, struct cb_buf *frame);
void cb_kernel_work_end(struct cb_kernel_work *kw);

#endif
