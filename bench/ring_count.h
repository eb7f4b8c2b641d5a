/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * ring_count.h - what the two readers of the ring buffer have in common: ring_coolbpf.c and peer_ring.c.
 *
 * Each measures itself twice and prints two numbers, in events per second:
 *
 *   drain      it fills the buffer, then reads it empty, again and again; only reading is timed. One thread, so this is
 *              what reading costs.
 *   sustained  another thread, on another processor, keeps filling while this one waits and reads, as in real use. The
 *              slower of both sides decides, which is the sender: it says that none is lost, not who reads faster.
 *
 * Sequence numbers must come without a gap: no event is lost.
 */
#ifndef BENCH_RING_COUNT_H
#define BENCH_RING_COUNT_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct ring_event {
	uint64_t time, seq, took;
	uint32_t pid, kind;
	char comm[16], file[32];
};

struct ring_reader {
	void *ctx;
	int (*consume)(void *ctx); /* what is there; returns how many, or a negative errno */
	int (*poll)(void *ctx);	   /* wait up to 100 ms, then the same */
};

struct ring_count {
	uint64_t next; /* sequence number */
	uint64_t gaps;
};

enum { RING_BURST = 1024, RING_FILL = 64, RING_ROUNDS = 200 };

/* For each event. */
static inline void ring_count(struct ring_count *c, const void *data)
{
	const struct ring_event *e = data;

	c->gaps += e->seq != c->next;
	c->next = e->seq + 1;
}

static inline double ring_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void ring_fill(void)
{
	syscall(SYS_getpgid, -RING_BURST);
}

/* Two threads that wander between processors measure the scheduler. With one processor only, this changes nothing. */
static inline void ring_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *ring_keep_filling(void *ctx)
{
	atomic_bool *stop = ctx;

	ring_pin(1);
	while (!atomic_load_explicit(stop, memory_order_relaxed))
		ring_fill();
	return NULL;
}

/* Measure and print. Returns an exit status. */
static int ring_measure(const struct ring_reader *r, const struct ring_count *c, double seconds)
{
	double spent = 0, start, end;
	uint64_t events = 0, before;
	atomic_bool stop = false;
	pthread_t filler;
	int n = 0;

	ring_pin(0);
	for (int i = 0; i < RING_ROUNDS; i++) {
		for (int j = 0; j < RING_FILL; j++)
			ring_fill();
		start = ring_now();
		n = r->consume(r->ctx);
		spent += ring_now() - start;
		if (n <= 0)
			return 1;
		events += (uint64_t)n;
	}
	printf("drain %.0f\n", (double)events / spent);

	if (pthread_create(&filler, NULL, ring_keep_filling, &stop))
		return 1;
	before = c->next;
	start = ring_now();
	do {
		n = r->poll(r->ctx);
		end = ring_now();
	} while (n >= 0 && end - start < seconds);
	printf("sustained %.0f\n", (double)(c->next - before) / (end - start));
	atomic_store(&stop, true);
	pthread_join(filler, NULL);
	printf("gaps %llu\n", (unsigned long long)c->gaps);
	return n < 0;
}

#endif
