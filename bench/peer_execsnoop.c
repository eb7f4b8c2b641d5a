// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* peer_execsnoop.c - execsnoop as one writes it for libbpf, with a skeleton by bpftool. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "peer_execsnoop.h"
#include "peer_execsnoop.skel.h"

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = 1;
}

static int on_event(void *ctx, void *data, size_t size)
{
	const struct event *e = data;

	printf("%-7u %-7u %-7u %-16s %s\n", e->pid, e->ppid, e->uid, e->comm, e->file);
	return 0;
}

int main(void)
{
	struct peer_execsnoop_bpf *skel;
	struct ring_buffer *ring = NULL;
	int err = 1;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	skel = peer_execsnoop_bpf__open_and_load();
	if (!skel || peer_execsnoop_bpf__attach(skel))
		goto out;
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, NULL, NULL);
	if (!ring)
		goto out;
	while (!stopped) {
		err = ring_buffer__poll(ring, 100);
		if (err < 0 && err != -EINTR)
			goto out;
		fflush(stdout);
	}
	err = 0;
out:
	ring_buffer__free(ring);
	peer_execsnoop_bpf__destroy(skel);
	return err != 0;
}
