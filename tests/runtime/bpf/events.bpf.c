// SPDX-License-Identifier: GPL-2.0
/*
 * events.bpf.c - as many events as the test asks for, into each kind of buffer.
 *
 * The test runs the programs itself (BPF_PROG_TEST_RUN), on the CPU it wants, with two numbers as arguments. Nothing here
 * is relocated to the kernel's types but what lbc.h asks about ring buffers, so that it loads with any BTF.
 */
#include "count.h"

enum { CHUNK = 64 /* events per run: the verifier follows each turn of the loop */ };

struct event {
	__u64 seq;
	__u32 cpu;
	char text[36];
};

struct other {
	__u64 square;
};

LBC_EVENTS(events, struct event, 16384);
LBC_EVENTS(others, struct other, 4096);
LBC_PERF_OUTPUT(perf, struct event, 8);

/* The arguments of a raw tracepoint; declared here, it needs no relocation. */
struct args {
	__u64 first, n;
};

static __always_inline void fill(struct event *e, __u64 seq)
{
	e->seq = seq;
	e->cpu = bpf_get_smp_processor_id();
	__builtin_memset(e->text, 'x', sizeof(e->text));
	e->text[35] = 0;
}

/* Events first, first + 1, ... */
SEC("raw_tp")
int emit(struct args *ctx)
{
	struct event e;

	for (__u32 i = 0; i < CHUNK && i < ctx->n; i++) {
		fill(&e, ctx->first + i);
		lbc_emit(ctx, events, &e);
	}
	return 0;
}

/* The same in two steps; odd ones are discarded. */
SEC("raw_tp")
int reserve(struct args *ctx)
{
	for (__u32 i = 0; i < CHUNK && i < ctx->n; i++) {
		struct event *e = lbc_reserve(events);

		if (!e)
			continue;
		fill(e, ctx->first + i);
		if (i & 1)
			lbc_discard(events, e);
		else
			lbc_submit(ctx, events, e);
	}
	return 0;
}

SEC("raw_tp")
int emit_other(struct args *ctx)
{
	for (__u32 i = 0; i < CHUNK && i < ctx->n; i++) {
		struct other o = {.square = (ctx->first + i) * (ctx->first + i)};

		lbc_emit(ctx, others, &o);
	}
	return 0;
}

SEC("raw_tp")
int to_perf(struct args *ctx)
{
	struct event e;

	for (__u32 i = 0; i < CHUNK && i < ctx->n; i++) {
		fill(&e, ctx->first + i);
		bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &e, sizeof(e));
	}
	return 0;
}
