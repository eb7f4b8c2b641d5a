/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* order.h - the types of an object in an order that depends on nothing but the source. */
#ifndef CB_COMPILE_ORDER_H
#define CB_COMPILE_ORDER_H

#include <stddef.h>

/* btf and ext: the sections .BTF and .BTF.ext of one object, changed in place; both aligned to 4. What is not understood
 * stays as it is. */
void cb_order_types(void *btf, size_t btf_size, void *ext, size_t ext_size);

#endif
