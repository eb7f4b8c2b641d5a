// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * guest.c - see guest.h: what the host knows of a guest, from qemu's start to its end.
 *
 *	BOOTS --hello--> IDLE --begin--> JOB --end--> IDLE ... --bye--> LEAVES --> over
 *
 * Every phase has a deadline. In each but the first, the agent says each second that it lives; a guest from which nothing comes
 * for SILENCE_NS hangs, and one that speaks is only slow. Each phase may also end with qemu: by a panic (the kernel is told to
 * reboot then, and qemu not to), by a reboot that somebody asked for, by qemu's own failure.
 *
 * Where the host's KVM makes a virtual machine that then does not boot (as in some nested ones), the guest is started a second
 * time without it. If that boots, a file in the cache keeps later guests from trying, until the host is booted again.
 */
#include "lab/guest.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "lab/initramfs.h"
#include "lab/pvh.h"
#include "lab/qemu.h"
#include "lab/wire.h"

#define SECOND 1000000000ULL

enum {
	CPUS = 2,
	CONSOLE_LINES = 80,
	CONSOLE_LINE = 512,
	ERRORS_MAX = 2048,
	CHUNK = 65536,
	/* Bytes of a stream that are taken beyond its limit: kernel messages have one of their own, lines are not cut. More is not
	 * the agent's, but of a program that writes to its port; the host's memory is not for it. */
	STREAM_SLACK = 256 << 10,
};

static const uint64_t MEMORY = 1ULL << 30;
static const uint64_t BOOT_NS = 60 * SECOND, BOOT_KVM_NS = 10 * SECOND;
static const uint64_t SILENCE_NS = 20 * SECOND; /* of an emulated guest on a busy host */
static const uint64_t GRACE_NS = 30 * SECOND;	/* for the agent to end a job whose time is over, and to clean up */
static const uint64_t JOB_NS = 60 * SECOND;	/* where a job says nothing, as agent_job.c */
static const uint64_t LEAVE_NS = 10 * SECOND;	/* from the last word, or from a panic's first line, to qemu's end */
static const uint64_t IDLE_NS = 30 * SECOND;	/* between two jobs: it has nothing to do then */

enum phase { BOOTS, IDLE, JOB, LEAVES, OVER };

/* The last lines of what is no frame. */
struct console {
	char line[CONSOLE_LINES][CONSOLE_LINE];
	unsigned int n; /* that came, ever */
};

struct cb_lab_guest {
	const struct cb_lab_kernel *kernel;
	const struct cb_lab_guest_opts *opts;
	const struct cb_lab_arch *arch;
	struct cb_qemu qemu;
	bool kvm, kvm_failed; /* it is used; it was tried and did not boot */
	int unpacked, initramfs, epoll;
	uint64_t memory;
	struct cb_wire console_wire, port_wire;
	struct console console;
	char panic[CONSOLE_LINE]; /* the line that says it, or "" */
	bool halted;		  /* by a program in it: qemu goes on, and nothing more comes */
	char errors[ERRORS_MAX];  /* qemu's */
	size_t errors_len;

	enum phase phase;
	enum cb_lab_guest_state state;
	uint64_t started, deadline, heard, begun, boot_ns;
	size_t next; /* the job in hand, or that comes next */
	struct cb_lab_outcome outcome;
	struct cb_buf stream[5]; /* of the job in hand, in the order of streams[] */
	struct cb_buf why;
};

static const char *const streams[] = {"out", "err", "work_out", "work_err", "kmsg"};

enum { STREAMS = sizeof(streams) / sizeof(*streams) };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void cb_lab_outcome_free(struct cb_lab_outcome *o)
{
	struct cb_lab_text *texts[STREAMS] = {&o->out, &o->err, &o->work_out, &o->work_err, &o->kmsg};

	for (int i = 0; i < STREAMS; i++)
		free(texts[i]->s);
	free(o->message);
	free(o->console);
	*o = (struct cb_lab_outcome){0};
}

/* ---- KVM that does not work ------------------------------------------------------------------------------------------ */

