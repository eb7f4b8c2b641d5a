/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * kernels.h - the kernels that a server has BTF for.
 *
 * From the running kernel, and a directory with files called RELEASE.btf, RELEASE.ARCH.btf, ARCH/RELEASE.btf, each raw or
 * compressed (.btf.zst), and DIGEST.btf.zst: one that a client has sent, of a kernel without a name. What is compressed is
 * unpacked once into the work directory, as DIGEST.btf, so that workers map it. And those that an archive has (archive.h): a
 * worker fetches the BTF to the same place when it is first needed.
 */
#ifndef CB_SERVICE_KERNELS_H
#define CB_SERVICE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

enum {
	CB_BTF_MAX = 64 << 20 /* bytes of a kernel's BTF, raw */,
	CB_KERNEL_NAME = 160,
	CB_ARCH_NAME = 65 /* as in struct utsname */
};

struct cb_kernel {
	char arch[CB_ARCH_NAME];      /* "x86_64"; "" with an upload */
	char release[CB_KERNEL_NAME]; /* "6.1.0-18-amd64"; "" with an upload */
	char digest[CB_SHA256_HEX];   /* of the raw BTF */
	char *path;		      /* of the raw BTF */
	size_t size;
	bool sent;     /* by a client */
	bool archived; /* the archive has it; it is at path when a worker has fetched it */
};

struct cb_kernels {
	struct cb_kernel *list; /* sorted by arch and release */
	size_t n;
	char arch[CB_ARCH_NAME]; /* of this machine */
};

/* dir: NULL, or a directory. A file that is no BTF is left out with a warning on standard error. -ENOENT, ... when dir cannot
 * be read. index: of an archive, or NULL. What was in k stays when this fails. */
int cb_kernels_read(struct cb_kernels *k, const char *dir, const char *index, size_t index_len, const char *work_dir,
		    struct cb_err *e);
void cb_kernels_free(struct cb_kernels *k);
/* By its release or digest; arch "": of this machine, or else of any; kernel "": the running one. NULL: not here. */
const struct cb_kernel *cb_kernels_find(const struct cb_kernels *k, const char *arch, const char *kernel);
/* One that a client has sent and a worker has unpacked. When all of those have more than max bytes, raw, the first are
 * forgotten, and removed from work_dir and from dir, where they are packed: who needs one is asked for it again. */
int cb_kernels_add_upload(struct cb_kernels *k, const char *digest, const char *work_dir, const char *dir,
			  uint64_t max);

/* Unpack zstd to at most max bytes (malloc'd). -EINVAL, -EFBIG, -ENOMEM. */
int cb_unzstd(const void *data, size_t len, size_t max, void **out, size_t *out_len, struct cb_err *e);
/* Is this text a SHA-256? */
int cb_is_digest(const char *text);

#endif
