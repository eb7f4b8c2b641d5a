// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * events.c - ring buffers and perf buffers behind one callback.
 *
 * All ring buffers share libbpf's one ring_buffer; every perf buffer has its own. One epoll descriptor watches them all,
 * which is what callers get for loops of their own.
 *
 * LBC_EVENTS makes a ring buffer; where the kernel has none (before 5.8), the map becomes a perf buffer of the same total
 * size before it is created, and the programs, which asked the kernel's BTF the same question, take their other branch.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PERF_PAGES_MIN = 8 };

/* The functions that read an event map, or NULL. */
static coolbpf_event_fn reader(const struct cb_evmap *m, void **ctx)
{
	*ctx = m->fn ? m->ctx : m->cb->event_ctx;
	return m->fn ? m->fn : m->cb->event_fn;
}

int coolbpf_on_event(struct coolbpf *cb, const char *map, coolbpf_event_fn fn, void *ctx)
{
	if (cb->loaded)
		return cb_fail(&cb->err, EBUSY, "event functions must be set before the load");
	if (!map) {
		cb->event_fn = fn;
		cb->event_ctx = ctx;
		return 0;
	}
	for (size_t i = 0; i < cb->nevmaps; i++) {
		if (strcmp(bpf_map__name(cb->evmaps[i].map->map), map))
			continue;
		cb->evmaps[i].fn = fn;
		cb->evmaps[i].ctx = ctx;
		return 0;
	}
	cb_fail(&cb->err, ENOENT, "there is no event map %s; there is", map);
	for (size_t i = 0; i < cb->nevmaps; i++)
		cb_fail_more(&cb->err, 0, "%s %s", i ? "," : "", bpf_map__name(cb->evmaps[i].map->map));
	if (!cb->nevmaps)
		cb_fail_more(&cb->err, 0, " none");
	return -ENOENT;
}

static uint32_t power_of_two_at_most(uint32_t v)
{
	uint32_t p = 1;

	while (p <= v / 2)
		p *= 2;
	return p;
}

static int make_perf_buffer(struct coolbpf *cb, struct cb_evmap *m)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t bytes = bpf_map__max_entries(m->map->map);
	uint32_t pages = bytes / (uint32_t)sysconf(_SC_PAGESIZE) / (cpus > 0 ? (uint32_t)cpus : 1);
	int err;

	m->ring = false;
	m->pages = pages > PERF_PAGES_MIN ? power_of_two_at_most(pages) : PERF_PAGES_MIN;
	err = bpf_map__set_type(m->map->map, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	if (!err)
		err = bpf_map__set_key_size(m->map->map, sizeof(uint32_t));
	if (!err)
		err = bpf_map__set_value_size(m->map->map, sizeof(uint32_t));
	if (!err)
		err = bpf_map__set_max_entries(m->map->map, cpus > 0 ? (uint32_t)cpus : 1);
	if (err)
		return cb_fail(&cb->err, -err, "cannot make a perf buffer of map %s", bpf_map__name(m->map->map));
	cb_say(&cb->log, CB_INFO, "%s: this kernel has no ring buffer; a perf buffer of %u pages per CPU is taken",
	       bpf_map__name(m->map->map), m->pages);
	return 0;
}

int cb_events_prepare(struct coolbpf *cb)
{
	int ring = -1; /* not asked yet */
	int err = 0;

	for (size_t i = 0; !err && i < cb->nevmaps; i++) {
		/* only a map of LBC_EVENTS has programs that can do without */
		if (!cb->evmaps[i].ring || !cb->evmaps[i].room)
			continue;
		if (ring < 0)
			ring = cb->has_ringbuf_type && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
		if (!ring)
			err = make_perf_buffer(cb, &cb->evmaps[i]);
	}
	return err;
}

/* Returns what the function says when that is an error, which ends the poll. m->event and m->fn are set when the map is
 * opened: this runs for each event, and asking libbpf for the name each time doubles its cost. */
static int deliver(struct cb_evmap *m, const void *data, size_t size, int cpu)
{
	int err;

	m->event.data = data;
	m->event.size = size;
	m->event.type_id = size >= m->type_size ? m->type_id : 0;
	m->event.cpu = cpu;
	m->received++;
	err = m->call(m->call_ctx, &m->event);
	if (err >= 0)
		return 0;
	if (!m->cb->callback_error)
		m->cb->callback_error = err;
	return err;
}

