// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * run.c - the lab at work: see lab.h.
 *
 * A column is a kernel with the tests that are still to be run on it. It has a guest at most; when the guest is over, the tests
 * that have no verdict yet get the next one. A boot that fails is tried once more, as an emulator fails now and then; a boot in
 * which no test came to an end counts as one that failed, so that the number of boots has a bound.
 */
#include "lab/lab.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lab/judge.h"
#include "lab/kit.h"
#include "lab/load.h"

enum { TICK_MS = 250 };

struct column {
	struct lab *lab;
	size_t index;
	const struct cb_lab_kernel *kernel;
	const char *coolbpf; /* given for its architecture, or NULL: found by the guest */
	struct cb_lab_member *members;
	bool *on; /* members' expectations that are demanded here; n_on for each member */
	size_t n_members;

	struct cb_lab_guest *guest;
	struct cb_lab_guest_opts opts;
	struct cb_lab_load load;
	struct cb_lab_member **pending; /* in this boot: job i is pending[i] */
	size_t n_pending;
	bool up;	    /* this boot's guest has spoken */
	size_t ended;	    /* tests that this boot has brought to an end */
	unsigned int fails; /* boots in a row that failed */
	bool over;
};

struct lab {
	const struct cb_lab_options *o;
	struct cb_lab_result *r;
	struct cb_lab_kit kit;
	struct column *columns;
	size_t n_columns;
	size_t running;
	size_t widest; /* the most expectations that a test has */
	int err;       /* -ENOMEM in a callback */
	struct cb_err *e;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int no_memory(struct lab *lab)
{
	return cb_fail(lab->e, ENOMEM, "out of memory");
}

static struct cb_lab_cell *cell_of(const struct column *c, size_t row)
{
	return cb_lab_cell_at(c->lab->r, row, c->index);
}

static void tell_ended(const struct column *c, size_t row)
{
	const struct cb_lab_watch *w = &c->lab->o->watch;

	if (w->ended)
		w->ended(w->ctx, c->index, row);
}

static void note(const struct lab *lab, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(const struct lab *lab, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!lab->o->watch.note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lab->o->watch.note(lab->o->watch.ctx, text);
}

/* ---- What is run where ----------------------------------------------------------------------------------------------- */

static int matches(struct lab *lab, const struct column *c, const struct cb_lab_test *t, unsigned int line,
		   const char *kernels)
{
	int yes = cb_lab_kernel_matches(c->kernel, kernels, lab->e);

	return yes < 0 ? cb_fail_in(lab->e, yes, "%s:%u", t->path, line) : yes;
}

/* A kernel that was built without eBPF says so by its name (cb_lab_fetch()). */
static bool has_no_ebpf(const struct cb_lab_kernel *k)
{
	return strstr(k->name, "-nobpf") != NULL;
}

/* 1: it is excluded, the cell says why. */
static int excluded(struct lab *lab, struct column *c, const struct cb_lab_test *t, struct cb_lab_cell *cell)
{
	for (size_t i = 0; i < t->n_excludes; i++) {
		const struct cb_lab_exclude *x = &t->excludes[i];
		int yes = matches(lab, c, t, x->line, x->kernels);

		if (yes < 0)
			return yes;
		if (yes && cell->verdict == CB_LAB_OPEN)
			cb_lab_cell_skip(cell, x->reason);
	}
	if (cell->verdict == CB_LAB_OPEN && has_no_ebpf(c->kernel) && t->kind == CB_LAB_RUN && !t->no_ebpf)
		cb_lab_cell_skip(cell, "this kernel has no eBPF, and the test does not say no-ebpf");
	return cell->verdict == CB_LAB_SKIP;
}

static int choose_expectations(struct lab *lab, struct column *c, const struct cb_lab_test *t, bool *on)
{
	for (size_t i = 0; i < t->n_expects; i++) {
		const struct cb_lab_expect *x = &t->expects[i];
		int yes = x->on ? matches(lab, c, t, x->line, x->on) : 1;

		if (yes < 0)
			return yes;
		on[i] = yes;
	}
	return 0;
}

/* What the test asks for in the kernel. Failures become the cell's. */
static int get_modules(struct lab *lab, struct column *c, struct cb_lab_member *m, struct cb_lab_cell *cell)
{
	const struct cb_lab_test *t = m->test;
	const struct cb_lab_fetch fetch = {.log = lab->o->log};
	struct cb_err why = {0};
	int err = 0;

	if (t->veth)
		err = cb_lab_modules(c->kernel, "veth", &m->kos, &why);
	for (size_t i = 0; !err && i < t->load.n; i++)
		err = cb_lab_modules(c->kernel, t->load.w[i], &m->kos, &why);
	for (size_t i = 0; !err && i < t->modules.n; i++)
		err = cb_lab_module_build(c->kernel, t->modules.w[i], &fetch, &m->kos, &why);
	if (err == -EINTR || err == -ENOMEM) {
		if (lab->e)
			*lab->e = why;
		return err;
	}
	if (err)
		cb_lab_cell_fail_said(cell, CB_LAB_WHY_MODULE, "what was said", why.text);
	return 0;
}

static void fail_build(struct cb_lab_cell *cell, const char *text)
{
	static const char prefix[] = "coolbpf: ";
	size_t skip = strncmp(text, prefix, sizeof(prefix) - 1) ? 0 : sizeof(prefix) - 1;

	cb_lab_cell_fail_said(cell, CB_LAB_WHY_BUILD, "what was said", text + skip);
}

/* Which expectations hold here, and what is to be built. The cell says when it is not run at all. */
static int prepare_test(struct lab *lab, struct column *c, size_t row)
{
	const struct cb_lab_test *t = &lab->o->tests[row];
	struct cb_lab_member *m = &c->members[c->n_members];
	int err = choose_expectations(lab, c, t, c->on + row * lab->widest);

	if (!err)
		err = excluded(lab, c, t, cell_of(c, row));
	if (err)
		return err < 0 ? err : 0;
	*m = (struct cb_lab_member){.test = t, .row = row};
	c->n_members++;
	return cb_lab_kit_make(&lab->kit, t, c->kernel, &m->made, lab->e);
}

/* All is built: what failed, and what is needed for this kernel alone. */
static int complete_test(struct lab *lab, struct column *c, struct cb_lab_member *m)
{
	struct cb_lab_cell *cell = cell_of(c, m->row);
	int err = 0;

	if (m->made->not_here)
		cb_lab_cell_skip(cell, m->made->not_here);
	else if (m->made->wrong)
		fail_build(cell, m->made->wrong);
	else
		err = get_modules(lab, c, m, cell);
	if (cell->verdict == CB_LAB_FAIL)
		tell_ended(c, m->row);
	return err;
}

static const char *given_coolbpf(const struct cb_lab_options *o, const char *arch)
{
	for (size_t i = 0; i < o->n_coolbpf; i++)
		if (!strcmp(o->coolbpf[i].arch, arch))
			return o->coolbpf[i].path;
	return NULL;
}

static int prepare_column(struct lab *lab, struct column *c)
{
	int err = 0;

	c->members = calloc(lab->o->n_tests + 1, sizeof(*c->members));
	c->pending = calloc(lab->o->n_tests + 1, sizeof(struct cb_lab_member *));
	c->on = calloc(lab->o->n_tests * lab->widest + 1, sizeof(*c->on));
	if (!c->members || !c->pending || !c->on)
		return no_memory(lab);
	c->coolbpf = given_coolbpf(lab->o, c->kernel->arch);
	for (size_t i = 0; !err && i < lab->o->n_tests; i++)
		err = prepare_test(lab, c, i);
	return err;
}

/* ---- A boot ---------------------------------------------------------------------------------------------------------- */

static void on_begun(void *ctx, size_t job)
{
	struct column *c = ctx;
	const struct cb_lab_watch *w = &c->lab->o->watch;

	if (w->begun)
		w->begun(w->ctx, c->index, c->pending[job]->row);
}

static void on_ended(void *ctx, size_t job, struct cb_lab_outcome *outcome)
{
	struct column *c = ctx;
	const struct cb_lab_member *m = c->pending[job];

	if (outcome->end != CB_LAB_NOT_RUN) {
		cb_lab_judge(m->test, c->on + m->row * c->lab->widest, outcome, cell_of(c, m->row));
		c->ended++;
		tell_ended(c, m->row);
	}
	cb_lab_outcome_free(outcome);
}

/* Those without a verdict. */
static void collect_pending(struct column *c)
{
	c->n_pending = 0;
	for (size_t i = 0; i < c->n_members; i++)
		if (cell_of(c, c->members[i].row)->verdict == CB_LAB_OPEN)
			c->pending[c->n_pending++] = &c->members[i];
}

static void fail_pending(struct column *c, enum cb_lab_why why, const char *text)
{
	for (size_t i = 0; i < c->n_pending; i++) {
		cb_lab_cell_fail_said(cell_of(c, c->pending[i]->row), why, "what was said", text);
		tell_ended(c, c->pending[i]->row);
	}
}

/* Start a guest for the first n of the pending tests. */
static int start_guest(struct column *c, size_t n, struct cb_err *why)
{
	const struct cb_lab_options *o = c->lab->o;
	int err = cb_lab_load_make(&c->load, c->pending, n, o);

	if (err)
		return err;
	c->opts = (struct cb_lab_guest_opts){
		.coolbpf = c->coolbpf,
		.append = o->append,
		.files = c->load.files,
		.n_files = c->load.n_files,
		.jobs = c->load.jobs,
		.n_jobs = c->load.n_jobs,
		.no_kvm = o->no_kvm,
		.begun = on_begun,
		.ended = on_ended,
		.ctx = c,
	};
	c->guest = cb_lab_guest_start(c->kernel, &c->opts, why);
	if (c->guest)
		return 0;
	err = -errno;
	cb_lab_load_free(&c->load);
	return err;
}

/* There is no qemu, busybox or coolbpf for a foreign architecture: nothing is wrong with the tests, nor with this machine. */
static void skip_pending(struct column *c, const char *reason)
{
	for (size_t i = 0; i < c->n_pending; i++)
		cb_lab_cell_skip(cell_of(c, c->pending[i]->row), reason);
}

/* What does not fit into one guest (too large, or two files for one path) is spread over several; what does not fit alone fails. */
static int boot(struct column *c)
{
	const struct cb_lab_watch *w = &c->lab->o->watch;
	struct cb_err why = {0};
	size_t n = c->n_pending;
	int err;

	c->up = false;
	c->ended = 0;
	while (((err = start_guest(c, n, &why)) == -EFBIG || err == -EEXIST) && n > 1)
		n /= 2;
	if (err == -ENOMEM)
		return no_memory(c->lab);
	if (err == -EINTR)
		return cb_fail(c->lab->e, EINTR, "interrupted");
	if (err == -ENOENT && !cb_lab_is_native(c->kernel->arch)) {
		skip_pending(c, why.text);
		return 0;
	}
	if (err == -EEXIST && !*why.text)
		cb_fail(&why, EEXIST, "two of the test's files are put to the same path");
	if (err == -EFBIG || err == -EEXIST) {
		c->n_pending = 1;
		fail_pending(c, CB_LAB_WHY_SETUP, why.text);
		return 0;
	}
	if (err) {
		fail_pending(c, CB_LAB_WHY_NO_BOOT, why.text);
		return 0;
	}
	c->lab->running++;
	c->lab->r->columns[c->index].boots++;
	if (w->boots)
		w->boots(w->ctx, c->index, n);
	return 0;
}

static void end_guest(struct column *c)
{
	const struct cb_lab_watch *w = &c->lab->o->watch;

	if (!c->guest)
		return;
	cb_lab_guest_free(c->guest);
	c->guest = NULL;
	cb_lab_load_free(&c->load);
	c->lab->running--;
	if (w->down)
		w->down(w->ctx, c->index);
}

/* The boot has come to nothing: once more, or no more. */
static void boot_failed(struct column *c, const char *why)
{
	struct cb_lab_column *to = &c->lab->r->columns[c->index];

	collect_pending(c);
	if (++c->fails > 1) {
		fail_pending(c, CB_LAB_WHY_NO_BOOT, why);
		return;
	}
	note(c->lab, "%s: a boot is tried again: %.*s", to->name, (int)strcspn(why, "\n"), why);
	to->retried++;
	free(to->why);
	to->why = strdup(why);
}

static void note_up(struct column *c)
{
	struct cb_lab_column *to = &c->lab->r->columns[c->index];
	const struct cb_lab_watch *w = &c->lab->o->watch;

	if (c->up || !cb_lab_guest_boot_ns(c->guest))
		return;
	c->up = true;
	to->boot_ns = cb_lab_guest_boot_ns(c->guest);
	to->kvm = cb_lab_guest_kvm(c->guest);
	if (w->up)
		w->up(w->ctx, c->index, to->boot_ns, to->kvm);
}

static void step(struct column *c)
{
	enum cb_lab_guest_state state = cb_lab_guest_step(c->guest);

	note_up(c);
	if (state == CB_LAB_GUEST_RUNS)
		return;
	if (c->ended)
		c->fails = 0;
	else
		boot_failed(c, *cb_lab_guest_why(c->guest) ? cb_lab_guest_why(c->guest)
							   : "the guest ended before any test");
	end_guest(c);
}

/* ---- The loop -------------------------------------------------------------------------------------------------------- */

/* Start guests while there may be more, and there is something to do for them. */
static int start_guests(struct lab *lab, unsigned int jobs)
{
	for (size_t i = 0; i < lab->n_columns; i++) {
		struct column *c = &lab->columns[i];

		while (!c->over && !c->guest && lab->running < jobs) {
			int err;

			collect_pending(c);
			if (!c->n_pending) {
				c->over = true;
				break;
			}
			err = boot(c);
			if (err)
				return err;
		}
	}
	return 0;
}

static int wait_ms(const struct lab *lab)
{
	uint64_t now = now_ns(), first = UINT64_MAX;

	for (size_t i = 0; i < lab->n_columns; i++)
		if (lab->columns[i].guest && cb_lab_guest_deadline(lab->columns[i].guest) < first)
			first = cb_lab_guest_deadline(lab->columns[i].guest);
	if (first <= now)
		return 0;
	return (first - now) / 1000000 >= TICK_MS ? TICK_MS : (int)((first - now) / 1000000) + 1;
}

/* Until a guest has something to say, or it is time to look. */
static int wait_for_guests(struct lab *lab, struct pollfd *fds)
{
	nfds_t n = 1;

	fds[0] = (struct pollfd){.fd = lab->o->hold->fd, .events = POLLIN};
	for (size_t i = 0; i < lab->n_columns; i++)
		if (lab->columns[i].guest)
			fds[n++] = (struct pollfd){.fd = cb_lab_guest_fd(lab->columns[i].guest), .events = POLLIN};
	if (poll(fds, n, wait_ms(lab)) < 0 && errno != EINTR)
		return cb_fail(lab->e, errno, "cannot wait for the guests: %s", strerror(errno));
	return cb_lab_pause(lab->o->hold, 0, lab->e);
}

static int loop(struct lab *lab, struct pollfd *fds)
{
	const struct cb_lab_watch *w = &lab->o->watch;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int jobs = lab->o->jobs ? lab->o->jobs : cpus > 0 ? (unsigned int)cpus : 1;
	int err;

	while (!(err = start_guests(lab, jobs)) && lab->running) {
		err = wait_for_guests(lab, fds);
		if (err)
			return err;
		for (size_t i = 0; i < lab->n_columns; i++)
			if (lab->columns[i].guest)
				step(&lab->columns[i]);
		if (w->tick)
			w->tick(w->ctx);
	}
	return err;
}

static int run(struct lab *lab)
{
	struct pollfd *fds = calloc(lab->n_columns + 1, sizeof(*fds));
	int err = fds ? loop(lab, fds) : no_memory(lab);

	for (size_t i = 0; i < lab->n_columns; i++)
		end_guest(&lab->columns[i]);
	free(fds);
	return err;
}

/* ---- The whole ------------------------------------------------------------------------------------------------------- */

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int name_all(struct lab *lab)
{
	struct cb_lab_result *r = lab->r;
	int err = 0;

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct cb_lab_test *t = &lab->o->tests[i];

		err |= copy(&r->rows[i].name, t->name) | copy(&r->rows[i].about, t->about) |
		       copy(&r->rows[i].path, t->path);
		if (t->n_expects > lab->widest)
			lab->widest = t->n_expects;
	}
	for (size_t i = 0; i < r->n_columns; i++) {
		const struct cb_lab_kernel *k = &lab->o->kernels[i];
		struct cb_lab_column *c = &r->columns[i];

		err |= copy(&c->name, k->name) | copy(&c->release, k->release) | copy(&c->arch, k->arch) |
		       copy(&c->package, k->package);
		lab->columns[i] = (struct column){.lab = lab, .index = i, .kernel = k};
	}
	return err ? no_memory(lab) : 0;
}

static int prepare(struct lab *lab)
{
	int err = cb_lab_kit_open(&lab->kit, lab->o, lab->e);

	for (size_t i = 0; !err && i < lab->n_columns; i++) {
		note(lab, "making %zu tests ready for %s", lab->o->n_tests, lab->o->kernels[i].name);
		err = prepare_column(lab, &lab->columns[i]);
	}
	if (!err && lab->kit.builds.n)
		note(lab, "building %zu sources", lab->kit.builds.n);
	if (!err)
		err = cb_lab_kit_build(&lab->kit, lab->e);
	for (size_t i = 0; !err && i < lab->n_columns; i++)
		for (size_t k = 0; !err && k < lab->columns[i].n_members; k++)
			err = complete_test(lab, &lab->columns[i], &lab->columns[i].members[k]);
	return err;
}

static void release(struct lab *lab)
{
	for (size_t i = 0; i < lab->n_columns; i++) {
		struct column *c = &lab->columns[i];

		for (size_t k = 0; k < c->n_members; k++)
			cb_lab_kos_free(&c->members[k].kos);
		free(c->members);
		free(c->pending);
		free(c->on);
	}
	free(lab->columns);
	cb_lab_kit_close(&lab->kit);
}

int cb_lab_run(const struct cb_lab_options *o, struct cb_lab_result *result, struct cb_err *e)
{
	struct lab lab = {.o = o, .r = result, .e = e};
	uint64_t start = now_ns();
	int err;

	if (cb_lab_result_init(result, o->n_tests, o->n_kernels))
		return no_memory(&lab);
	result->started = (uint64_t)time(NULL);
	lab.columns = calloc(o->n_kernels + 1, sizeof(*lab.columns));
	lab.n_columns = lab.columns ? o->n_kernels : 0;
	err = lab.columns ? name_all(&lab) : no_memory(&lab);
	if (!err)
		err = prepare(&lab);
	if (!err)
		err = run(&lab);
	release(&lab);
	if (err == -EINTR) /* a part that held signals itself has passed this one on */
		cb_lab_pause(o->hold, 0, NULL);
	result->ns = now_ns() - start;
	result->interrupted = err == -EINTR;
	if (err && err != -EINTR)
		cb_lab_result_free(result);
	return err;
}
