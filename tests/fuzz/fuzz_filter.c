// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_filter.c - filter expressions of random text over a plan that has a field of every kind, matched with a record. */
#include <stdlib.h>
#include <string.h>

#include "output/output.h"

enum { RECORD = 256 };

static uint32_t make_type(struct btf *btf)
{
	static const struct {
		const char *type, *field;
		unsigned bytes;
	} displays[] = {
		{"lbc_ns_t", "ns", 8},	    {"lbc_ms_t", "ms", 8},   {"lbc_time_t", "at", 8},
		{"lbc_bytes_t", "size", 8}, {"lbc_hex_t", "hex", 8}, {"lbc_ksym_t", "ip", 8},
		{"lbc_errno_t", "err", 4},  {"lbc_ret_t", "ret", 4}, {"lbc_syscall_t", "call", 4},
		{"lbc_signal_t", "sig", 4}, {"lbc_ipv4_t", "v4", 4}, {"lbc_kstack_t", "stack", 4},
		{"lbc_port_t", "port", 4},
	};
	int u32 = btf__add_int(btf, "unsigned int", 4, 0), u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	int chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED), flag = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	int s64 = btf__add_int(btf, "long long", 8, BTF_INT_SIGNED), wide = btf__add_int(btf, "__int128", 16, 0);
	int real = btf__add_float(btf, "double", 8), comm = btf__add_array(btf, u32, chr, 16);
	int list = btf__add_array(btf, u32, u32, 2), v6 = btf__add_typedef(btf, "lbc_ipv6_t", comm), mode, id,
	    typed[16];
	uint32_t at = 0;

	mode = btf__add_enum(btf, "mode", 4);
	btf__add_enum_value(btf, "MODE_A", 0);
	btf__add_enum_value(btf, "MODE_B", 1);
	for (size_t i = 0; i < sizeof(displays) / sizeof(*displays); i++)
		typed[i] = btf__add_typedef(btf, displays[i].type, displays[i].bytes == 8 ? u64 : u32);
	id = btf__add_struct(btf, "event", RECORD);
	for (size_t i = 0; i < sizeof(displays) / sizeof(*displays); i++, at += 8)
		btf__add_field(btf, displays[i].field, typed[i], at * 8, 0);
	btf__add_field(btf, "n", s64, (at)*8, 0);
	btf__add_field(btf, "flag", flag, (at + 8) * 8, 0);
	btf__add_field(btf, "c", chr, (at + 9) * 8, 0);
	btf__add_field(btf, "load", real, (at + 16) * 8, 0);
	btf__add_field(btf, "list", list, (at + 24) * 8, 0);
	btf__add_field(btf, "mode", mode, (at + 32) * 8, 0);
	btf__add_field(btf, "comm", comm, (at + 40) * 8, 0);
	btf__add_field(btf, "v6", v6, (at + 56) * 8, 0);
	btf__add_field(btf, "wide", wide, (at + 72) * 8, 0);
	btf__add_field(btf, "a.b", u32, (at + 88) * 8, 0);
	return (uint32_t)id;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *btf = btf__new_empty();
	struct cb_plan *plan = cb_plan_new(btf, make_type(btf), "event", NULL, NULL);
	char *text = malloc(size + 1), *record = malloc(RECORD);
	struct cb_filter *f;

	if (!plan || !text || !record)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < RECORD; i++)
		record[i] = size ? (char)data[i % size] : 0;
	f = cb_filter_new(plan, text, NULL);
	if (f) {
		cb_filter_match(f, record);
		memset(record, 0, RECORD);
		cb_filter_match(f, record);
	}
	cb_filter_free(f);
	cb_plan_free(plan);
	btf__free(btf);
	free(text);
	free(record);
	return 0;
}
