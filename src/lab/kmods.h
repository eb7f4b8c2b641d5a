/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* kmods.h - which files a module needs, by the text of modules.dep. */
#ifndef CB_LAB_KMODS_H
#define CB_LAB_KMODS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Call each() with the paths of the module and of all that it needs, in the order in which they are to be inserted,
 * until it gives something else than 0, which is returned then. -ENOENT: there is no such module in it. -EINVAL: a
 * path leads out. */
int cb_lab_dep_walk(const char *dep, size_t len, const char *module, int (*each)(void *ctx, const char *path),
		    void *ctx, struct cb_err *e);

/* "kernel/net/some-thing.ko.xz" is the module "some_thing" (and "some-thing"). */
bool cb_lab_module_is(const char *path, size_t len, const char *module);

#endif
