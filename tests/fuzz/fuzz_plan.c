// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_plan.c - types that nobody would write, and records of random bytes: the plan must refuse or print them, the JSON
 * must be JSON, and nothing may be read beyond the record.
 *
 * The first byte chooses: raw BTF as it would stand in a file, or a list of instructions that build types through
 * libbpf, which gets much further. The record's bytes are the input's own, repeated.
 */
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "../output/json_check.h"
#include "output/output.h"

enum { RECORD_MAX = 1 << 20, TYPES_MAX = 300 };

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint32_t word(struct input *in)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | byte(in);
	return v;
}

static const char *const names[] = {
	"",
	"a",
	"pid",
	"char",
	"comm",
	"lbc_ns_t",
	"lbc_us_t",
	"lbc_ms_t",
	"lbc_time_t",
	"lbc_bytes_t",
	"lbc_hex_t",
	"lbc_ksym_t",
	"lbc_errno_t",
	"lbc_ret_t",
	"lbc_syscall_t",
	"lbc_signal_t",
	"lbc_ipv4_t",
	"lbc_ipv6_t",
	"lbc_kstack_t",
	"lbc_ustack_t",
	"quote\"\\\n",
	"lbc_pid_t",
};

static const char *name(struct input *in)
{
	return names[byte(in) % (sizeof(names) / sizeof(*names))];
}

/* A type that exists, or will, or never does. */
static int type(struct input *in)
{
	return byte(in) % 40;
}

static void build(struct btf *btf, struct input *in)
{
	static const uint32_t sizes[] = {1, 2, 4, 8, 16};

	while (in->at < in->end && btf__type_cnt(btf) < TYPES_MAX) {
		uint32_t n;

		switch (byte(in) % 12) {
		case 0:
			btf__add_int(btf, name(in), sizes[byte(in) % 5], byte(in) & 7);
			break;
		case 1:
			btf__add_ptr(btf, type(in));
			break;
		case 2:
			n = byte(in) & 1 ? word(in) : byte(in);
			btf__add_array(btf, 1, type(in), n);
			break;
		case 3:
			btf__add_struct(btf, name(in), byte(in) & 1 ? word(in) : byte(in));
			break;
		case 4:
			btf__add_union(btf, name(in), byte(in));
			break;
		case 5:
		case 6:
			btf__add_field(btf, name(in), type(in), byte(in) & 1 ? word(in) & 0xffffff : byte(in),
				       byte(in) & 1 ? byte(in) : 0);
			break;
		case 7:
			btf__add_typedef(btf, name(in), type(in));
			break;
		case 8:
			btf__add_const(btf, type(in));
			break;
		case 9:
			if (byte(in) & 1) {
				btf__add_enum(btf, name(in), sizes[byte(in) % 4]);
				for (n = byte(in) % 8; n; n--)
					btf__add_enum_value(btf, name(in), (int32_t)word(in));
			} else {
				btf__add_enum64(btf, name(in), sizes[byte(in) % 4], byte(in) & 1);
				for (n = byte(in) % 8; n; n--)
					btf__add_enum64_value(btf, name(in), (uint64_t)word(in) << 32 | word(in));
			}
			break;
		case 10:
			btf__add_float(btf, name(in), sizes[byte(in) % 5]);
			break;
		default:
			btf__add_volatile(btf, type(in));
		}
	}
}

static void print(const struct cb_plan *plan, const uint8_t *data, size_t size)
{
	size_t n = cb_plan_size(plan);
	char *record = n <= RECORD_MAX ? malloc(n) : NULL; /* exactly: a byte more would be noticed */
	struct cb_buf out = {0};

	if (!record)
		return;
	for (size_t i = 0; i < n; i++)
		record[i] = (char)data[i % size];
	cb_plan_json(plan, record, &out);
	if (!out.failed && !json_is_valid(out.data, out.len))
		abort();
	for (size_t i = 0; i < cb_plan_fields(plan) && i < 50; i++) {
		out.len = 0;
		cb_plan_text(plan, i, record, &out);
	}
	cb_buf_free(&out);
	free(record);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data + 1, data + size};
	struct btf *btf;

	libbpf_set_print(quiet);
	if (size < 2)
		return 0;
	if (*data & 1) {
		btf = btf__new(data + 1, (uint32_t)(size - 1));
	} else {
		btf = btf__new_empty();
		if (btf)
			build(btf, &in);
	}
	for (uint32_t id = 0; btf && id < btf__type_cnt(btf) + 1 && id < TYPES_MAX; id++) {
		struct cb_plan *plan = cb_plan_new(btf, id, id & 1 ? "value" : "", NULL, NULL);

		if (plan)
			print(plan, data, size);
		cb_plan_free(plan);
	}
	btf__free(btf);
	return 0;
}
