// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * printer.c - a stream of records to a descriptor: table, JSON lines, CSV.
 *
 * A printer formats; a sink (struct sink) gathers whole records and writes them. Printers of several event types may
 * share a sink, which keeps their records in order. Nothing is ever written that does not end with a whole record: when
 * a disk is full in the middle of one, the file is cut back to the end of the record before.
 *
 * Tables: a column is as wide as its name and as its type's values usually are. A value that is wider pushes its row and
 * widens the column for those that follow (up to a limit, for text). On a terminal that is too narrow, columns of text
 * are made smaller until all fit, and what is longer is cut; into pipes and files nothing is ever cut.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/columns.h"

enum {
	SINK_BYTES = 64 << 10, /* are written without waiting for a flush */
	COLUMN_MAX = 40,       /* a text column is not widened by its values beyond this */
};

/* ---- Sink ------------------------------------------------------------------------------------------------------ */

struct sink {
	int fd;
	unsigned users;
	enum cb_format format;
	unsigned columns; /* of the terminal, 0: not one */
	struct cb_buf buf;
	int err; /* the first write that failed; nothing is written after it */
};

static unsigned terminal_columns(int fd)
{
	struct winsize ws;

	return isatty(fd) && !ioctl(fd, TIOCGWINSZ, &ws) ? ws.ws_col : 0;
}

/* The end of the last whole record within the first n bytes: a newline, in CSV one outside of quotes. */
static size_t whole_records(const struct sink *s, size_t n)
{
	size_t end = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		quoted ^= s->format == CB_CSV && s->buf.data[i] == '"';
		if (s->buf.data[i] == '\n' && !quoted)
			end = i + 1;
	}
	return end;
}

/* Take back what was written of a record that did not fit. */
static void cut_back(const struct sink *s, size_t written)
{
	size_t part = written - whole_records(s, written);
	struct stat st;
	off_t at;

	if (!part || fstat(s->fd, &st) || !S_ISREG(st.st_mode))
		return;
	at = lseek(s->fd, 0, SEEK_CUR);
	if (at < (off_t)part || at != st.st_size || ftruncate(s->fd, at - (off_t)part))
		return;
	lseek(s->fd, at - (off_t)part, SEEK_SET);
}

static int sink_write(struct sink *s, struct cb_err *e)
{
	size_t done = 0;

	if (s->buf.failed && !s->err)
		s->err = ENOMEM;
	while (!s->err && done < s->buf.len) {
		ssize_t n = write(s->fd, s->buf.data + done, s->buf.len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN) /* another process may have made a shared pipe non-blocking */
			poll(&(struct pollfd){.fd = s->fd, .events = POLLOUT}, 1, -1);
		else if (errno != EINTR)
			s->err = errno;
	}
	if (s->err && done)
		cut_back(s, done);
	s->buf.len = 0;
	if (s->err)
		return cb_fail(e, s->err, "cannot write the output: %s", strerror(s->err));
	return 0;
}

static void sink_put(struct sink *s)
{
	if (--s->users)
		return;
	cb_buf_free(&s->buf);
	free(s);
}

/* ---- Printer --------------------------------------------------------------------------------------------------- */

struct column {
	const struct cb_field *field; /* NULL: the event's name */
	const char *name;
};

struct cb_printer {
	const struct cb_plan *plan;
	enum cb_format format;
	struct sink *sink;
	char *name;
	bool with_type;
	bool header;	       /* has been printed */
	unsigned fitted;       /* the terminal's columns that `shown` was made for */
	struct cb_buf opening; /* JSON with type: {"event":"NAME" */
	struct cb_buf cell;
	size_t n;
	struct cb_column *widths; /* n, as the columns */
	struct column columns[];
};

static void add_column(struct cb_printer *pr, const struct cb_field *f, const char *name)
{
	struct cb_column c = cb_column_for(f, name);
	unsigned natural = f ? cb_field_width(f) : (unsigned)strlen(pr->name);

	if (c.width < natural)
		c.width = c.shown = natural;
	pr->columns[pr->n] = (struct column){.field = f, .name = name};
	pr->widths[pr->n++] = c;
}