static int on_ring_sample(void *ctx, void *data, size_t size)
{
	return deliver(ctx, data, size, -1);
}

/* A perf sample begins 4 bytes behind a multiple of 8. */
static int deliver_copy(struct cb_evmap *m, const void *data, uint32_t size, int cpu)
{
	if (size > m->copy_size) {
		void *bigger = realloc(m->copy, size);

		if (!bigger) {
			m->lost++;
			return 0;
		}
		m->copy = bigger;
		m->copy_size = size;
	}
	memcpy(m->copy, data, size);
	return deliver(m, m->copy, size, cpu);
}

/* One record of a perf buffer (perf_event_open(2), "Overflow handling"). LIBBPF_PERF_EVENT_ERROR ends the reading behind
 * this record: what comes after it is still there for the next poll. */
static enum bpf_perf_event_ret on_perf_record(void *ctx, int cpu, struct perf_event_header *header)
{
	struct cb_evmap *m = ctx;
	const struct {
		struct perf_event_header header;
		uint32_t size;
		char data[];
	} *sample = (const void *)header;
	const struct {
		struct perf_event_header header;
		uint64_t id, lost;
	} *lost = (const void *)header;

	if (header->type == PERF_RECORD_LOST && !m->kernel_counts && !m->room)
		m->lost += lost->lost;
	if (header->type != PERF_RECORD_SAMPLE || !deliver_copy(m, sample->data, sample->size, cpu))
		return LIBBPF_PERF_EVENT_CONT;
	return LIBBPF_PERF_EVENT_ERROR;
}

/* What did not fit is told by the programs (LBC_EVENTS), else by the kernel's own counter (since 6.0), else by records in
 * the buffer, which come only with the next event that fits. */
static int open_perf_buffer(struct cb_evmap *m)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
		.read_format = PERF_FORMAT_LOST,
	};
	size_t pages = m->pages ? power_of_two_at_most(m->pages) : PERF_PAGES_MIN;
	int fd = bpf_map__fd(m->map->map);

	m->pb = perf_buffer__new_raw(fd, pages, &attr, on_perf_record, m, NULL);
	m->kernel_counts = m->pb;
	if (!m->pb && errno == EINVAL) {
		attr.read_format = 0;
		m->pb = perf_buffer__new_raw(fd, pages, &attr, on_perf_record, m, NULL);
	}
	return m->pb ? 0 : -errno;
}

