// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_param.c - a parameter's value from text. The first byte chooses the parameter, one of every type; the rest is the
 * text. A value that was taken is shown as a text that gives the same value; one that was not has changed nothing.
 */
#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES = 17, ROOM = 16 /* bytes for each in .rodata */ };

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The types of all parameters; ids[] of each. */
static struct btf *make_types(int ids[TYPES])
{
	static const char *const durations[] = {"lbc_ns_t", "lbc_us_t", "lbc_ms_t", "lbc_bytes_t"};
	struct btf *btf = btf__new_empty();
	int n = 0;

	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
		ids[n++] = btf__add_int(btf, "unsigned", bytes, 0);
		ids[n++] = btf__add_int(btf, "signed", bytes, BTF_INT_SIGNED);
	}
	for (int i = 0; i < 4; i++)
		ids[n++] = btf__add_typedef(btf, durations[i], ids[6]);
	ids[n++] = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	ids[n++] = btf__add_enum(btf, "color", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "BLUE", -2);
	ids[n++] = btf__add_enum64(btf, "wide", 8, true);
	btf__add_enum64_value(btf, "FAR", 1ULL << 40);
	ids[n++] = btf__add_array(btf, 1, btf__add_int(btf, "char", 1, BTF_INT_SIGNED), 8);
	ids[n++] = btf__add_struct(btf, "pair", 8);
	return btf;
}

static void set(struct coolbpf *cb, const char *name, const char *text)
{
	char before[TYPES * ROOM], after[TYPES * ROOM];
	struct coolbpf_param p;

	memcpy(before, cb->rodata, sizeof(before));
	if (coolbpf_param_set(cb, name, text)) {
		check(*coolbpf_errmsg(cb) && !memcmp(before, cb->rodata, sizeof(before)));
		return;
	}
	memcpy(after, cb->rodata, sizeof(after));
	for (size_t i = 0; i < TYPES; i++) {
		size_t outside = i * ROOM + cb->params[i].size;

		check(!coolbpf_param_get(cb, i, &p));
		/* nothing but the value was written */
		if (strcmp(p.name, name)) {
			check(!memcmp(before + i * ROOM, after + i * ROOM, ROOM));
			continue;
		}
		check(!memcmp(before + outside, after + outside, ROOM - cb->params[i].size));
		memset(cb->rodata + i * ROOM, 0, cb->params[i].size);
		check(!coolbpf_param_set(cb, name, p.value) && !memcmp(cb->rodata, after, sizeof(after)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[TYPES] = {"u8", "s8", "u16",  "s16",  "u32",  "s32",  "u64",  "s64", "ns",
						 "us", "ms", "size", "flag", "mode", "wide", "text", "pair"};
	struct coolbpf *cb = coolbpf_new(NULL);
	int ids[TYPES];
	struct btf *btf = make_types(ids);
	char *text = malloc(size + 1);

	check(cb && btf && text);
	cb->btf = btf;
	cb->rodata = calloc(TYPES, ROOM);
	cb->params = calloc(TYPES, sizeof(*cb->params));
	check(cb->rodata && cb->params);
	for (cb->nparams = 0; cb->nparams < TYPES; cb->nparams++) {
		struct cb_param *p = &cb->params[cb->nparams];

		*p = (struct cb_param){
			.name = names[cb->nparams],
			.help = "",
			.type = strdup("type"),
			.type_id = (uint32_t)ids[cb->nparams],
			.offset = (uint32_t)cb->nparams * ROOM,
			.size = (uint32_t)btf__resolve_size(btf, (uint32_t)ids[cb->nparams]),
		};
	}
	if (size) {
		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		set(cb, names[data[0] % TYPES], text);
	}
	free(cb->rodata);
	coolbpf_free(cb);
	btf__free(btf);
	free(text);
	return 0;
}