static void kvm_mark(char *path, size_t size, char boot_id[64])
{
	char dir[PATH_MAX - 64], *text;
	size_t len;

	cb_cache_dir(dir, sizeof(dir));
	snprintf(path, size, "%s/lab/kvm-fails", dir);
	*boot_id = '\0';
	if (!cb_file_read("/proc/sys/kernel/random/boot_id", 4096, &text, &len, NULL)) {
		snprintf(boot_id, 64, "%.60s", text);
		free(text);
	}
}

static bool kvm_is_known_to_fail(void)
{
	char path[PATH_MAX], boot_id[64], *text;
	bool same = false;
	size_t len;

	kvm_mark(path, sizeof(path), boot_id);
	if (!cb_file_read(path, 4096, &text, &len, NULL)) {
		same = *boot_id && !strcmp(text, boot_id);
		free(text);
	}
	return same;
}

/* That it cannot be written costs time only. */
static void kvm_failed(void)
{
	char path[PATH_MAX], boot_id[64];

	kvm_mark(path, sizeof(path), boot_id);
	cb_file_write(path, boot_id, strlen(boot_id), 0644, NULL);
}

/* ---- The console ----------------------------------------------------------------------------------------------------- */

static void console_add(struct console *c, const char *text, size_t len)
{
	char *line = c->line[c->n % CONSOLE_LINES];
	size_t n = 0;

	for (size_t i = 0; i < len && n < CONSOLE_LINE - 1; i++) {
		unsigned char ch = (unsigned char)text[i];

		if (ch == '\t' || ch >= ' ')
			line[n++] = (char)ch;
	}
	line[n] = '\0';
	c->n += n > 0;
}

static void console_text(const struct console *c, struct cb_buf *out)
{
	unsigned int first = c->n > CONSOLE_LINES ? c->n - CONSOLE_LINES : 0;

	for (unsigned int i = first; i < c->n; i++)
		cb_buf_printf(out, "%s\n", c->line[i % CONSOLE_LINES]);
}

/* malloc'd, or NULL when nothing was said */
static char *console_copy(const struct console *c)
{
	struct cb_buf text = {0};

	console_text(c, &text);
	if (text.len)
		cb_buf_cstr(&text);
	return text.data;
}

static void on_text(void *ctx, const char *line, size_t len)
{
	struct cb_lab_guest *g = ctx;
	const char *panic = memmem(line, len, "Kernel panic - ", 15);

	console_add(&g->console, line, len);
	/* both stand still for ever then */
	if (memmem(line, len, "reboot: System halted", 21) || memmem(line, len, "reboot: Power down", 18))
		g->halted = true;
	if (panic && !*g->panic) {
		snprintf(g->panic, sizeof(g->panic), "%.*s", (int)(len - (size_t)(panic - line)), panic);
		/* it reboots at once; one that cannot even do that is not waited for */
		if (g->phase != OVER && g->deadline > now_ns() + LEAVE_NS)
			g->deadline = now_ns() + LEAVE_NS;
	}
}

/* ---- Outcomes -------------------------------------------------------------------------------------------------------- */

static struct cb_lab_text take_text(struct cb_buf *b, uint64_t cut)
{
	struct cb_lab_text t = {.cut = cut, .len = b->len};

	cb_buf_cstr(b);
	t.s = b->failed ? NULL : b->data;
	if (b->failed) {
		t.len = 0;
		free(b->data);
	}
	*b = (struct cb_buf){0};
	return t;
}

/* Hand over the outcome of the job in hand, and go on to the next. */
static void job_over(struct cb_lab_guest *g)
{
	struct cb_lab_outcome o = g->outcome;
	struct cb_lab_text *texts[STREAMS] = {&o.out, &o.err, &o.work_out, &o.work_err, &o.kmsg};

	for (int i = 0; i < STREAMS; i++)
		*texts[i] = take_text(&g->stream[i], texts[i]->cut);
	g->outcome = (struct cb_lab_outcome){0};
	g->next++;
	g->opts->ended(g->opts->ctx, g->next - 1, &o);
}

/* The job in hand does not come to its end. */
static void job_lost(struct cb_lab_guest *g, enum cb_lab_end end, const char *message)
{
	g->outcome.end = end;
	free(g->outcome.message);
	g->outcome.message = strdup(message);
	g->outcome.console = console_copy(&g->console);
	g->outcome.total_ns = now_ns() - g->begun; /* by the host's clock: the guest's is gone */
	g->outcome.work_status = -1;
	job_over(g);
}

