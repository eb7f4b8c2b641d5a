/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* guests.h - boot a kernel of the lab's cache, run jobs in it, hold what became of them. */
#ifndef CB_TESTS_LAB_GUESTS_H
#define CB_TESTS_LAB_GUESTS_H

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "lab/guest.h"
#include "lab/kernel.h"
#include "lab/prog.h"
#include "lab/qemu.h"

enum { JOBS_MAX = 32 };

static const uint64_t SEC = 1000000000ULL;

struct guest_run {
	struct cb_lab_guest *g;
	struct cb_lab_guest_opts opts;
	struct cb_lab_outcome outcome[JOBS_MAX];
	unsigned int begun[JOBS_MAX], ended[JOBS_MAX]; /* how often it was told */
	enum cb_lab_guest_state state;
	struct cb_err err;
};

static void note_begun(void *ctx, size_t job)
{
	struct guest_run *r = ctx;

	r->begun[job]++;
}

static void note_ended(void *ctx, size_t job, struct cb_lab_outcome *o)
{
	struct guest_run *r = ctx;

	r->ended[job]++;
	r->outcome[job] = *o;
}

static const char *this_arch(void)
{
#ifdef __aarch64__
	return "arm64";
#else
	return "x86_64";
#endif
}

/* A kernel of the cache for this architecture: that which $COOLBPF_TEST_KERNEL names, else "debian:6.1" or any other; or the test is
 * skipped. all is the caller's to free. */
static inline struct cb_lab_kernel pick_kernel_for(const char *arch, struct cb_lab_kernels *all)
{
	const char *slash = strcmp(arch, this_arch()) ? "/" : "", *wanted = getenv("COOLBPF_TEST_KERNEL");
	const struct cb_lab_kernel *found = NULL;
	struct cb_err e = {0};

	if (cb_lab_kernels(all, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < all->n; i++) {
		const struct cb_lab_kernel *k = &all->k[i];

		if (strcmp(k->arch, arch) || (wanted && strcmp(k->name, wanted)))
			continue;
		if (!found || !strncmp(k->name, "debian:6.1", strcspn(k->name, "/")))
			found = k;
	}
	if (!found)
		skip_because("no kernel to boot is in the cache; run: coolbpf lab fetch debian:6.1%s%s", slash,
			     *slash ? arch : "");
	if (!cb_lab_prog_there(cb_lab_arch(arch)->program))
		skip_because("there is no %s here", cb_lab_arch(arch)->program);
	return *found;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

/* The static coolbpf that "make check" builds first; without it, the one under test with its libraries. */
static const char *guest_coolbpf(void)
{
	static char path[4096];
	const char *src = getenv("SRC");

	snprintf(path, sizeof(path), "%s/build-static/coolbpf", src ? src : ".");
	return access(path, X_OK) ? getenv("COOLBPF") : path;
}

/* opts.jobs and so on are set; NULL in r->g: r->err says why. */
static void start_guest(struct guest_run *r, const struct cb_lab_kernel *k)
{
	if (!r->opts.coolbpf && !strcmp(k->arch, this_arch()))
		r->opts.coolbpf = guest_coolbpf();
	r->opts.begun = note_begun;
	r->opts.ended = note_ended;
	r->opts.ctx = r;
	r->g = cb_lab_guest_start(k, &r->opts, &r->err);
}

/* One wait and one step. */
static inline void drive_once(struct guest_run *r)
{
	uint64_t until = cb_lab_guest_deadline(r->g), now = now_ns();
	struct pollfd p = {.fd = cb_lab_guest_fd(r->g), .events = POLLIN};

	poll(&p, 1, until > now ? (int)((until - now) / 1000000 + 1) : 0);
	r->state = cb_lab_guest_step(r->g);
}

static void drive(struct guest_run *r)
{
	assert_string_equal(r->err.text, "");
	assert_non_null(r->g);
	do
		drive_once(r);
	while (r->state == CB_LAB_GUEST_RUNS);
}

static void end_guest(struct guest_run *r)
{
	cb_lab_guest_free(r->g);
	for (int i = 0; i < JOBS_MAX; i++)
		cb_lab_outcome_free(&r->outcome[i]);
}

#endif
