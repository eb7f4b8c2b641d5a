/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* type.h - questions about BTF types that several rooms ask. */
#ifndef CB_BTF_TYPE_H
#define CB_BTF_TYPE_H

#include <bpf/btf.h>
#include <stddef.h>

/* The id of what is behind const, volatile, restrict and type tags; typedefs stay. 0 (void) when the chain is broken. */
__u32 cb_btf_skip_modifiers(const struct btf *btf, __u32 id);

/* The same, and behind typedefs too. */
__u32 cb_btf_resolve(const struct btf *btf, __u32 id);

/* The name of the first typedef in the chain that begins with "lbc_", or "": how a value prints (see lbc.h). */
const char *cb_btf_display(const struct btf *btf, __u32 id);

/* The type as C writes it, without const and volatile: "unsigned int", "lbc_ns_t", "enum mode", "struct event", "char[16]",
 * "struct task_struct *". Cut to fit. Returns out. */
const char *cb_btf_type_name(const struct btf *btf, __u32 id, char *out, size_t size);

#endif
