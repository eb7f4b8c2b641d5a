/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * so.h - the format `.so`: a shared library with the object and a loader inside, for clients that know no libbpf.
 *
 * It exports the functions of src/solib/api.h, needs nothing but a C library (glibc 2.17 and later), and is made without a
 * linker: src/solib/payload.h shows how.
 */
#ifndef CB_COMPILE_SO_H
#define CB_COMPILE_SO_H

#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

/* What lbc_get_map_types() tells beside the maps: UTF-8; NULL stands for "". Clients compare hash with the SHA-256 of the
 * source and its flags, and kern_version with their kernel's release. */
struct cb_so_meta {
	const char *hash, *arch, *kern_version;
};

/* arch: "x86_64", "aarch64" (of the machine that is to load the library), NULL: this machine's. The object may be
 * anybody's. *so is malloc'd. -ENOTSUP: no such architecture, or the object asks for what this loader does not do;
 * -EINVAL: it is not an object with BTF, or a name or type in it is not C; -E2BIG; -ENOMEM. */
int cb_so_make(const char *arch, const void *object, size_t size, const struct cb_so_meta *meta, void **so,
	       size_t *so_size, struct cb_err *e);

/* SHA-256 over all that a library has from this build and not from its caller: the loaders of all architectures. */
void cb_so_digest(char out[CB_SHA256_HEX]);

#endif
