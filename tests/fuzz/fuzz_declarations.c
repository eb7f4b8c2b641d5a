// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_declarations.c - BTF that is whole as such, of types that refer to each other in any way. What the check accepts, libbpf
 * and we can write as C, without a crash and soon.
 * Reads what strangers send.
 *
 * The input is lines of four bytes: what to add, and three numbers for it.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/index.h"
#include "btf/check.h"
#include "compile/slice.h"
#include "service/kernel_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES_MAX = 200 };

static const char *const names[] = {"", "a", "b", "c", "d", "e", "f", "__builtin_va_list"};

static const char *name_of(uint8_t n)
{
	return names[n % (sizeof(names) / sizeof(*names))];
}

/* What makes no sense to libbpf, it does not add. */
static void add(struct btf *btf, uint8_t what, uint8_t a, uint8_t b, uint8_t c)
{
	static const uint8_t sizes[] = {1, 2, 4, 8, 16};
	const char *name = name_of(a);
	int size = sizes[a % 5];

	switch (what % 16) {
	case 0:
		btf__add_int(btf, name_of(b), (size_t)size, c & 1 ? BTF_INT_SIGNED : 0);
		break;
	case 1:
		btf__add_ptr(btf, b);
		break;
	case 2:
		btf__add_typedef(btf, name, b);
		break;
	case 3:
		btf__add_const(btf, b);
		break;
	case 4:
		btf__add_type_tag(btf, name, b);
		break;
	case 5:
		btf__add_array(btf, a, b, c);
		break;
	case 6:
		btf__add_fwd(btf, name, c & 1 ? BTF_FWD_STRUCT : BTF_FWD_UNION);
		break;
	case 7:
		btf__add_struct(btf, name, b);
		break;
	case 8:
		btf__add_union(btf, name, b);
		break;
	case 9:
	case 10:
	case 11:
		btf__add_field(btf, name, b, c * 8, 0);
		break;
	case 12:
		btf__add_field(btf, name, b, c, a >> 3);
		break;
	case 13:
		btf__add_func_proto(btf, b);
		break;
	case 14:
		btf__add_func_param(btf, name, b);
		break;
	default:
		if (c & 1)
			btf__add_enum(btf, name, (uint32_t)size);
		else
			btf__add_enum_value(btf, name, b);
	}
}

static void nothing(void *ctx, const char *fmt, va_list ap)
{
}

static void write_all(const struct btf *btf)
{
	struct btf_dump *dump = btf_dump__new(btf, nothing, NULL, NULL);

	for (uint32_t id = 1; dump && id < btf__type_cnt(btf); id++)
		btf_dump__dump_type(dump, id);
	btf_dump__free(dump);
}

static void ask(json_t *answer)
{
	if (!answer)
		abort();
	json_decref(answer);
}

static void slice(const struct cb_btf_index *ix)
{
	static const char program[] = "struct a a; union b b; c c; struct d *d; e e; enum f f;";
	struct cb_slice_text text = {.text = program, .len = sizeof(program) - 1};
	struct cb_buf out = {0};
	struct cb_err e = {0};

	cb_slice(ix, &text, 1, &out, &e); /* or refused: not all that is accepted has C for it */
	cb_buf_free(&out);
}

static void use(const void *raw, uint32_t size)
{
	struct cb_btf_index ix;
	struct btf *btf;

	if (cb_btf_index_make(raw, size, NULL, &ix, NULL))
		return;
	slice(&ix);
	cb_btf_index_close(&ix);
	btf = cb_btf_parse(raw, size, NULL);
	if (!btf)
		abort();
	write_all(btf);
	for (size_t i = 1; i < 7; i++) {
		ask(cb_types_named(btf, names[i]));
		ask(cb_lbc_type(btf, names[i]));
	}
	ask(cb_functions(btf, "*"));
	ask(cb_lbc_struct(btf, "%"));
	btf__free(btf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	uint32_t len;

	libbpf_set_print(NULL);
	for (size_t i = 0; i + 4 <= size && i / 4 < TYPES_MAX; i += 4)
		add(btf, data[i], data[i + 1], data[i + 2], data[i + 3]);
	raw = btf__raw_data(btf, &len);
	if (!raw)
		abort();
	use(raw, len);
	btf__free(btf);
	return 0;
}
