/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* kernel_types.h - types and functions of a kernel as JSON, in the API's shape and in that of the older clients. */
#ifndef CB_SERVICE_KERNEL_TYPES_H
#define CB_SERVICE_KERNEL_TYPES_H

#include <jansson.h>

struct btf;

enum {
	CB_FUNCS_MAX = 1000,
	CB_LBC_FUNCS_MAX = 20,	  /* by a name with % */
	CB_LBC_BY_TYPE_MAX = 100, /* by the type of an argument or result */
	CB_LBC_STRUCTS_MAX = 10,
};

/* All return a new value, JSON's null when there is no such thing, or NULL when there is no memory. */

/* {"name", "types": [{"kind", "name", "size", "c", "members": [...]}]}; name: "sk_buff", "struct sk_buff". */
json_t *cb_types_named(const struct btf *btf, const char *name);
/* {"functions": [{"name", "returns", "args": [{"name", "type"}]}], "more": true when there are others}. */
json_t *cb_functions(const struct btf *btf, const char *glob);

/* What cmd struct, type and func of POST /lbc give as "res". like: a name, in which % stands for any text. */
json_t *cb_lbc_struct(const struct btf *btf, const char *like);
json_t *cb_lbc_type(const struct btf *btf, const char *name);
json_t *cb_lbc_functions(const struct btf *btf, const char *like, const char *ret, const char *arg);

#endif
