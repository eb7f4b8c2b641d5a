/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* maptypes.h - what a client of a .so is told of the maps in it. */
#ifndef CB_COMPILE_MAPTYPES_H
#define CB_COMPILE_MAPTYPES_H

#include <bpf/btf.h>

#include "base/err.h"
#include "compile/so.h"

/* JSON: {hash, arch, kern_version, maps: {NAME: {type, fktype, ktype, fvtype, vtype}}, ffi}.
 *   type            event, hash, array, hist2, hist10, lruHash, perHash, perArray, lruPerHash, stack; clients refuse others, so
 *                   maps of other types are not listed
 *   fktype, fvtype  key and value (of an event map: "" and the event) as `ffi` declares them, see cdecl.h
 *   ktype, vtype    the same as the program names them ("u32"); of an event map's key null
 *   ffi             C declarations for Python's cffi
 * btf: the object's, from cb_btf_parse(). The caller frees the text. -EINVAL, -ENOTSUP, -E2BIG, -ENOMEM. */
int cb_map_types(const struct btf *btf, const struct cb_so_meta *meta, char **json, struct cb_err *e);

#endif
