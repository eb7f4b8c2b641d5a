/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* minimise.h - of a kernel's BTF, the part that the relocations of one object look at. */
#ifndef CB_BTF_MINIMISE_H
#define CB_BTF_MINIMISE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* object: the bytes of an ELF file made by clang. kernel_btf_path: as cb_btf_kernel_path() gives it.
 *
 * 0        *btf is raw BTF, malloc'd, for bpf_object_open_opts.btf_custom_path: relocating against it gives the very
 *          instructions that relocating against the whole gives. NULL when the object has no CO-RE relocations.
 * -ENOTSUP the object asks for something that only the whole BTF (or that of modules) can answer, or one of the files is
 *          of a kind that this does not read; e says which. Let libbpf use the whole.
 * other    the kernel's BTF is absent (-ENOENT) or corrupt, the object is corrupt (-EINVAL), no memory. */
int cb_btf_minimise(const void *object, size_t object_size, const char *kernel_btf_path, void **btf, size_t *btf_size,
		    struct cb_err *e);

/* The same for BTF that is in memory already. modules: types that are not found may be in a kernel module. data must be
 * aligned to 4. */
int cb_btf_minimise_bytes(const void *object, size_t object_size, const void *data, size_t size, bool modules,
			  void **btf, size_t *btf_size, struct cb_err *e);

#endif
