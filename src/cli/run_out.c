// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * run_out.c - events and maps to a descriptor.
 *
 * Each event map gets a plan, a filter and a printer of the output room; libcoolbpf calls on_event() for it. Formats that
 * are only whole at the end (folded stacks, flame graph) are collected and written once, under a temporary name when the
 * output is a file. Lines are never cut: the printers and write_block() write whole ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/file.h"
#include "base/ints.h"
#include "cli/run.h"

struct stream {
	struct run_out *out;
	const char *map;
	struct cb_plan *plan; /* NULL: the object does not say what the events are */
	struct cb_filter *filter;
	bool hidden; /* the filter does not fit these events */
	struct cb_printer *printer;
	uint64_t lost; /* already reported */
};

struct run_out {
	const struct run_args *args;
	struct coolbpf *cb;
	struct run_names *names;
	struct stream *streams;
	size_t nstreams;
	struct cb_printer *first; /* of the streams */
	struct cb_stacks *stacks; /* for folded and svg */
	const char *unit;	  /* of their weights */
	int fd;
	bool file, tty;
	bool created; /* the file was not there, and the tool does not run yet */
	uint64_t printed;
	bool done;
	int error;
	struct cb_err err;
	uint64_t flush_due_ns; /* by when the file must have what was printed; 0: it has */
	bool block_printed;    /* a block of maps is on the terminal already */
	const volatile sig_atomic_t *stopped;
	uint64_t seen;
};

enum {
	FLUSH_NS = 200000000, /* a file need not see each event at once */
	TURN = 1024,	      /* events until the clock and other things are looked at */
};

uint64_t cb_run_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool wants_stacks(const struct run_args *a)
{
	return a->format == RUN_FOLDED || a->format == RUN_SVG;
}

static int failed(struct run_out *o, int err)
{
	if (!o->error && o->args->out && !strstr(o->err.text, o->args->out))
		cb_fail_in(&o->err, err, "%s", o->args->out);
	o->error = err;
	o->done = true;
	return err;
}

/* An event whose type nobody knows: its bytes. */
static int print_raw(struct run_out *o, const struct coolbpf_event *ev)
{
	struct cb_buf b = {0};
	int err = cb_run_out_flush(o, true);

	if (err)
		return err;
	if (o->args->format == RUN_JSON)
		cb_buf_printf(&b, "{\"event\":\"%s\",\"raw\":\"", ev->map);
	else
		cb_buf_printf(&b, "%s%s", ev->map, o->args->format == RUN_CSV ? "," : "  ");
	for (size_t i = 0; i < ev->size; i++)
		cb_buf_printf(&b, "%02x", ((const unsigned char *)ev->data)[i]);
	cb_buf_str(&b, o->args->format == RUN_JSON ? "\"}\n" : "\n");
	err = b.failed ? -ENOMEM : cb_write_all(o->fd, b.data, b.len);
	cb_buf_free(&b);
	return err ? cb_fail(&o->err, -err, "cannot write the output: %s", strerror(-err)) : 0;
}

/* Events that come into a ring buffer faster than they are printed would keep one coolbpf_consume() busy for ever; of perf
 * buffers it takes what was there when it began. */
static bool is_turn_over(struct run_out *o, const struct coolbpf_event *ev)
{
	return o->done || (o->stopped && (*o->stopped || (ev->cpu < 0 && ++o->seen % TURN == 0)));
}

void cb_run_out_until(struct run_out *o, const volatile sig_atomic_t *stopped)
{
	o->stopped = stopped;
}

/* 0, also for an event that is not to be seen; a negative errno. */
static int print_event(struct stream *s, const struct coolbpf_event *ev)
{
	struct run_out *o = s->out;
	int err;

	if (s->hidden)
		return 0;
	if (s->filter && ev->type_id && !cb_filter_match(s->filter, ev->data))
		return 0;
	if (o->stacks && s->plan && ev->type_id)
		err = cb_plan_stacks(s->plan, ev->data, 1, o->stacks);
	else if (s->printer && ev->type_id)
		err = cb_printer_record(s->printer, ev->data, &o->err);
	else
		err = o->stacks ? 0 : print_raw(o, ev);
	if (err < 0)
		return failed(o, err);
	if (++o->printed == o->args->count)
		o->done = true;
	return 0;
}

/* The event itself is always printed: one that is refused here is gone. */
static int on_event(void *ctx, const struct coolbpf_event *ev)
{
	struct stream *s = ctx;
	int err = s->out->done ? -ECANCELED : print_event(s, ev);

	return !err && is_turn_over(s->out, ev) ? -ECANCELED : err;
}

