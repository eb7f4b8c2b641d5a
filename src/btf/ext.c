// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* ext.c - see ext.h. */
#include "btf/ext.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdint.h>
#include <string.h>

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	struct {
		uint32_t off, len; /* from the end of the header */
	} part[3];
};

struct visitor {
	int (*section)(void *ctx, uint32_t name);	 /* or NULL */
	int (*record)(void *ctx, unsigned char *record); /* or NULL */
	void *ctx;
};

static int walk(void *data, size_t size, enum cb_btf_ext_part part, size_t least, const struct visitor *v,
		struct cb_err *e)
{
	struct header h = {0};
	uint32_t record, head[2];
	unsigned char *p, *end;
	int err = 0;

	if (size < offsetof(struct header, part))
		return cb_fail(e, EINVAL, "corrupt .BTF.ext: %zu bytes", size);
	memcpy(&h, data, size < sizeof(h) ? size : sizeof(h));
	if (h.magic == __builtin_bswap16(BTF_MAGIC))
		return cb_fail(e, ENOTSUP, "the object is in the byte order of another machine");
	/* before CO-RE the header had two parts */
	if (h.hdr_len < offsetof(struct header, part[part + 1]))
		return h.magic == BTF_MAGIC ? 0 : cb_fail(e, EINVAL, "corrupt .BTF.ext: no magic");
	if (h.magic != BTF_MAGIC || h.hdr_len > size || h.part[part].off > size - h.hdr_len ||
	    h.part[part].len > size - h.hdr_len - h.part[part].off)
		return cb_fail(e, EINVAL, "corrupt .BTF.ext: its parts are not inside");
	if (!h.part[part].len)
		return 0;
	p = (unsigned char *)data + h.hdr_len + h.part[part].off;
	end = p + h.part[part].len;
	if (end - p < (ptrdiff_t)sizeof(record))
		goto cut;
	memcpy(&record, p, sizeof(record));
	p += sizeof(record);
	if (record < least)
		goto cut;
	while (p < end) {
		if (end - p < (ptrdiff_t)sizeof(head))
			goto cut;
		memcpy(head, p, sizeof(head));
		p += sizeof(head);
		if (head[1] > (size_t)(end - p) / record)
			goto cut;
		if (v->section)
			err = v->section(v->ctx, head[0]);
		for (uint32_t i = 0; i < head[1] && !err; i++, p += record)
			if (v->record)
				err = v->record(v->ctx, p);
		if (err)
			return err;
	}
	return 0;
cut:
	return cb_fail(e, EINVAL, "corrupt .BTF.ext: its records are cut");
}

int cb_btf_ext_each(void *data, size_t size, enum cb_btf_ext_part part, size_t least,
		    int (*fn)(void *ctx, unsigned char *record), void *ctx, struct cb_err *e)
{
	return walk(data, size, part, least, &(struct visitor){.record = fn, .ctx = ctx}, e);
}

int cb_btf_ext_each_section(const void *data, size_t size, enum cb_btf_ext_part part,
			    int (*fn)(void *ctx, uint32_t name), void *ctx, struct cb_err *e)
{
	/* nothing is written where no record is shown */
	return walk((void *)(uintptr_t)data, size, part, 1, &(struct visitor){.section = fn, .ctx = ctx}, e);
}
