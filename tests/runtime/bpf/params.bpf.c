// SPDX-License-Identifier: GPL-2.0
/* params.bpf.c - a parameter of every type, and a program that tells what it sees of them. */
#include "lbc.h"

enum color { RED, GREEN = 5, BLUE = 300 };
enum balance { DEBT = -7, EVEN, CREDIT };

typedef char name_t[8];
typedef struct {
	int a, b;
} pair_t;

LBC_PARAM(__u8, uns8, 1, "unsigned, 1 byte");
LBC_PARAM(__s8, sgn8, -1, "signed, 1 byte");
LBC_PARAM(__u16, uns16, 2, "unsigned, 2 bytes");
LBC_PARAM(__s16, sgn16, -2, "signed, 2 bytes");
LBC_PARAM(__u32, uns32, 3, "unsigned, 4 bytes");
LBC_PARAM(__s32, sgn32, -3, "signed, 4 bytes");
LBC_PARAM(__u64, uns64, 4, "unsigned, 8 bytes");
LBC_PARAM(__s64, sgn64, -4, "signed, 8 bytes");
LBC_PARAM(bool, flag, false, "yes or no");
LBC_PARAM(enum color, color, GREEN, "an enum");
LBC_PARAM(enum balance, balance, DEBT, "an enum with negative values");
LBC_PARAM(name_t, name, "abc", "a text of at most 7 bytes");
LBC_PARAM(lbc_ns_t, ns, 1500000, "nanoseconds");
LBC_PARAM(lbc_us_t, us, 0, "microseconds");
LBC_PARAM(lbc_ms_t, ms, 2000, "milliseconds");
LBC_PARAM(lbc_bytes_t, bytes, 4096, "a size");
LBC_PARAM(lbc_pid_t, pid, 0, "a process");
LBC_PARAM(pair_t, pair, {}, "not settable as text");
LBC_PARAM(__u32, zlast, 99, "declared last");

/* Every parameter as the program sees it. */
struct seen {
	__u64 uns8, uns16, uns32, uns64;
	__s64 sgn8, sgn16, sgn32, sgn64;
	__u64 flag, ns, us, ms, bytes;
	__s64 color, balance;
	char name[8];
	__s32 a, b;
};

LBC_ARRAY(seen, __u32, struct seen, 1);

SEC("socket")
int tell(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct seen *s = bpf_map_lookup_elem(&seen, &zero);

	if (!s)
		return 0;
	s->uns8 = uns8;
	s->uns16 = uns16;
	s->uns32 = uns32;
	s->uns64 = uns64;
	s->sgn8 = sgn8;
	s->sgn16 = sgn16;
	s->sgn32 = sgn32;
	s->sgn64 = sgn64;
	s->flag = flag;
	s->ns = ns;
	s->us = us;
	s->ms = ms;
	s->bytes = bytes;
	s->color = color;
	s->balance = balance;
	for (int i = 0; i < 8; i++)
		s->name[i] = name[i];
	s->a = pair.a;
	s->b = pair.b;
	return 0;
}

/* What stands behind a parameter that is off is never looked at by the verifier: this would be refused. */
SEC("socket")
int dead_code(struct __sk_buff *ctx)
{
	if (flag)
		return *(volatile int *)(long)uns64;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
