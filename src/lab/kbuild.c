// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include "lab/fetch.h"
#include <errno.h>
int cb_lab_module_build(const struct cb_lab_kernel *k, const char *dir, const struct cb_lab_fetch *opts,
			struct cb_lab_kos *add_to, struct cb_err *e)
{
	return cb_fail(e, ENOSYS, "not yet");
}
