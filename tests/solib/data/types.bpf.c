// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* types.bpf.c - keys and values of every shape: sizeof and offsetof of each must be the same in cffi as in BTF. */
#include "lbc.h"

#define MAP(name, K, V) LBC_HASH(name, K, V, 1)

enum color { red, green = -1 };
enum huge { small, large = 1ULL << 40 };
typedef unsigned long long word_t;
typedef struct {
	u8 a;
	u32 b;
} nameless_t;
typedef char text_t[12];

struct scalars {
	char c;
	bool yes;
	s8 s1;
	u16 u2;
	s32 s4;
	u64 u8s;
	long l;
	word_t w;
	enum color color;
	enum huge huge;
	void *pointer;
	struct scalars *self;
	int (*function)(int);
	const volatile int cv;
};
struct arrays {
	char text[16];
	text_t alias;
	char texts[3][8];
	u32 numbers[2][3];
	bool flags[3];
	void *pointers[2];
	enum color colors[2];
	nameless_t nameless[2];
	struct scalars scalars[2];
	char none[0];
};
struct packed {
	u8 a;
	u32 b;
	u64 c;
	struct {
		u16 d;
		u32 e;
	} inner;
	struct scalars far;
	u8 last;
} __attribute__((packed));
struct packed4 {
	u32 a;
	u64 b;
	char c[4];
} __attribute__((packed));
struct aligned {
	u8 a;
	u32 b __attribute__((aligned(16)));
	u8 c __attribute__((aligned(64)));
};
struct bits {
	u32 a : 3, b : 7, : 5, c : 17;
	u64 d : 40;
	u8 e : 1, f : 1;
	int : 0;
	s32 g : 31;
	bool h : 1;
	u8 tail;
	u16 odd : 9;
	enum color color : 4;
};
struct packed_bits {
	u8 a;
	u32 b : 20;
	u32 c : 12;
	u8 d;
	u64 e : 33;
	u16 f;
} __attribute__((packed));
union all {
	u8 byte;
	u64 word;
	struct {
		u16 low, high;
	};
	char text[11];
};
union packed_union {
	u32 a;
	char b[7];
} __attribute__((packed));
struct nested {
	struct {
		u8 x;
		union {
			u32 y;
			u8 z[4];
		};
	};
	union all all;
	struct {
		u8 in[3];
		struct packed4 packed4;
	} named;
	struct packed packed;
	struct bits bits;
	u8 end;
};
struct aligned_inside {
	u8 a;
	struct {
		u8 b;
	} __attribute__((aligned(8))) c;
	u8 d;
	lbc_ipv6_t v6;
};
struct wide {
	u8 a;
	__int128 b;
	u32 c;
};
struct empty {
};
struct with_empty {
	u8 a;
	struct empty e;
	u32 b;
};

MAP(m_scalars, struct scalars, struct arrays);
MAP(m_packed, struct packed, struct packed4);
MAP(m_bits, struct bits, struct packed_bits);
MAP(m_aligned, struct aligned, struct aligned_inside);
MAP(m_unions, union all, union packed_union);
MAP(m_nested, struct nested, struct with_empty);
MAP(m_wide, nameless_t, struct wide);
MAP(m_plain, text_t, word_t);
MAP(m_enum, enum color, enum huge);
MAP(m_pointer, char, void *);
MAP(m_array, u32, nameless_t);
MAP(
	m_anonymous, bool, struct {
		u8 a;
		u16 b;
	});
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 12);
} m_sized SEC(".maps");

SEC("raw_tracepoint/sched_process_exec")
int nothing(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
