// SPDX-License-Identifier: GPL-2.0
/* newer - calls a helper that came with kernel 5.15: an older verifier refuses it. */
#include "lbc.h"

struct event {
	__u64 cookie;
};

LBC_EVENTS(events, struct event, 4096);

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	struct event e = {.cookie = bpf_get_attach_cookie(ctx)};

	lbc_emit(ctx, events, &e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
