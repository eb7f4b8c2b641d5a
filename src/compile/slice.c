// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice.c - see slice.h.
 *
 *   texts -> names, and what they are used for   (slice_names.c)
 *         -> types, and how much of each         (slice_pick.c)
 *         -> C                                   (slice_write.c)
 */
#include "compile/slice.h"

#include <errno.h>

#include "compile/dump.h"
#include "compile/slice_names.h"
#include "compile/slice_pick.h"
#include "compile/slice_write.h"

int cb_slice(const struct cb_btf_index *ix, const struct cb_slice_text *texts, size_t n, struct cb_buf *out,
	     struct cb_err *e)
{
	struct cb_slice_names names;
	struct cb_picks picks = {0};
	int err = cb_slice_names_of(texts, n, &names, e);

	if (!err)
		err = cb_picks_of(ix, &names, &picks, e);
	if (!err) {
		/* clang warns of the attribute where there is nothing to give it to */
		bool records = cb_picks_any_record(&picks);

		cb_buf_str(out, CB_VMLINUX_H_BEGIN);
		cb_buf_str(out, records ? CB_VMLINUX_H_RECORDS : "");
		err = cb_slice_write(&picks, out, e);
		cb_buf_str(out, records ? CB_VMLINUX_H_RECORDS_END : "");
		cb_buf_str(out, CB_VMLINUX_H_END);
	}
	if (!err && out->failed)
		err = cb_fail(e, ENOMEM, "out of memory");
	cb_picks_free(&picks);
	cb_slice_names_free(&names);
	return err;
}
