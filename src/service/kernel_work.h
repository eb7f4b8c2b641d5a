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
	const char *archive;   /* URL, or "" */
	unsigned fetch_ms;
	/* the BTF that was asked about last */
	struct btf *btf;
	char digest[CB_SHA256_HEX];
};

/* See that the kernel's BTF is there, by fetching it if need be. False: the outcome, which says why not, is appended. */
bool cb_kernel_work_ready(const struct cb_kernel_work *kw, const struct cb_work *work, struct cb_buf *frame);
/* Do it and append the outcome. */
void cb_kernel_work(struct cb_kernel_work *kw, const struct cb_work *work, struct cb_buf *frame);
void cb_kernel_work_end(struct cb_kernel_work *kw);

#endif
