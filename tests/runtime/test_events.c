// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Events: ring buffers and perf buffers behind one callback. Each test runs twice: with the running kernel's BTF, where
 * LBC_EVENTS is a ring buffer, and with a BTF that knows no ring buffer, as kernels before 5.8 have it, where it becomes a
 * perf buffer. The programs are run by the test, so it knows exactly what was produced.
 */
#include <bpf/btf.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#include "tool.h"

struct event {
	uint64_t seq;
	uint32_t cpu;
	char text[36];
};

static char old_btf[] = "/tmp/coolbpf-test-btf-XXXXXX";

/* A BTF with one type, an int. */
static void make_old_btf(void)
{
	struct btf *btf = btf__new_empty();
	int fd = mkstemp(old_btf);
	const void *data;
	__u32 size;
	bool ok;

	assert_true(fd >= 0 && btf__add_int(btf, "int", 4, BTF_INT_SIGNED) == 1);
	data = btf__raw_data(btf, &size);
	ok = write(fd, data, size) == (ssize_t)size;
	close(fd);
	btf__free(btf);
	assert_true(ok);
}

static struct coolbpf *opened(void **state)
{
	return tool_open_with("events", (struct coolbpf_opts){.btf_path = *state ? old_btf : NULL});
}

/* Let the program make events first, first + 1, ... on a CPU. */
static void produce(struct coolbpf *cb, const char *program, uint64_t first, uint64_t n, unsigned cpu)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(coolbpf_bpf_object(cb), program);

	for (uint64_t done = 0; done < n; done += 64) {
		uint64_t args[2] = {first + done, n - done < 64 ? n - done : 64};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args),
			    .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);

		assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
	}
}

