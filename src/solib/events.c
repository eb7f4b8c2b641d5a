// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * events.c - events of perf and ring buffers, to a client's callback.
 *
 * A loop waits for two descriptors: libbpf's epoll of the buffers, and the eventfd by which lbc_bpf_exit() ends it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "loader.h"

/* ---- From libbpf to the client ----------------------------------------------------------------------------------- */

static void on_perf_event(void *ctx, int cpu, void *data, __u32 size)
{
	struct lbc_map *m = ctx;

	m->events.event(NULL, cpu, data, size);
}

static void on_perf_lost(void *ctx, int cpu, __u64 count)
{
	struct lbc_map *m = ctx;

	if (m->events.lost)
		m->events.lost(NULL, cpu, count);
}

static int on_ring_event(void *ctx, void *data, size_t size)
{
	struct lbc_map *m = ctx;

	m->events.event(NULL, -1, data, (unsigned int)size);
	return 0;
}

/* What found no place in a ring is counted by the program, for each CPU in the first 8 bytes of NAME__lbc. */
static void tell_lost(struct lbc_map *m)
{
	struct lbc_events *e = &m->events;
	size_t stride = e->room ? (bpf_map__value_size(e->room) + 7) & ~(size_t)7 : 0;
	unsigned long long sum = 0, one;
	unsigned char *all;
	__u32 zero = 0;

	if (!e->lost || bpf_map__type(m->map) != BPF_MAP_TYPE_RINGBUF || stride < sizeof(one) ||
	    bpf_map__type(e->room) != BPF_MAP_TYPE_PERCPU_ARRAY)
		return;
	all = malloc((size_t)lbc_loader.ncpus * stride);
	if (all && !bpf_map_lookup_elem(bpf_map__fd(e->room), &zero, all))
		for (int cpu = 0; cpu < lbc_loader.ncpus; cpu++) {
			memcpy(&one, all + (size_t)cpu * stride, sizeof(one));
			sum += one;
		}
	free(all);
	if (sum > e->lost_already) {
		e->lost(NULL, -1, sum - e->lost_already);
		e->lost_already = sum;
	}
}

/* ---- Buffers ----------------------------------------------------------------------------------------------------- */

static int open_buffer(struct lbc_map *m)
{
	struct lbc_events *e = &m->events;

	if (e->perf || e->ring)
		return 0;
	lbc_forget();
	switch (bpf_map__type(m->map)) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		e->perf = perf_buffer__new(m->fd, m->pages, on_perf_event, on_perf_lost, m, NULL);
		break;
	case BPF_MAP_TYPE_RINGBUF:
		e->ring = ring_buffer__new(m->fd, on_ring_event, m, NULL);
		break;
	default:
		return lbc_fail(EINVAL, "lbc_set_event_cb: map %s carries no events", bpf_map__name(m->map));
	}
	return e->perf || e->ring ? 0 : lbc_fail(errno, "cannot open the buffer of map %s", bpf_map__name(m->map));
}

void lbc_events_free(struct lbc_map *m)
{
	perf_buffer__free(m->events.perf);
	ring_buffer__free(m->events.ring);
	m->events.perf = NULL;
	m->events.ring = NULL;
}

int lbc_set_event_cb(int id, lbc_event_fn *cb, lbc_lost_fn *lost)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	if (!m)
		return -EINVAL;
	if (!cb)
		return lbc_fail(EINVAL, "lbc_set_event_cb: no callback");
	if (atomic_load(&m->events.busy))
		return lbc_fail(EBUSY, "lbc_set_event_cb: map %s has a loop under way", bpf_map__name(m->map));
	m->events.event = cb;
	m->events.lost = lost;
	return open_buffer(m);
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

static int consume(struct lbc_map *m)
{
	int n = m->events.perf ? perf_buffer__consume(m->events.perf) : ring_buffer__consume(m->events.ring);

	tell_lost(m);
	return n < 0 ? n : 0;
}

static int loop(struct lbc_map *m, int timeout)
{
	struct pollfd fds[] = {
		{.events = POLLIN},
		{.fd = lbc_loader.stop_fd, .events = POLLIN},
	};
	int err = consume(m); /* what came before anybody waited */

	fds[0].fd = m->events.perf ? perf_buffer__epoll_fd(m->events.perf) : ring_buffer__epoll_fd(m->events.ring);
	while (!err) {
		if (poll(fds, 2, timeout) < 0)
			return -errno;
		if (fds[1].revents)
			return 0;
		err = consume(m);
	}
	return err;
}

int lbc_event_loop(int id, int timeout)
{
	struct lbc_map *m = lbc_map_at(__func__, id);
	int err;

	if (!m)
		return -EINVAL;
	if (!m->events.perf && !m->events.ring)
		return lbc_fail(EINVAL, "lbc_event_loop: map %s has no callback; call lbc_set_event_cb() first",
				bpf_map__name(m->map));
	if (atomic_exchange(&m->events.busy, true))
		return lbc_fail(EBUSY, "lbc_event_loop: map %s has a loop under way", bpf_map__name(m->map));
	atomic_fetch_add(&lbc_loader.nloops, 1);
	err = loop(m, timeout);
	atomic_store(&m->events.busy, false);
	atomic_fetch_sub(&lbc_loader.nloops, 1);
	return err;
}
