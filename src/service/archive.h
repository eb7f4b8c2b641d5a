/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * archive.h - BTF of many kernels as plain files on any web server:
 *
 *	URL/index.json			which kernels there are
 *	URL/ARCH/DIGEST.btf.zst		their BTF, packed with zstd; DIGEST: SHA-256 of it raw, in hexadecimal
 *
 * The index is {"version": 1, "kernels": [{"arch": "x86_64", "release": "6.1.0-18-amd64", "digest": "..."}, ...]}; other members
 * are somebody else's. Whoever serves the archive is not trusted with more than what kernels are called: what comes is checked.
 */
#ifndef CB_SERVICE_ARCHIVE_H
#define CB_SERVICE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { CB_ARCHIVE_KERNELS = 100000, CB_ARCHIVE_INDEX = 32 << 20 /* bytes */ };

/* http:// or https:// */
bool cb_is_url(const char *text);
/* Is this a URL that an archive can be at? -EINVAL. */
int cb_archive_check(const char *url, struct cb_err *e);

/* The index, as it is, in timeout_ms at most; blocking. -errno as cb_http_do(), -ENOENT when the server does not give it. */
int cb_archive_get_index(const char *url, unsigned timeout_ms, struct cb_buf *json, struct cb_err *e);
/* Calls add() for each kernel, until one returns an error, which comes back. -EINVAL: something is wrong with the index, or with
 * one kernel of it. arch and release are parts of a path: not empty, printable, without "/" and without "." in front. */
int cb_archive_read_index(const char *json, size_t len,
			  int (*add)(void *ctx, const char *arch, const char *release, const char *digest), void *ctx,
			  struct cb_err *e);

/* A kernel's packed BTF, as it is, in timeout_ms at most; blocking. */
int cb_archive_get(const char *url, const char *arch, const char *digest, unsigned timeout_ms, struct cb_buf *packed,
		   struct cb_err *e);

#endif