/* 0 or an exit status. */
static int open_stream(struct run_out *o, struct stream *s, const struct coolbpf_event_map *m, bool several)
{
	static const enum cb_format formats[] = {CB_TABLE, CB_JSON, CB_CSV};

	s->out = o;
	s->map = m->map;
	if (coolbpf_on_event(o->cb, m->map, on_event, s))
		return cb_cli_fail("%s", coolbpf_errmsg(o->cb));
	if (!m->type_id)
		return 0;
	s->plan = cb_plan_new(coolbpf_btf(o->cb), m->type_id, m->map, cb_run_resolver(o->names), &o->err);
	if (!s->plan)
		return cb_cli_fail("%s", o->err.text);
	if (o->args->filter) {
		s->filter = cb_filter_new(s->plan, o->args->filter, &o->err);
		s->hidden = !s->filter;
	}
	if (o->stacks)
		return 0;
	s->printer = cb_printer_new(s->plan, formats[o->args->format], o->fd, m->map, several, &o->err);
	if (!s->printer)
		return cb_cli_fail("%s", o->err.text);
	/* one buffer for all, so that events of several maps stay in order */
	if (o->first)
		cb_printer_join(s->printer, o->first);
	else
		o->first = s->printer;
	return 0;
}

/* A filter speaks of fields; events that have no such fields do not match. It must fit those of one map at least. */
static int check_filters(struct run_out *o)
{
	for (size_t i = 0; i < o->nstreams; i++)
		if (o->streams[i].filter)
			return 0;
	return o->args->filter
		       ? cb_cli_usage("run", "--filter: %s",
				      *o->err.text ? o->err.text : "the object does not say what its events are")
		       : 0;
}

static int open_output(struct run_out *o)
{
	const struct run_args *a = o->args;
	struct stat st;

	o->fd = STDOUT_FILENO;
	/* what is only whole at the end is written at the end, see cb_run_out_finish() */
	if (a->out && !wants_stacks(a)) {
		o->created = access(a->out, F_OK);
		o->fd = open(a->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (o->fd < 0)
			return cb_cli_fail("cannot open %s: %s", a->out, strerror(errno));
	}
	o->file = !fstat(o->fd, &st) && S_ISREG(st.st_mode);
	o->tty = isatty(o->fd);
	return 0;
}

struct run_out *cb_run_out_new(const struct run_args *a, struct coolbpf *cb, int *status)
{
	struct run_out *o = calloc(1, sizeof(*o));
	size_t n = coolbpf_event_map_count(cb);
	struct coolbpf_event_map m;

	*status = CB_CLI_FAILED;
	if (!o) {
		cb_cli_fail("out of memory");
		return NULL;
	}
	o->args = a;
	o->cb = cb;
	o->fd = -1;
	o->names = cb_run_names_new(cb);
	o->streams = calloc(n ? n : 1, sizeof(*o->streams));
	if (wants_stacks(a))
		o->stacks = cb_stacks_new();
	if (!o->names || !o->streams || (wants_stacks(a) && !o->stacks)) {
		cb_cli_fail("out of memory");
		goto fail;
	}
	if (a->filter && !n) {
		*status = cb_cli_usage("run", "--filter: %s has no events", coolbpf_name(cb));
		goto fail;
	}
	*status = open_output(o);
	for (size_t i = 0; !*status && !coolbpf_event_map_get(cb, i, &m); i++)
		*status = open_stream(o, &o->streams[o->nstreams++], &m, n > 1);
	if (!*status)
		*status = check_filters(o);
	if (!*status)
		return o;
fail:
	cb_run_out_free(o);
	return NULL;
}

int cb_run_out_begin(struct run_out *o)
{
	o->created = false;
	/* standard output may hold what others wrote, also where -f names a file for later */
	if (o->file && o->fd != STDOUT_FILENO && ftruncate(o->fd, 0))
		return failed(o, cb_fail(&o->err, errno, "cannot write the output: %s", strerror(errno)));
	return 0;
}

bool cb_run_out_done(const struct run_out *o)
{
	return o->done;
}

const char *cb_run_out_error(const struct run_out *o)
{
	return o->err.text;
}

int cb_run_out_text(struct run_out *o, const char *text, size_t n)
{
	int err = cb_write_all(o->fd, text, n);

	return err ? failed(o, cb_fail(&o->err, -err, "cannot write the output: %s", strerror(-err))) : 0;
}

uint64_t cb_run_out_flush_due(const struct run_out *o)
{
	return o->flush_due_ns;
}

int cb_run_out_flush(struct run_out *o, bool idle)
{
	if (o->error)
		return o->error;
	if (o->file && !idle) {
		uint64_t now = cb_run_now_ns();

		if (!o->flush_due_ns)
			o->flush_due_ns = now + FLUSH_NS;
		if (now < o->flush_due_ns)
			return 0;
	}
	o->flush_due_ns = 0;
	for (size_t i = 0; i < o->nstreams; i++) {
		int err = o->streams[i].printer ? cb_printer_flush(o->streams[i].printer, &o->err) : 0;

		if (err < 0)
			return failed(o, err);
	}
	return 0;
}

/* ---- Maps ------------------------------------------------------------------------------------------------------------ */

/* A tool that says nothing of how to show anything, and has no events, shows every map that it declared. */
static bool shows_all(struct coolbpf *cb)
{
	struct coolbpf_map m;

	if (coolbpf_event_map_count(cb))
		return false;
	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++)
		if (*m.show || *m.hist)
			return false;
	return true;
}