static int watch(struct coolbpf *cb, int fd, void *what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};

	return epoll_ctl(cb->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_map(struct coolbpf *cb, struct cb_evmap *m)
{
	int fd = bpf_map__fd(m->map->map);

	m->call = reader(m, &m->call_ctx);
	m->event.map = bpf_map__name(m->map->map);
	if (!m->call)
		return 0;
	if (!m->ring) {
		int err = open_perf_buffer(m);

		return err ? err : watch(cb, perf_buffer__epoll_fd(m->pb), m);
	}
	if (cb->rb)
		return ring_buffer__add(cb->rb, fd, on_ring_sample, m);
	cb->rb = ring_buffer__new(fd, on_ring_sample, m, NULL);
	return cb->rb ? watch(cb, ring_buffer__epoll_fd(cb->rb), NULL) : -errno;
}

int cb_events_open(struct coolbpf *cb)
{
	int err = 0;

	cb->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (cb->epoll_fd < 0) {
		err = errno;
		return cb_fail(&cb->err, err, "cannot make an epoll descriptor: %s", strerror(err));
	}
	cb_listen(cb);
	for (size_t i = 0; !err && i < cb->nevmaps; i++) {
		err = open_map(cb, &cb->evmaps[i]);
		if (err)
			cb_fail(&cb->err, -err, "cannot read the events of map %s: %s",
				bpf_map__name(cb->evmaps[i].map->map), strerror(-err));
	}
	cb_listen(NULL);
	return err;
}

void cb_events_close(struct coolbpf *cb)
{
	ring_buffer__free(cb->rb);
	cb->rb = NULL;
	for (size_t i = 0; i < cb->nevmaps; i++) {
		perf_buffer__free(cb->evmaps[i].pb);
		cb->evmaps[i].pb = NULL;
		free(cb->evmaps[i].copy);
		cb->evmaps[i].copy = NULL;
	}
	if (cb->epoll_fd >= 0)
		close(cb->epoll_fd);
	cb->epoll_fd = -1;
}

/* libbpf's answer, corrected by what a callback said. */
static int consumed(struct coolbpf *cb, int n, uint64_t before)
{
	uint64_t after = 0;

	for (size_t i = 0; i < cb->nevmaps; i++)
		after += cb->evmaps[i].received;
	if (cb->callback_error) {
		int err = cb->callback_error;

		cb->callback_error = 0;
		cb->unread = true;
		return err;
	}
	if (n < 0 && n != -EAGAIN)
		return cb_fail(&cb->err, -n, "cannot read events: %s", strerror(-n));
	return after - before > INT32_MAX ? INT32_MAX : (int)(after - before);
}

int coolbpf_consume(struct coolbpf *cb)
{
	uint64_t before = 0;
	int n = 0;

	if (cb->epoll_fd < 0)
		return cb_fail(&cb->err, EINVAL, "nothing is loaded yet: there are no events to read");
	cb->unread = false;
	for (size_t i = 0; i < cb->nevmaps; i++)
		before += cb->evmaps[i].received;
	if (cb->rb)
		n = ring_buffer__consume(cb->rb);
	for (size_t i = 0; n >= 0 && i < cb->nevmaps; i++)
		if (cb->evmaps[i].pb)
			n = perf_buffer__consume(cb->evmaps[i].pb);
	return consumed(cb, n, before);
}

int coolbpf_poll(struct coolbpf *cb, int timeout_ms)
{
	struct epoll_event ev;
	int n;

	if (cb->epoll_fd < 0)
		return cb_fail(&cb->err, EINVAL, "nothing is loaded yet: there are no events to wait for");
	/* a perf buffer that was not read to its end tells nobody until more comes */
	if (cb->unread && (n = coolbpf_consume(cb)))
		return n;
	n = epoll_wait(cb->epoll_fd, &ev, 1, timeout_ms);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0) {
		n = errno;
		return cb_fail(&cb->err, n, "cannot wait for events: %s", strerror(n));
	}
	return n ? coolbpf_consume(cb) : 0;
}

int coolbpf_epoll_fd(const struct coolbpf *cb)
{
	return cb->epoll_fd < 0 ? -EINVAL : cb->epoll_fd;
}

size_t coolbpf_event_map_count(const struct coolbpf *cb)
{
	return cb->nevmaps;
}

/* What the programs counted when the ring buffer was full: the first 8 bytes of each CPU's value. */
static uint64_t count_room_lost(struct coolbpf *cb, const struct cb_evmap *m)
{
	size_t step = (bpf_map__value_size(m->room->map) + 7UL) & ~7UL;
	int cpus = libbpf_num_possible_cpus();
	uint64_t lost = 0;
	uint32_t zero = 0;
	char *values = cpus > 0 ? malloc(step * (size_t)cpus) : NULL;

	if (values && !bpf_map_lookup_elem(bpf_map__fd(m->room->map), &zero, values))
		for (int i = 0; i < cpus; i++) {
			uint64_t v;

			memcpy(&v, values + step * (size_t)i, sizeof(v));
			lost += v;
		}
	free(values);
	return lost;
}

/* What the kernel counted when a perf buffer was full. A read gives the event's value, then what it lost. */
static uint64_t count_perf_lost(const struct cb_evmap *m)
{
	uint64_t lost = 0, values[2];

	for (size_t i = 0; i < perf_buffer__buffer_cnt(m->pb); i++)
		if (read(perf_buffer__buffer_fd(m->pb, i), values, sizeof(values)) == sizeof(values))
			lost += values[1];
	return lost;
}

int coolbpf_event_map_get(struct coolbpf *cb, size_t i, struct coolbpf_event_map *out)
{
	const struct cb_evmap *m;

	if (i >= cb->nevmaps)
		return -ERANGE;
	m = &cb->evmaps[i];
	*out = (struct coolbpf_event_map){
		.map = bpf_map__name(m->map->map),
		.ring = m->ring,
		.type_id = m->type_id,
		.received = m->received,
		.lost = m->lost,
	};
	if (cb->loaded && m->room)
		out->lost += count_room_lost(cb, m);
	else if (m->pb && m->kernel_counts)
		out->lost += count_perf_lost(m);
	return 0;
}
