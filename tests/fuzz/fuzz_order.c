// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_order.c - an object with anything in it, as a source can make one with .section: its files are renamed and its types
 * numbered anew in place, and BTF that was whole is whole afterwards; it is stripped. Reads what strangers send.
 *
 * The seeds (tests/fuzz/seeds/object) are those of fuzz_object.c.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/check.h"
#include "compile/names.h"
#include "compile/order.h"
#include "compile/sections.h"
#include "compile/strip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_whole(const struct cb_sections *s)
{
	struct cb_btf_table table = {0};
	struct cb_btf_view v;
	int whole;

	if (cb_btf_view(s->btf, s->btf_size, &v, NULL))
		return 0;
	whole = !cb_btf_check(&v, &table, NULL);
	cb_btf_table_free(&table);
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_sections s;
	struct cb_names names;
	void *object;
	size_t len;
	int fd = cb_file_nameless("object");

	if (fd < 0 || cb_write_all(fd, data, size))
		abort();
	if (!cb_names_init(&names, "dir/tool.bpf.c", "/lbc", NULL) && cb_sections_open(&s, fd)) {
		int before = is_whole(&s);

		cb_names_btf(&names, s.btf, s.btf_size);
		cb_order_types(s.btf, s.btf_size, s.ext, s.ext_size);
		if (before && !is_whole(&s))
			abort();
		cb_sections_close(&s);
	}
	if (!cb_strip(fd, &object, &len, NULL))
		free(object);
	close(fd);
	return 0;
}