static bool can_show(const struct coolbpf_map *m)
{
	switch (m->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return !m->internal && m->value_type_id;
	default:
		return false;
	}
}

static bool is_shown(struct coolbpf *cb, const struct coolbpf_map *m)
{
	return can_show(m) && (*m->show || *m->hist || shows_all(cb));
}

bool cb_run_out_has_maps(const struct run_out *o)
{
	struct coolbpf_map m;

	for (size_t i = 0; !coolbpf_map_get(o->cb, i, &m); i++)
		if (is_shown(o->cb, &m))
			return true;
	return false;
}

struct collect {
	struct run_out *out;
	const struct coolbpf_map *map;
	struct cb_show *show;
	void *sum; /* one value */
	bool array;
};

static int collect_entry(void *ctx, const void *key, const void *value)
{
	struct collect *c = ctx;
	int err = coolbpf_map_sum(c->out->cb, c->map, value, c->sum);

	if (err)
		return err;
	/* every slot of an array exists; one that was never written is no entry */
	if (c->array && cb_is_zero(c->sum, c->map->value_size))
		return 0;
	return cb_show_add(c->show, key, c->sum);
}

static int collect_map(struct run_out *o, const struct coolbpf_map *m, struct cb_show *show)
{
	struct collect c = {
		.out = o,
		.map = m,
		.show = show,
		.sum = malloc(m->value_size),
		.array = m->type == BPF_MAP_TYPE_ARRAY || m->type == BPF_MAP_TYPE_PERCPU_ARRAY,
	};
	int err = c.sum ? coolbpf_map_each(o->cb, m->name, cb_show_clears(show) ? COOLBPF_EACH_DELETE : 0,
					   collect_entry, &c)
			: -ENOMEM;

	free(c.sum);
	return err ? cb_fail(&o->err, -err, "cannot read map %s: %s", m->name, strerror(-err)) : 0;
}

/* Where several maps give stacks, the first says what is counted. */
static int add_stacks(struct run_out *o, struct cb_show *show)
{
	size_t before = cb_stacks_count(o->stacks);
	int err = cb_show_stacks(show, o->stacks);

	if (!o->unit && cb_stacks_count(o->stacks) > before)
		o->unit = cb_show_unit(show);
	return err;
}

static int render_map(struct run_out *o, const struct coolbpf_map *m, struct cb_buf *block)
{
	static const enum cb_format formats[] = {CB_TABLE, CB_JSON, CB_CSV, CB_TABLE, CB_TABLE};
	struct cb_show_spec spec = {
		.title = m->name,
		.how = m->show,
		.hist = m->hist,
		.btf = coolbpf_btf(o->cb),
		.key_type_id = m->key_type_id,
		.value_type_id = m->value_type_id,
		.format = formats[o->args->format],
		.resolver = cb_run_resolver(o->names),
	};
	struct winsize size = {0};
	struct cb_show *show = cb_show_new(&spec, &o->err);
	int err;

	if (!show)
		return -EINVAL;
	if (o->tty)
		ioctl(o->fd, TIOCGWINSZ, &size);
	err = collect_map(o, m, show);
	if (!err && o->stacks)
		err = add_stacks(o, show);
	else if (!err)
		err = cb_show_render(show, size.ws_col, block, &o->err);
	cb_show_free(show);
	return err;
}

/* "12:30:05" above each block of a series, for people. */
static void add_header(const struct run_out *o, struct cb_buf *b)
{
	char text[16];
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &tm));
	cb_buf_printf(b, "%s  %s\n", text, coolbpf_name(o->cb));
}

