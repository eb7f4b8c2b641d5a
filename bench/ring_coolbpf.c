// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* ring_coolbpf.c - a program that gets events from libcoolbpf: ring_coolbpf RING.bpf.o [SECONDS] */
#include <stdlib.h>

#include "coolbpf/coolbpf.h"
#include "ring_count.h"

static int on_event(void *ctx, const struct coolbpf_event *event)
{
	ring_count(ctx, event->data);
	return 0;
}

static int consume(void *ctx)
{
	return coolbpf_consume(ctx);
}

static int poll_some(void *ctx)
{
	return coolbpf_poll(ctx, 100);
}

int main(int argc, char **argv)
{
	struct coolbpf *cb = coolbpf_new(NULL);
	struct ring_reader reader = {.ctx = cb, .consume = consume, .poll = poll_some};
	struct ring_count count = {0};
	int status;

	if (!cb || argc < 2)
		return 2;
	if (coolbpf_open_file(cb, argv[1]) || coolbpf_on_event(cb, NULL, on_event, &count) || coolbpf_load(cb) ||
	    coolbpf_attach(cb)) {
		fprintf(stderr, "ring_coolbpf: %s\n", coolbpf_errmsg(cb));
		return 1;
	}
	status = ring_measure(&reader, &count, argc > 2 ? atof(argv[2]) : 1);
	coolbpf_free(cb);
	return status;
}
