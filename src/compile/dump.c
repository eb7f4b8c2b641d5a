// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * dump.c - see dump.h.
 *
 * libbpf does the work. One thing is in the way for kernels of RHEL 7 and its like: their BTF has structs in which
 * several members have one name (__UNIQUE_ID_rh_kabi_hide, without what made it unique), and C refuses those. The second
 * and following get the id of the type that they stand in behind their name.
 */
#include "compile/dump.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hmap.h"
#include "btf/kernel.h"
#include "btf/type.h"

enum { NESTED_MAX = 16 };

static int rename_member(struct btf *btf, uint32_t id, uint16_t i, const char *name)
{
	char longer[512];
	int offset;

	snprintf(longer, sizeof(longer), "%.480s__%u", name, id);
	offset = btf__add_str(btf, longer);
	if (offset < 0)
		return offset;
	/* adding a name may have moved the types */
	btf_members((struct btf_type *)btf__type_by_id(btf, id))[i].name_off = (uint32_t)offset;
	return 0;
}

/* Members of structs without a name share the scope that those stand in. */
static int rename_in_scope(struct btf *btf, uint32_t id, struct cb_hmap *seen, int depth)
{
	uint16_t n = btf_vlen(btf__type_by_id(btf, id));
	int err = 0;

	for (uint16_t i = 0; i < n && !err; i++) {
		const struct btf_member *m = &btf_members(btf__type_by_id(btf, id))[i];
		const char *name = btf__name_by_offset(btf, m->name_off);
		uint32_t inner = cb_btf_skip_modifiers(btf, m->type);

		if (*name && cb_hmap_get(seen, name, strlen(name)))
			err = rename_member(btf, id, i, name);
		else if (*name)
			err = cb_hmap_put(seen, name, strlen(name), seen);
		else if (depth < NESTED_MAX && btf_is_composite(btf__type_by_id(btf, inner)))
			err = rename_in_scope(btf, inner, seen, depth + 1);
	}
	return err;
}

static int rename_duplicates(struct btf *btf)
{
	int err = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf) && !err; id++) {
		struct cb_hmap seen = {0};

		if (!btf_is_composite(btf__type_by_id(btf, id)))
			continue;
		err = rename_in_scope(btf, id, &seen, 0);
		cb_hmap_free(&seen);
	}
	return err;
}

static void print(void *ctx, const char *fmt, va_list args)
{
	vfprintf(ctx, fmt, args);
}

static int dump_types(FILE *f, const struct btf *btf)
{
	struct btf_dump *dump = btf_dump__new(btf, print, f, NULL);
	int err = dump ? 0 : -errno;

	fputs(CB_VMLINUX_H_BEGIN CB_VMLINUX_H_RECORDS, f);
	for (uint32_t id = 1; !err && id < btf__type_cnt(btf); id++)
		err = btf_dump__dump_type(dump, id);
	fputs(CB_VMLINUX_H_RECORDS_END CB_VMLINUX_H_END, f);
	btf_dump__free(dump);
	return err;
}

int cb_dump_vmlinux_h(const char *path, char **text, size_t *len, struct cb_err *e)
{
	struct btf *btf = cb_btf_kernel_load(path, e);
	FILE *f;
	int err;

	*text = NULL;
	if (!btf)
		return -errno;
	f = open_memstream(text, len);
	err = f ? rename_duplicates(btf) : -errno;
	if (!err)
		err = dump_types(f, btf);
	if (f && fclose(f) && !err)
		err = -ENOMEM;
	btf__free(btf);
	if (err)
		cb_fail(e, -err, "cannot write the types of %s as C: %s", path, strerror(-err));
	return err;
}
