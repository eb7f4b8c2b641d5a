// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_slice.c - any text as a program, against a small BTF that has something of everything.
 * Reads what strangers send.
 *
 * The input is up to three texts, with a zero byte between them: a program, a header, and a library's header. The program
 * may include the others, as "header.h" and <library.h>; all are searched for includes, then sliced for.
 */
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/index.h"
#include "compile/includes.h"
#include "compile/slice.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cb_btf_index ix;

/* int a; char b; struct in { a x; }; enum e { A, B }; typedef struct { in i; } t; typedef a (*f)(struct s *, t);
 * struct s { in v; struct s *next; enum e e; f call; a bits : 3; struct { struct u *u; }; b tail[600]; }; union u { s; t } */
static void add_types(struct btf *btf)
{
	int a = btf__add_int(btf, "a", 4, BTF_INT_SIGNED), b = btf__add_int(btf, "b", 1, BTF_INT_CHAR), in, e, t, f, s,
	    array;

	in = btf__add_struct(btf, "in", 4);
	btf__add_field(btf, "x", a, 0, 0);
	e = btf__add_enum(btf, "e", 4);
	btf__add_enum_value(btf, "A", 0);
	btf__add_enum_value(btf, "B", 1);
	btf__add_struct(btf, "", 4); /* 5 */
	btf__add_field(btf, "i", in, 0, 0);
	t = btf__add_typedef(btf, "t", 5);
	array = btf__add_array(btf, a, b, 600);
	s = array + 6;
	btf__add_func_proto(btf, a); /* array + 1 */
	btf__add_func_param(btf, "", array + 4);
	btf__add_func_param(btf, "", t);
	btf__add_ptr(btf, array + 1);
	f = btf__add_typedef(btf, "f", array + 2);
	btf__add_ptr(btf, s); /* array + 4 */
	btf__add_struct(btf, "", 8);
	btf__add_field(btf, "u", s + 2, 0, 0);
	btf__add_struct(btf, "s", 656);
	btf__add_field(btf, "v", in, 0, 0);
	btf__add_field(btf, "next", array + 4, 64, 0);
	btf__add_field(btf, "e", e, 128, 0);
	btf__add_field(btf, "call", f, 192, 0);
	btf__add_field(btf, "bits", a, 256, 3);
	btf__add_field(btf, "", array + 5, 320, 0);
	btf__add_field(btf, "tail", array, 384, 0);
	btf__add_union(btf, "u", 656);
	btf__add_field(btf, "s", s, 0, 0);
	btf__add_field(btf, "t", t, 0, 0);
	btf__add_ptr(btf, s + 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	__u32 size;

	add_types(btf);
	raw = btf__raw_data(btf, &size);
	if (cb_btf_index_make(raw, size, NULL, &ix, NULL))
		abort();
	btf__free(btf);
	return 0;
}

static const char *find(void *ctx, const char *name, size_t *len)
{
	const struct cb_slice_text *t = ctx;

	if (strcmp(name, t->library ? "library.h" : "header.h"))
		return NULL;
	*len = t->len;
	return t->text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_slice_text texts[3] = {0};
	struct cb_include_place places[2] = {0};
	struct cb_includes in;
	struct cb_buf out[2] = {0};
	struct cb_err e = {0};
	const uint8_t *from = data;

	for (int i = 0; i < 3; i++) {
		size_t left = size - (size_t)(from - data), len = left;
		const uint8_t *zero = left ? memchr(from, 0, left) : NULL;

		if (zero && i < 2)
			len = (size_t)(zero - from);
		/* each in memory of its own, so that reading past its end is seen */
		texts[i] = (struct cb_slice_text){.text = malloc(len ? len : 1), .len = len, .library = i == 2};
		memcpy((char *)texts[i].text, from, len);
		from += len + (zero && i < 2);
	}
	for (int i = 0; i < 2; i++)
		places[i] = (struct cb_include_place){
			.find = find, .ctx = &texts[i + 1], .dir = -1, .quoted = !i, .library = i};
	if (!cb_includes_of(texts[0].text, texts[0].len, 0, places, 2, &in, &e) && in.n > 2)
		abort();
	cb_includes_free(&in);
	/* twice the same */
	for (int i = 0; i < 2; i++)
		if (cb_slice(&ix, texts, 3, &out[i], &e))
			abort();
	if (out[0].len != out[1].len || memcmp(out[0].data, out[1].data, out[0].len))
		abort();
	for (int i = 0; i < 3; i++)
		free((char *)texts[i].text);
	cb_buf_free(&out[0]);
	cb_buf_free(&out[1]);
	return 0;
}