/* Another than the first, if there is one. */
static unsigned last_cpu(void)
{
	return (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

/* What a callback has seen. */
struct seen {
	const char *map;
	uint64_t n, sum, next;
	bool in_order;
	int cpu;
	uint32_t type_id;
	uint64_t stop_at; /* return -ECANCELED at this one */
};

static int on_event(void *ctx, const struct coolbpf_event *ev)
{
	struct seen *s = ctx;
	const struct event *e = ev->data;

	assert_int_equal((uintptr_t)ev->data % 8, 0);
	assert_true(ev->size >= sizeof(*e));
	assert_true(!e->text[35] && strspn(e->text, "x") == 35);
	assert_true(ev->cpu == -1 || ev->cpu == (int)e->cpu);
	s->map = ev->map;
	s->cpu = ev->cpu;
	s->type_id = ev->type_id;
	s->in_order = (!s->n || s->in_order) && e->seq == s->next;
	s->next = e->seq + 1;
	s->sum += e->seq;
	return ++s->n == s->stop_at ? -ECANCELED : 0;
}

static int on_other(void *ctx, const struct coolbpf_event *ev)
{
	struct seen *s = ctx;

	assert_true(ev->size >= 8);
	s->map = ev->map;
	s->n++;
	s->sum += *(const uint64_t *)ev->data;
	return 0;
}

static struct coolbpf_event_map event_map(struct coolbpf *cb, const char *name)
{
	struct coolbpf_event_map m;

	for (size_t i = 0; !coolbpf_event_map_get(cb, i, &m); i++)
		if (!strcmp(m.map, name))
			return m;
	fail_msg("no event map %s", name);
	return m;
}

static void one_map(void **state)
{
	struct coolbpf *cb = opened(state);
	struct seen s = {0};
	const struct btf_type *t;

	must(cb, coolbpf_on_event(cb, "events", on_event, &s));
	must(cb, coolbpf_load(cb));
	assert_int_equal(event_map(cb, "events").ring, !*state);
	assert_false(event_map(cb, "perf").ring);
	assert_int_equal(must(cb, coolbpf_poll(cb, 0)), 0);
	produce(cb, "emit", 0, 100, 0);
	assert_int_equal(must(cb, coolbpf_poll(cb, 1000)), 100);
	assert_true(s.in_order);
	assert_int_equal(s.n, 100);
	assert_int_equal(s.sum, 4950);
	assert_string_equal(s.map, "events");
	assert_int_equal(s.cpu, *state ? 0 : -1);
	t = btf__type_by_id(coolbpf_btf(cb), s.type_id);
	assert_string_equal(btf__name_by_offset(coolbpf_btf(cb), t->name_off), "event");
	assert_int_equal(event_map(cb, "events").received, 100);
	assert_int_equal(event_map(cb, "events").lost, 0);
	tool_end(cb);
}

static void reserve_and_discard(void **state)
{
	struct coolbpf *cb = opened(state);
	struct seen s = {0};

	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	produce(cb, "reserve", 10, 100, last_cpu());
	assert_int_equal(must(cb, coolbpf_poll(cb, 1000)), 50);
	/* 10, 12, ... 108 */
	assert_int_equal(s.sum, 50 * (10 + 108) / 2);
	assert_int_equal(event_map(cb, "events").lost, 0);
	coolbpf_free(cb);
}

/* Three maps, a function of its own for one, one for all the others, read by one poll. */
static void several_maps(void **state)
{
	struct coolbpf *cb = opened(state);
	struct seen e = {0}, o = {0};
	int n = 0;

	assert_int_equal(coolbpf_event_map_count(cb), 3);
	must(cb, coolbpf_on_event(cb, NULL, on_event, &e));
	must(cb, coolbpf_on_event(cb, "others", on_other, &o));
	must(cb, coolbpf_load(cb));
	produce(cb, "emit", 0, 10, 0);
	produce(cb, "to_perf", 0, 20, last_cpu());
	produce(cb, "emit_other", 1, 4, 0);
	for (int i = 0; i < 10 && n < 34; i++)
		n += must(cb, coolbpf_poll(cb, 100));
	assert_int_equal(n, 34);
	assert_int_equal(e.n, 30);
	assert_int_equal(e.sum, 45 + 190);
	assert_int_equal(o.n, 4);
	assert_int_equal(o.sum, 1 + 4 + 9 + 16);
	assert_int_equal(event_map(cb, "perf").received, 20);
	coolbpf_free(cb);
}

static void time_out(void **state)
{
	struct coolbpf *cb = opened(state);
	struct timespec a, b;
	struct seen s = {0};

	must_refuse(cb, coolbpf_poll(cb, 0), -EINVAL, "nothing is loaded yet");
	must_refuse(cb, coolbpf_consume(cb), -EINVAL, "nothing is loaded yet");
	assert_int_equal(coolbpf_epoll_fd(cb), -EINVAL);
	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(must(cb, coolbpf_poll(cb, 150)), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_in_range((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000, 149, 60000);
	coolbpf_free(cb);
}

static void on_alarm(int sig)
{
}

/* A signal ends the wait, and is no error. */
static void a_signal(void **state)
{
	const struct sigaction quiet = {.sa_handler = on_alarm};
	/* again and again, as the first may come before the wait begins */
	const struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000}, never = {0};
	struct coolbpf *cb = opened(state);
	struct seen s = {0};

	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	sigaction(SIGALRM, &quiet, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(must(cb, coolbpf_poll(cb, -1)), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(s.n, 0);
	coolbpf_free(cb);
}

/* A loop of the caller's own: its epoll instance holds ours. */
static void own_loop(void **state)
{
	struct coolbpf *cb = opened(state);
	int loop = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN};
	struct seen s = {0};

	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, must(cb, coolbpf_epoll_fd(cb)), &ev), 0);
	assert_int_equal(epoll_wait(loop, &ev, 1, 0), 0);
	for (unsigned round = 1; round <= 3; round++) {
		produce(cb, "emit", 0, 5, 0);
		produce(cb, "to_perf", 0, 5, last_cpu());
		assert_int_equal(epoll_wait(loop, &ev, 1, 1000), 1);
		assert_int_equal(must(cb, coolbpf_consume(cb)), 10);
		assert_int_equal(s.n, 10 * round);
	}
	while (epoll_wait(loop, &ev, 1, 0) == 1)
		assert_int_equal(must(cb, coolbpf_consume(cb)), 0);
	close(loop);
	coolbpf_free(cb);
}

/* A function's error ends the poll at once and comes back; what is behind that event is delivered by the next poll. */
static void error_of_the_function(void **state)
{
	static const char *const programs[] = {"emit", "to_perf"};

	for (int i = 0; i < 2; i++) {
		struct coolbpf *cb = opened(state);
		struct seen s = {.stop_at = 7};

		must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
		must(cb, coolbpf_load(cb));
		produce(cb, programs[i], 0, 20, 0);
		assert_int_equal(coolbpf_poll(cb, 1000), -ECANCELED);
		assert_int_equal(s.n, 7);
		assert_int_equal(must(cb, coolbpf_poll(cb, 1000)), 13);
		assert_true(s.in_order);
		assert_int_equal(s.sum, 190);
		coolbpf_free(cb);
	}
}

/* More than fits, and nobody reads meanwhile: received and lost together are what was produced, at every moment. */
static void lost(void **state)
{
	static const char *const programs[] = {"emit", "to_perf"}, *const maps[] = {"events", "perf"};

	for (int i = 0; i < 2; i++) {
		struct coolbpf *cb = opened(state);
		struct seen s = {0};
		uint64_t produced = 0;

		must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
		must(cb, coolbpf_load(cb));
		for (unsigned round = 1; round <= 3; round++) {
			struct coolbpf_event_map m;
			uint64_t lost_before = event_map(cb, maps[i]).lost;

			produce(cb, programs[i], 0, 4000, 0);
			produce(cb, programs[i], 0, 4000, last_cpu());
			produced += 8000;
			while (must(cb, coolbpf_consume(cb)))
				;
			m = event_map(cb, maps[i]);
			assert_int_equal(m.received, s.n);
			assert_true(m.lost > lost_before + 4000);
			assert_int_equal(m.received + m.lost, produced);
		}
		coolbpf_free(cb);
	}
}

/* A ring of 16384 bytes takes records of 48 + 8 bytes of header: 292. */
static void ring_takes_what_it_can(void **state)
{
	struct coolbpf *cb = opened(state);
	struct seen s = {0};

	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	produce(cb, "emit", 0, 1000, 0);
	assert_int_equal(must(cb, coolbpf_consume(cb)), 292);
	assert_true(s.in_order);
	assert_int_equal(event_map(cb, "events").lost, 708);
	coolbpf_free(cb);
}

static void after_detach(void **state)
{
	struct coolbpf *cb = opened(state);
	struct seen s = {0};

	must(cb, coolbpf_on_event(cb, NULL, on_event, &s));
	must(cb, coolbpf_load(cb));
	produce(cb, "emit", 0, 8, 0);
	coolbpf_detach(cb);
	assert_int_equal(must(cb, coolbpf_consume(cb)), 8);
	coolbpf_free(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = opened(state);

	must_refuse(cb, coolbpf_on_event(cb, "nothing", on_event, NULL), -ENOENT,
		    "there is no event map nothing; there is");
	must_refuse(cb, coolbpf_on_event(cb, "counts", on_event, NULL), -ENOENT, "events");
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_on_event(cb, NULL, on_event, NULL), -EBUSY, "before the load");
	/* nobody reads: nothing comes, and nothing breaks */
	produce(cb, "emit", 0, 8, 0);
	assert_int_equal(must(cb, coolbpf_poll(cb, 0)), 0);
	coolbpf_free(cb);
}

#define BOTH(test)                                                                                                     \
	{#test " (ring buffer)", test, NULL, NULL, NULL},                                                              \
	{                                                                                                              \
#test " (perf buffer)", test, NULL, NULL, old_btf                                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(one_map),
		BOTH(reserve_and_discard),
		BOTH(several_maps),
		BOTH(time_out),
		BOTH(a_signal),
		BOTH(own_loop),
		BOTH(error_of_the_function),
		BOTH(lost),
		{"ring_takes_what_it_can", ring_takes_what_it_can, NULL, NULL, NULL},
		BOTH(after_detach),
		BOTH(refusals),
	};
	int failed;

	make_old_btf();
	failed = run_as_root(tests);
	unlink(old_btf);
	return failed;
}