/* On a terminal, a block replaces the one before it in place: each line is overwritten and cut at its end. Of a block that
 * is higher than the terminal, what fits is shown: more would scroll the beginning away. */
static int write_in_place(struct run_out *o, const struct cb_buf *block)
{
	struct winsize size = {0};
	struct cb_buf b = {0};
	unsigned lines = 1;
	int err;

	ioctl(o->fd, TIOCGWINSZ, &size);
	cb_buf_str(&b, o->block_printed ? "\033[H" : "\033[2J\033[H");
	for (size_t i = 0; i < block->len && (!size.ws_row || lines < size.ws_row); i++) {
		if (block->data[i] == '\n') {
			cb_buf_str(&b, "\033[K");
			lines++;
		}
		cb_buf_ch(&b, block->data[i]);
	}
	cb_buf_str(&b, "\033[J");
	err = b.failed ? -ENOMEM : cb_write_all(o->fd, b.data, b.len);
	cb_buf_free(&b);
	o->block_printed = true;
	return err;
}

int cb_run_out_maps(struct run_out *o, bool final)
{
	bool in_series = o->args->interval_ns && o->args->format == RUN_TABLE;
	struct cb_buf block = {0};
	struct coolbpf_map m;
	int err = cb_run_out_flush(o, true);

	/* stacks of maps are taken once, at the end */
	if (err || (o->stacks && !final))
		return err;
	if (in_series)
		add_header(o, &block);
	for (size_t i = 0; !err && !coolbpf_map_get(o->cb, i, &m); i++)
		if (is_shown(o->cb, &m))
			err = render_map(o, &m, &block);
	if (!err && block.failed)
		err = cb_fail(&o->err, ENOMEM, "out of memory");
	if (!err && block.len && !o->stacks) {
		if (o->tty && in_series && !o->nstreams && !final)
			err = write_in_place(o, &block);
		else
			err = cb_write_all(o->fd, block.data, block.len);
		if (err)
			cb_fail(&o->err, -err, "cannot write the output: %s", strerror(-err));
	}
	cb_buf_free(&block);
	return err ? failed(o, err) : 0;
}

void cb_run_out_lost(struct run_out *o)
{
	struct coolbpf_event_map m;

	for (size_t i = 0; i < o->nstreams && !coolbpf_event_map_get(o->cb, i, &m); i++) {
		struct stream *s = &o->streams[i];

		if (m.lost > s->lost)
			fprintf(stderr, "coolbpf: %llu events of %s were lost: its buffer was full\n",
				(unsigned long long)(m.lost - s->lost), s->map);
		s->lost = m.lost;
	}
}

int cb_run_out_finish(struct run_out *o)
{
	struct cb_buf b = {0};
	int err = cb_run_out_flush(o, true);

	if (!err && o->stacks) {
		if (!cb_stacks_count(o->stacks))
			fprintf(stderr, "coolbpf: %s gave no stacks\n", coolbpf_name(o->cb));
		if (o->args->format == RUN_SVG)
			err = cb_stacks_svg(o->stacks, coolbpf_name(o->cb), o->unit ? o->unit : "samples", &b);
		else
			cb_stacks_folded(o->stacks, &b);
		if (!err && b.failed)
			err = -ENOMEM;
		if (err)
			cb_fail(&o->err, -err, "cannot draw the stacks: %s", strerror(-err));
		else if (o->args->out)
			err = cb_file_write(o->args->out, b.data, b.len, 0644, &o->err);
		else if ((err = cb_write_all(o->fd, b.data, b.len)))
			cb_fail(&o->err, -err, "cannot write the output: %s", strerror(-err));
		cb_buf_free(&b);
	}
	if (!err && o->fd > STDERR_FILENO) {
		if (close(o->fd))
			err = cb_fail(&o->err, errno, "cannot write %s: %s", o->args->out, strerror(errno));
		o->fd = -1;
	}
	return err ? failed(o, err) : 0;
}

void cb_run_out_free(struct run_out *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->nstreams; i++) {
		cb_printer_free(o->streams[i].printer);
		cb_filter_free(o->streams[i].filter);
		cb_plan_free(o->streams[i].plan);
	}
	if (o->fd > STDERR_FILENO)
		close(o->fd);
	if (o->created)
		unlink(o->args->out);
	free(o->streams);
	cb_stacks_free(o->stacks);
	cb_run_names_free(o->names);
	free(o);
}