static void rest_not_run(struct cb_lab_guest *g, const char *why)
{
	while (g->next < g->opts->n_jobs) {
		g->outcome = (struct cb_lab_outcome){.end = CB_LAB_NOT_RUN, .work_status = -1, .message = strdup(why)};
		job_over(g);
	}
}

/* ---- What the agent says --------------------------------------------------------------------------------------------- */

static uint64_t number(const json_t *m, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(m, key));

	return n < 0 ? 0 : (uint64_t)n;
}

static const char *string(const json_t *m, const char *key)
{
	const char *s = json_string_value(json_object_get(m, key));

	return s ? s : "";
}

static void be_idle(struct cb_lab_guest *g)
{
	g->phase = IDLE;
	g->deadline = now_ns() + IDLE_NS;
}

static void on_hello(struct cb_lab_guest *g, const json_t *m)
{
	if (g->phase != BOOTS)
		return;
	g->boot_ns = now_ns() - g->started;
	if (g->kvm_failed)
		kvm_failed();
	be_idle(g);
}

/* Frames of the jobs before this one did not come, or not as they were sent: a program in the guest has written to the agent's
 * port. */
static void jobs_before_lost(struct cb_lab_guest *g, size_t job)
{
	while (g->next < job && g->next < g->opts->n_jobs)
		job_lost(g, CB_LAB_SETUP, "what the guest reported of it was damaged on its way over the serial port");
}

static void on_begin(struct cb_lab_guest *g, const json_t *m)
{
	uint64_t job = number(m, "job"), timeout;

	on_hello(g, m);
	if (g->phase > JOB || job >= g->opts->n_jobs || job < g->next || (g->phase == JOB && job == g->next))
		return;
	jobs_before_lost(g, job);
	g->phase = JOB;
	timeout = g->opts->jobs[g->next].timeout;
	g->begun = now_ns();
	g->deadline = g->begun + (timeout ? timeout : JOB_NS) + GRACE_NS;
	g->outcome = (struct cb_lab_outcome){.work_status = -1};
	if (g->opts->begun)
		g->opts->begun(g->opts->ctx, g->next);
}

static int stream_of(const json_t *m)
{
	const char *name = string(m, "s");

	for (int i = 0; i < STREAMS; i++)
		if (!strcmp(name, streams[i]))
			return i;
	return -1;
}

static void on_data(struct cb_lab_guest *g, const json_t *m)
{
	const char *text = string(m, "d");
	int i = stream_of(m);

	if (g->phase == JOB && i >= 0 && g->stream[i].len < g->opts->jobs[g->next].output + STREAM_SLACK)
		cb_unbase64(&g->stream[i], text, strlen(text));
}

static void on_cut(struct cb_lab_guest *g, const json_t *m)
{
	struct cb_lab_outcome *o = &g->outcome;
	struct cb_lab_text *texts[STREAMS] = {&o->out, &o->err, &o->work_out, &o->work_err, &o->kmsg};
	int i = stream_of(m);

	if (g->phase == JOB && i >= 0)
		texts[i]->cut = number(m, "n");
}

static void on_end(struct cb_lab_guest *g, const json_t *m)
{
	struct cb_lab_outcome *o = &g->outcome;
	const char *end = string(m, "end"), *message = string(m, "message");

	if (g->phase != JOB || number(m, "job") != g->next)
		return;
	o->end = !strcmp(end, "ended") ? CB_LAB_ENDED : !strcmp(end, "timeout") ? CB_LAB_TIMEOUT : CB_LAB_SETUP;
	o->status = (int)json_integer_value(json_object_get(m, "status"));
	o->work_status = (int)json_integer_value(json_object_get(m, "work"));
	o->left = (unsigned int)number(m, "left");
	o->warned = json_is_true(json_object_get(m, "warned"));
	o->message = *message ? strdup(message) : NULL;
	o->ready_ns = number(m, "ready");
	o->total_ns = number(m, "total");
	be_idle(g);
	job_over(g);
}

