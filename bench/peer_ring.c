// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* peer_ring.c - the bare loop of libbpf around a ring buffer. */
#include <stdlib.h>

#include "peer_ring.skel.h"
#include "ring_count.h"

static int on_event(void *ctx, void *data, size_t size)
{
	ring_count(ctx, data);
	return 0;
}

static int consume(void *ctx)
{
	return ring_buffer__consume(ctx);
}

static int poll_some(void *ctx)
{
	return ring_buffer__poll(ctx, 100);
}

int main(int argc, char **argv)
{
	struct peer_ring_bpf *skel = peer_ring_bpf__open_and_load();
	struct ring_reader reader = {.consume = consume, .poll = poll_some};
	struct ring_count count = {0};
	struct ring_buffer *ring;
	int status;

	if (!skel || peer_ring_bpf__attach(skel))
		return 1;
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, &count, NULL);
	if (!ring)
		return 1;
	reader.ctx = ring;
	status = ring_measure(&reader, &count, argc > 1 ? atof(argv[1]) : 1);
	ring_buffer__free(ring);
	peer_ring_bpf__destroy(skel);
	return status;
}
