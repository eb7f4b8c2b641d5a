// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include "lab/fetch.h"
#include <errno.h>
int cb_lab_nobpf_make(struct cb_lab_apt *a, const struct cb_lab_name *name, const char *have, const char *entry,
		      struct cb_lab_info *info, struct cb_err *e)
{
	return cb_fail(e, ENOSYS, "not yet");
}