struct cb_printer *cb_printer_new(const struct cb_plan *p, enum cb_format format, int fd, const char *name,
				  bool with_type, struct cb_err *e)
{
	struct cb_printer *pr = calloc(1, sizeof(*pr) + (p->top.n + 1) * sizeof(pr->columns[0]));
	struct sink *s = calloc(1, sizeof(*s));
	struct cb_column *widths = calloc(p->top.n + 1, sizeof(*widths));
	char *copy = strdup(name ? name : "");

	if (!pr || !s || !copy || !widths) {
		free(pr);
		free(widths);
		free(s);
		free(copy);
		errno = -cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	*s = (struct sink){.fd = fd, .users = 1, .format = format, .columns = terminal_columns(fd)};
	pr->plan = p;
	pr->format = format;
	pr->sink = s;
	pr->name = copy;
	pr->widths = widths;
	pr->with_type = with_type;
	if (with_type && format == CB_JSON) {
		cb_buf_str(&pr->opening, "{\"event\":");
		cb_json_quote(copy, strlen(copy), &pr->opening);
	}
	if (with_type)
		add_column(pr, NULL, "event");
	for (size_t i = 0; i < p->top.n; i++)
		if (format != CB_TABLE || !cb_field_is_stack(&p->top.fields[i]))
			add_column(pr, &p->top.fields[i], *p->top.fields[i].name ? p->top.fields[i].name : "value");
	return pr;
}

void cb_printer_join(struct cb_printer *pr, struct cb_printer *other)
{
	struct sink *mine = pr->sink;

	other->sink->users++;
	pr->sink = other->sink;
	sink_put(mine);
}

void cb_printer_free(struct cb_printer *pr)
{
	if (!pr)
		return;
	sink_put(pr->sink);
	cb_buf_free(&pr->opening);
	cb_buf_free(&pr->cell);
	free(pr->name);
	free(pr->widths);
	free(pr);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void json_record(struct cb_printer *pr, const void *record, struct cb_buf *out)
{
	size_t at;

	if (!pr->with_type) {
		cb_plan_json(pr->plan, record, out);
		cb_buf_ch(out, '\n');
		return;
	}
	cb_buf_add(out, pr->opening.data, pr->opening.len);
	at = out->len;
	cb_plan_json(pr->plan, record, out);
	if (out->failed)
		return;
	if (out->data[at] != '{') { /* a bare value */
		struct cb_buf value = {0};

		cb_buf_add(&value, out->data + at, out->len - at);
		out->len = at;
		out->failed |= value.failed;
		cb_buf_str(out, ",\"value\":");
		cb_buf_add(out, value.data, value.len);
		cb_buf_ch(out, '}');
		cb_buf_free(&value);
	} else if (out->data[at + 1] == '}') {
		out->data[at] = '}';
		out->len = at + 1;
	} else {
		out->data[at] = ','; /* in place of the record's own brace */
	}
	cb_buf_ch(out, '\n');
}

/* ---- CSV ------------------------------------------------------------------------------------------------------- */

static void csv_header(struct cb_printer *pr, struct cb_buf *out)
{
	for (size_t i = 0; i < pr->n; i++) {
		if (i)
			cb_buf_ch(out, ',');
		cb_csv_cell(pr->columns[i].name, strlen(pr->columns[i].name), out);
	}
	cb_buf_ch(out, '\n');
}

static void csv_record(struct cb_printer *pr, const void *record, struct cb_buf *out)
{
	for (size_t i = 0; i < pr->n; i++) {
		const struct column *c = &pr->columns[i];

		if (i)
			cb_buf_ch(out, ',');
		pr->cell.len = 0;
		if (c->field)
			cb_field_put(pr->plan, c->field, record, CB_FOR_PROGRAMS, &pr->cell);
		else
			cb_buf_str(&pr->cell, pr->name);
		cb_csv_cell(pr->cell.data, pr->cell.len, out);
	}
	cb_buf_ch(out, '\n');
}

/* ---- Table ----------------------------------------------------------------------------------------------------- */

static void fit(struct cb_printer *pr)
{
	pr->fitted = pr->sink->columns;
	cb_columns_fit(pr->widths, pr->n, pr->fitted);
}

/* How many columns a cell may take: 0 as many as it likes. used: what the row takes so far. */
static unsigned limit_of(const struct cb_printer *pr, const struct cb_column *c, size_t columns, bool last, size_t used)
{
	if (!pr->fitted || !c->text)
		return 0;
	if (last) /* what is left of the line, but at least its own width */
		return pr->fitted > used + c->shown ? pr->fitted - (unsigned)used : c->shown;
	return c->shown < c->width || columns > COLUMN_MAX ? c->shown : 0;
}

static void put_cell(struct cb_printer *pr, size_t i, struct cb_buf *out, size_t line)
{
	struct cb_column *c = &pr->widths[i];
	size_t columns = cb_columns(pr->cell.data, pr->cell.len);
	bool last = i + 1 == pr->n;
	unsigned limit;

	if (i)
		cb_buf_ch(out, ' ');
	limit = limit_of(pr, c, columns, last, cb_columns(out->data + line, out->len - line));
	cb_column_put(c, pr->cell.data, pr->cell.len, limit, last, out);
	if (columns > c->width && (!c->text || c->width < COLUMN_MAX)) {
		c->width = c->text && columns > COLUMN_MAX ? COLUMN_MAX : (unsigned)columns;
		if (!last)
			fit(pr);
	}
}

static void table_header(struct cb_printer *pr, struct cb_buf *out)
{
	size_t line = out->len;

	for (size_t i = 0; i < pr->n; i++) {
		pr->cell.len = 0;
		cb_column_heading(pr->columns[i].name, &pr->cell);
		put_cell(pr, i, out, line);
	}
	cb_buf_ch(out, '\n');
}

/* The stacks of a record stand below its row, one frame a line. */
static void put_stacks(struct cb_printer *pr, const void *record, struct cb_buf *out)
{
	for (size_t i = 0; i < pr->plan->top.n; i++) {
		const struct cb_field *f = &pr->plan->top.fields[i];
		size_t at = 0;

		if (!cb_field_is_stack(f))
			continue;
		pr->cell.len = 0;
		cb_field_frames(pr->plan, f, record, &pr->cell);
		while (at < pr->cell.len) {
			size_t len = strnlen(pr->cell.data + at, pr->cell.len - at);

			cb_buf_str(out, "    ");
			cb_text_people(pr->cell.data + at, len, out);
			cb_buf_ch(out, '\n');
			at += len + 1;
		}
	}
}

static void table_record(struct cb_printer *pr, const void *record, struct cb_buf *out)
{
	size_t line = out->len;

	for (size_t i = 0; i < pr->n; i++) {
		pr->cell.len = 0;
		if (pr->columns[i].field)
			cb_field_put(pr->plan, pr->columns[i].field, record, CB_FOR_PEOPLE, &pr->cell);
		else
			cb_text_people(pr->name, strlen(pr->name), &pr->cell);
		put_cell(pr, i, out, line);
	}
	cb_buf_ch(out, '\n');
	put_stacks(pr, record, out);
}

/* ---- The stream ------------------------------------------------------------------------------------------------ */

int cb_printer_record(struct cb_printer *pr, const void *record, struct cb_err *e)
{
	struct cb_buf *out = &pr->sink->buf;

	if (pr->sink->err)
		return sink_write(pr->sink, e);
	switch (pr->format) {
	case CB_JSON:
		json_record(pr, record, out);
		break;
	case CB_CSV:
		if (!pr->header)
			csv_header(pr, out);
		csv_record(pr, record, out);
		break;
	case CB_TABLE:
		if (!pr->header || pr->fitted != pr->sink->columns)
			fit(pr);
		if (!pr->header)
			table_header(pr, out);
		table_record(pr, record, out);
		break;
	}
	pr->header = true;
	out->failed |= pr->cell.failed | pr->opening.failed;
	return out->len >= SINK_BYTES || out->failed ? sink_write(pr->sink, e) : 0;
}

int cb_printer_flush(struct cb_printer *pr, struct cb_err *e)
{
	/* the window may have been made larger or smaller */
	if (pr->sink->columns)
		pr->sink->columns = terminal_columns(pr->sink->fd);
	return pr->sink->buf.len || pr->sink->err ? sink_write(pr->sink, e) : 0;
}