static void on_bye(struct cb_lab_guest *g, const json_t *m)
{
	if (g->phase > JOB)
		return;
	/* all have been run, or a new boot is wanted behind the job in hand */
	jobs_before_lost(g, *string(m, "why") ? g->next + (g->phase == JOB) : g->opts->n_jobs);
	cb_buf_str(&g->why, string(m, "why"));
	cb_buf_cstr(&g->why);
	g->phase = LEAVES;
	g->deadline = now_ns() + LEAVE_NS;
}

static void on_frame(void *ctx, json_t *m)
{
	static const struct {
		const char *kind;
		void (*on)(struct cb_lab_guest *g, const json_t *m);
	} kinds[] = {{"hello", on_hello}, {"begin", on_begin}, {"data", on_data},
		     {"cut", on_cut},	  {"end", on_end},     {"bye", on_bye}};
	struct cb_lab_guest *g = ctx;

	g->heard = now_ns();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(string(m, "t"), kinds[i].kind))
			kinds[i].on(g, m);
}

/* ---- Beginning ------------------------------------------------------------------------------------------------------- */

static int watch(struct cb_lab_guest *g, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &ev);
}

static int boot(struct cb_lab_guest *g, struct cb_err *e)
{
	const struct cb_lab_guest_opts *o = g->opts;
	struct cb_qemu_opts q = {.arch = g->arch,
				 .image = g->kernel->image,
				 .unpacked = g->unpacked,
				 .append = o->append,
				 .initramfs = g->initramfs,
				 .cpus = o->cpus ? o->cpus : CPUS,
				 .memory = g->memory,
				 .kvm = g->kvm};
	int err;

	g->started = now_ns();
	g->heard = g->started;
	g->deadline = g->started + (o->boot_timeout ? o->boot_timeout : g->kvm ? BOOT_KVM_NS : BOOT_NS);
	err = cb_qemu_start(&g->qemu, &q, e);
	if (!err && (watch(g, g->qemu.console) || watch(g, g->qemu.port) || watch(g, g->qemu.errors)))
		err = cb_fail(e, errno, "cannot watch a guest: %s", strerror(errno));
	return err;
}

/* Does the file begin as a kernel of this architecture does? qemu itself does not say much of one that does not. */
static int check_image(const struct cb_lab_kernel *k, struct cb_err *e)
{
	unsigned char head[0x206] = {0};
	FILE *f = fopen(k->image, "re");
	size_t n = f ? fread(head, 1, sizeof(head), f) : 0;
	bool arm = !strcmp(k->arch, "arm64"), good;

	if (!f)
		return cb_fail(e, errno, "%s: %s", k->image, strerror(errno));
	fclose(f);
	if (arm)
		good = !memcmp(head + 0x38, "ARM\x64", 4) || (head[0] == 0x1f && head[1] == 0x8b);
	else
		good = n == sizeof(head) && !memcmp(head + 0x202, "HdrS", 4);
	if (good)
		return 0;
	return cb_fail(e, ENOEXEC, "%s is no kernel image for %s (a%s is wanted)", k->image, k->arch,
		       arm ? "n Image, perhaps compressed by gzip," : " bzImage, as /boot/vmlinuz is,");
}

struct cb_lab_guest *cb_lab_guest_start(const struct cb_lab_kernel *k, const struct cb_lab_guest_opts *opts,
					struct cb_err *e)
{
	struct cb_lab_guest *g = calloc(1, sizeof(*g));
	int err = 0;

