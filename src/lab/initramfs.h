/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * initramfs.h - the guest's file system, a memory file of two archives, one behind the other: a base (busybox, bash, coolbpf as
 * init), and what the jobs need.
 */
#ifndef CB_LAB_INITRAMFS_H
#define CB_LAB_INITRAMFS_H

#include "base/err.h"
#include "lab/guest.h"
#include "lab/qemu.h"

/* The descriptor, or -errno. -EFBIG: it does not fit into the guest's memory; the message names the largest files. */
int cb_lab_initramfs(const struct cb_lab_arch *arch, const struct cb_lab_guest_opts *opts, uint64_t memory,
		     struct cb_err *e);

#endif