	if (!g) {
		cb_fail(e, ENOMEM, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	g->kernel = k;
	g->opts = opts;
	g->qemu = (struct cb_qemu){.pid = -1, .console = -1, .port = -1, .errors = -1};
	g->memory = opts->memory ? opts->memory : MEMORY;
	g->port_wire = (struct cb_wire){.frame = on_frame, .text = on_text, .ctx = g};
	g->console_wire = g->port_wire;
	g->initramfs = g->unpacked = -1;
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->arch = cb_lab_arch(k->arch);
	if (!g->arch)
		err = cb_fail(e, ENOSYS, "%s: the lab cannot boot kernels for %s", k->name, k->arch);
	if (!err)
		err = check_image(k, e);
	if (!err) {
		g->initramfs = cb_lab_initramfs(g->arch, opts, g->memory, e);
		err = g->initramfs < 0 ? g->initramfs : 0;
	}
	if (!err && !strcmp(k->arch, "x86_64"))
		g->unpacked = cb_lab_pvh(k->image);
	if (!err) {
		g->kvm = !opts->no_kvm && cb_qemu_has_kvm(g->arch) && !kvm_is_known_to_fail();
		err = boot(g, e);
	}
	if (!err)
		return g;
	cb_lab_guest_free(g);
	errno = -err;
	return NULL;
}

/* ---- The end --------------------------------------------------------------------------------------------------------- */

static void set_why(struct cb_lab_guest *g, const char *sentence)
{
	g->why.len = 0;
	cb_buf_str(&g->why, sentence);
	if (g->errors_len)
		cb_buf_printf(&g->why, "\nqemu said:\n%s", g->errors);
	if (g->console.n) {
		cb_buf_str(&g->why, "\nthe console's last lines:\n");
		console_text(&g->console, &g->why);
	}
	cb_buf_cstr(&g->why); /* for cb_lab_guest_why() */
}

static enum cb_lab_guest_state over(struct cb_lab_guest *g, enum cb_lab_guest_state state)
{
	cb_qemu_stop(&g->qemu);
	g->phase = OVER;
	g->state = state;
	return state;
}

static enum cb_lab_guest_state no_boot(struct cb_lab_guest *g, bool timeout)
{
	struct cb_err e = {0};
	char text[1024];

	if (g->kvm) {
		cb_qemu_stop(&g->qemu);
		g->kvm = false;
		g->kvm_failed = true;
		g->console.n = 0;
		g->errors_len = 0;
		g->halted = false;
		*g->panic = '\0';
		cb_wire_free(&g->console_wire);
		cb_wire_free(&g->port_wire);
		if (!boot(g, &e))
			return g->state;
	}
	if (*e.text)
		snprintf(text, sizeof(text), "%.1000s", e.text);
	else if (*g->panic)
		snprintf(text, sizeof(text), "%s panicked while it booted: %s", g->kernel->name, g->panic);
	else if (timeout)
		snprintf(text, sizeof(text), "%s did not boot in %.0f seconds%s", g->kernel->name,
			 (double)(g->deadline - g->started) / 1e9,
			 g->console.n
				 ? ""
				 : "; nothing came over its serial console (has it a driver for one? \"loglevel=7\" "
				   "on its command line makes it say more)");
	else if (g->errors_len)
		snprintf(text, sizeof(text), "%s could not start %s", g->arch->program, g->kernel->name);
	else
		snprintf(text, sizeof(text), "%s ended before its agent spoke%s", g->kernel->name,
			 g->console.n ? ""
				      : ", without a word (has this kernel a driver for a serial port, and for an "
					"initramfs?)");
	set_why(g, text);
	over(g, CB_LAB_GUEST_NO_BOOT);
	rest_not_run(g, text);
	return g->state;
}

static enum cb_lab_guest_state lost(struct cb_lab_guest *g, enum cb_lab_end end, const char *what)
{
	bool in_job = g->phase == JOB;
	char rest[1100];

	set_why(g, what);
	over(g, CB_LAB_GUEST_LOST);
	snprintf(rest, sizeof(rest), "the guest was lost before its turn: %.1000s", what);
	if (in_job)
		job_lost(g, end, what);
	rest_not_run(g, rest);
	return g->state;
}

static enum cb_lab_guest_state done(struct cb_lab_guest *g)
{
	char rest[1100];

	snprintf(rest, sizeof(rest), "a new boot is wanted: %.1000s", cb_buf_cstr(&g->why));
	over(g, CB_LAB_GUEST_DONE);
	rest_not_run(g, rest);
	return g->state;
}

/* qemu has ended. */
static enum cb_lab_guest_state ended(struct cb_lab_guest *g)
{
	char what[CONSOLE_LINE + 64];

	cb_wire_end(&g->port_wire);
	cb_wire_end(&g->console_wire);
	if (g->phase == LEAVES)
		return done(g);
	if (g->phase == BOOTS)
		return no_boot(g, false);
	if (*g->panic)
		snprintf(what, sizeof(what), "the kernel panicked: %s", g->panic);
	else if (g->errors_len)
		snprintf(what, sizeof(what), "%s ended: %.400s", g->arch->program, g->errors);
	else
		snprintf(what, sizeof(what), "the guest %s by itself", g->halted ? "halted" : "rebooted");
	return lost(g, CB_LAB_PANIC, what);
}

static enum cb_lab_guest_state late(struct cb_lab_guest *g)
{
	char what[CONSOLE_LINE + 64];

	if (g->phase == LEAVES)
		return done(g);
	if (g->phase == BOOTS)
		return no_boot(g, true);
	if (*g->panic) {
		snprintf(what, sizeof(what), "the kernel panicked: %s", g->panic);
		return lost(g, CB_LAB_PANIC, what);
	}
	snprintf(what, sizeof(what), "the guest did not answer any more: %s for %.0f seconds",
		 now_ns() >= g->heard + SILENCE_NS ? "nothing was heard of it"
		 : g->phase == JOB		   ? "the job did not come to an end"
						   : "no job was begun",
		 now_ns() >= g->heard + SILENCE_NS
			 ? (double)(now_ns() - g->heard) / 1e9
			 : (double)(now_ns() - (g->phase == JOB ? g->begun : g->deadline - IDLE_NS)) / 1e9);
	return lost(g, CB_LAB_HANG, what);
}

/* ---- Driving --------------------------------------------------------------------------------------------------------- */

static void on_errors(struct cb_lab_guest *g, const char *data, size_t len)
{
	size_t room = sizeof(g->errors) - 1 - g->errors_len, n = len < room ? len : room;

	memcpy(g->errors + g->errors_len, data, n);
	g->errors_len += n;
	g->errors[g->errors_len] = '\0';
}

/* Everything that is there; false: the other end is closed. */
static bool drain(struct cb_lab_guest *g, int fd)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (fd == g->qemu.errors)
			on_errors(g, chunk, (size_t)n);
		else
			cb_wire_feed(fd == g->qemu.port ? &g->port_wire : &g->console_wire, chunk, (size_t)n);
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

uint64_t cb_lab_guest_deadline(const struct cb_lab_guest *g)
{
	uint64_t silence = g->heard + SILENCE_NS;

	if (g->phase == OVER)
		return 0;
	return (g->phase == IDLE || g->phase == JOB) && silence < g->deadline ? silence : g->deadline;
}

enum cb_lab_guest_state cb_lab_guest_step(struct cb_lab_guest *g)
{
	bool alive;

	if (g->phase == OVER)
		return g->state;
	alive = drain(g, g->qemu.port);
	alive |= drain(g, g->qemu.console);
	alive |= drain(g, g->qemu.errors);
	if (!alive || (g->halted && g->phase != LEAVES))
		return ended(g);
	return now_ns() >= cb_lab_guest_deadline(g) ? late(g) : g->state;
}

int cb_lab_guest_fd(const struct cb_lab_guest *g)
{
	return g->epoll;
}

const char *cb_lab_guest_why(const struct cb_lab_guest *g)
{
	return g->why.data ? g->why.data : "";
}

uint64_t cb_lab_guest_boot_ns(const struct cb_lab_guest *g)
{
	return g->boot_ns;
}

bool cb_lab_guest_kvm(const struct cb_lab_guest *g)
{
	return g->kvm;
}

void cb_lab_guest_free(struct cb_lab_guest *g)
{
	if (!g)
		return;
	cb_qemu_stop(&g->qemu);
	if (g->initramfs >= 0)
		close(g->initramfs);
	if (g->unpacked >= 0)
		close(g->unpacked);
	if (g->epoll >= 0)
		close(g->epoll);
	cb_wire_free(&g->console_wire);
	cb_wire_free(&g->port_wire);
	for (int i = 0; i < STREAMS; i++)
		cb_buf_free(&g->stream[i]);
	cb_lab_outcome_free(&g->outcome);
	cb_buf_free(&g->why);
	free(g);
}
