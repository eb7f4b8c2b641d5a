// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * spec.c - a .lab file becomes a struct cb_lab_test: see spec.h, which has the grammar.
 *
 * Each directive is a row of a table: its name, what may stand behind it (said when something else does), and a function.
 */
#include "lab/spec.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/units.h"
#include "lab/words.h"
#include "output/plan.h"

enum { OUTPUT_MAX = 64 << 20 };

struct parser {
	struct cb_lab_test *t;
	const char *path, *next; /* the line behind this one */
	unsigned int line;	 /* of the directive in hand */
	unsigned int last;	 /* of the line that was read last */
	uint64_t seen;		 /* bits of the directives that may stand once */
	struct cb_err *e;
	int err;
};

static int wrong(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What the file says stands in it, and comes to a terminal. */
static int wrong(struct parser *p, const char *fmt, ...)
{
	struct cb_buf shown = {0};
	char text[CB_ERR_TEXT];
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cb_text_people(text, strlen(text), &shown);
	err = cb_fail(p->e, EINVAL, "%s:%u: %s", p->path, p->line, cb_buf_cstr(&shown));
	cb_buf_free(&shown);
	return err;
}

static int no_memory(struct parser *p)
{
	return cb_fail(p->e, ENOMEM, "%s: out of memory", p->path);
}

/* ---- Pieces of directives -------------------------------------------------------------------------------------- */

/* A path relative to the file's directory. */
static char *join(const struct parser *p, const char *path)
{
	const char *slash = strrchr(p->path, '/');
	char *whole;

	if (*path == '/' || !slash) /* what begins like an option is none */
		return asprintf(&whole, "%s%s", *path == '-' ? "./" : "", path) < 0 ? NULL : whole;
	return asprintf(&whole, "%.*s/%s", (int)(slash - p->path), p->path, path) < 0 ? NULL : whole;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int keep(struct parser *p, char **where, char *text)
{
	free(*where);
	*where = text;
	return text ? 0 : no_memory(p);
}

/* Room for one more element at the end of a list of these. */
static void *grow(void *list, size_t n, size_t size)
{
	return realloc(list, (n + 1) * size);
}

static int split(struct parser *p, const char *rest, struct cb_lab_words *out)
{
	struct cb_err why = {0};
	int err = cb_lab_words_split(rest, out, &why);

	return err == -EINVAL ? wrong(p, "%s", why.text) : err ? no_memory(p) : 0;
}

/* The rest of a line that is to be one word. */
static int one_word(struct parser *p, const char *rest, const char *what, char **out)
{
	struct cb_lab_words words = {0};
	int err = split(p, rest, &words);

	if (err)
		return err;
	if (words.n == 1)
		err = keep(p, out, strdup(words.w[0]));
	else
		err = wrong(p, "%s is expected here, and nothing behind it", what);
	cb_lab_words_free(&words);
	return err;
}

static int parse_time(struct parser *p, const char *rest, uint64_t *out)
{
	char *text = NULL;
	int err = one_word(p, rest, "a time such as 300ms or 5s", &text);

	if (!err && (cb_parse_duration(text, 1000000000, out) || !*out || *out > (uint64_t)INT64_MAX))
		err = wrong(p, "\"%s\" is not a time such as 300ms or 5s", text);
	free(text);
	return err;
}

static int parse_size(struct parser *p, const char *rest, const char *what, uint64_t *out)
{
	struct cb_number n = {0};
	char *text = NULL;
	int err = one_word(p, rest, what, &text);

	if (!err && (cb_parse_number(text, &n) || n.negative || !n.magnitude || n.magnitude > (uint64_t)INT64_MAX))
		err = wrong(p, "\"%s\" is not %s", text, what);
	free(text);
	*out = n.magnitude;
	return err;
}

/* ---- What runs ------------------------------------------------------------------------------------------------- */

static int set_subject(struct parser *p, const char *rest, enum cb_lab_kind kind, const char *what)
{
	struct cb_lab_test *t = p->t;
	struct cb_lab_words words = {0};
	int err;

	if (t->subject_line)
		return wrong(p, "line %u says already what is run; a test runs one thing: run, command or tap",
			     t->subject_line);
	err = split(p, rest, &words);
	if (err)
		return err;
	if (!words.n)
		return wrong(p, "%s is expected", what);
	t->subject_line = p->line;
	t->kind = kind;
	if (kind != CB_LAB_COMMAND) {
		err = keep(p, &t->subject, join(p, words.w[0]));
		free(words.w[0]);
		memmove(words.w, words.w + 1, words.n-- * sizeof(*words.w));
	}
	t->args = words;
	return err;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n > k && !strcmp(text + n - k, end);
}

static int parse_run(struct parser *p, char *rest)
{
	int err = set_subject(p, rest, CB_LAB_RUN, "a tool, NAME.bpf.c or NAME.bpf.o,");

	if (!err && !ends_in(p->t->subject, ".bpf.c") && !ends_in(p->t->subject, ".bpf.o"))
		err = wrong(p, "%s is neither a source (.bpf.c) nor an object (.bpf.o)", p->t->subject);
	return err;
}

static int parse_command(struct parser *p, char *rest)
{
	return set_subject(p, rest, CB_LAB_COMMAND, "a command of the guest");
}

static int parse_tap(struct parser *p, char *rest)
{
	return set_subject(p, rest, CB_LAB_TAP, "a program");
}

/* ---- Workload -------------------------------------------------------------------------------------------------- */

/* The next line, cut out of the text; NULL at its end. */
static char *next_line(struct parser *p)
{
	char *line = (char *)p->next, *stop;

	if (!line || !*line)
		return NULL;
	stop = line + strcspn(line, "\n");
	p->next = *stop ? stop + 1 : stop;
	*stop = '\0';
	if (stop > line && stop[-1] == '\r')
		stop[-1] = '\0';
	p->last++;
	return line;
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)line[i]))
			return false;
	return true;
}

/* Is the next line that is not blank an indented one? */
static bool script_goes_on(const struct parser *p)
{
	for (const char *line = p->next; *line;) {
		size_t len = strcspn(line, "\n");

		if (!is_blank(line, len))
			return isblank((unsigned char)*line);
		line += len + (line[len] == '\n');
	}
	return false;
}

/* The indented lines behind this one, less the first one's indentation. */
static int take_script(struct parser *p)
{
	struct cb_buf script = {0};
	const char *indent = NULL;
	size_t indent_len = 0;
	int err;

	while (script_goes_on(p)) {
		char *line = next_line(p);

		if (!indent && !is_blank(line, strlen(line))) {
			indent = line;
			indent_len = strspn(line, " \t");
		}
		if (indent)
			for (size_t i = 0; i < indent_len && *line == indent[i] && isblank((unsigned char)*line); i++)
				line++;
		cb_buf_str(&script, line);
		cb_buf_ch(&script, '\n');
	}
	err = indent ? keep(p, &p->t->workload, script.failed ? NULL : strdup(cb_buf_cstr(&script)))
		     : wrong(p, "indented lines are expected behind it, a script for sh, or a file's name beside it");
	cb_buf_free(&script);
	return err;
}

static int parse_workload(struct parser *p, char *rest)
{
	char *name = NULL;
	int err;

	p->t->workload_line = p->line;
	if (!*rest)
		return take_script(p);
	err = one_word(p, rest, "a file's name", &name);
	if (!err && name)
		err = keep(p, &p->t->workload_file, join(p, name));
	free(name);
	return err;
}

/* ---- Files ----------------------------------------------------------------------------------------------------- */

/* Does a way into the test's directory stay there? */
static bool leaves_directory(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

static int parse_file(struct parser *p, char *rest)
{
	struct cb_lab_test *t = p->t;
	struct cb_lab_words words = {0};
	struct cb_lab_put *more, *put;
	const char *guest;
	int err = split(p, rest, &words);

	if (err)
		return err;
	guest = words.n > 1 ? words.w[1] : words.n ? base_name(words.w[0]) : "";
	if (words.n < 1 || words.n > 2 || !*guest || leaves_directory(guest)) {
		err = wrong(p, "it is: file HOST [GUEST], a file and where it goes in the test's directory");
	} else {
		more = grow(t->files, t->n_files, sizeof(*more));
		t->files = more ? more : t->files;
		put = more ? &more[t->n_files++] : NULL;
		if (put)
			*put = (struct cb_lab_put){
				.line = p->line, .host = join(p, words.w[0]), .guest = strdup(guest)};
		err = put && put->host && put->guest ? 0 : no_memory(p);
	}
	cb_lab_words_free(&words);
	return err;
}

static int parse_program(struct parser *p, char *rest)
{
	struct cb_lab_words *names = &p->t->programs;
	size_t before = names->n;
	int err = split(p, rest, names);

	if (!err && names->n == before)
		return wrong(p, "it is: program NAME ..., programs of this machine's PATH");
	for (size_t i = before; !err && i < names->n; i++)
		if (strchr(names->w[i], '/'))
			err = wrong(p, "\"%s\" is no name of a program; \"file\" takes paths", names->w[i]);
	return err;
}

static int add_source(struct parser *p, char *rest, bool bpf, const char *end, const char *usage)
{
	struct cb_lab_test *t = p->t;
	struct cb_lab_words words = {0};
	struct cb_lab_cc *more, *cc;
	int err = split(p, rest, &words);

	if (err)
		return err;
	if (!words.n || !ends_in(words.w[0], end)) {
		cb_lab_words_free(&words);
		return wrong(p, "%s", usage);
	}
	more = grow(t->ccs, t->n_ccs, sizeof(*more));
	if (!more) {
		cb_lab_words_free(&words);
		return no_memory(p);
	}
	t->ccs = more;
	cc = &more[t->n_ccs++];
	*cc = (struct cb_lab_cc){
		.line = p->line, .bpf = bpf, .source = join(p, words.w[0]), .name = strdup(base_name(words.w[0]))};
	if (cc->name) /* x.c is x, x.bpf.c is x.bpf.o */
		memcpy(cc->name + strlen(cc->name) - 2, bpf ? ".o" : "\0", 2);
	free(words.w[0]);
	memmove(words.w, words.w + 1, words.n-- * sizeof(*words.w));
	cc->flags = words;
	return cc->source && cc->name ? 0 : no_memory(p);
}

static int parse_cc(struct parser *p, char *rest)
{
	return add_source(p, rest, false, ".c", "it is: cc SOURCE.c [FLAG ...]; the program is called SOURCE");
}

static int parse_object(struct parser *p, char *rest)
{
	return add_source(p, rest, true, ".bpf.c",
			  "it is: object FILE.bpf.c [FLAG ...]; the object is called FILE.bpf.o");
}

/* ---- Modules, network ------------------------------------------------------------------------------------------ */

static int parse_load(struct parser *p, char *rest)
{
	size_t before = p->t->load.n;
	int err = split(p, rest, &p->t->load);

	return err || p->t->load.n > before ? err : wrong(p, "it is: load MODULE ..., modules of the kernel's own");
}

static int parse_module(struct parser *p, char *rest)
{
	char *name = NULL;
	int err = one_word(p, rest, "a directory with a module's source", &name);

	if (!err && name && !cb_lab_words_add(&p->t->modules, join(p, name)))
		err = no_memory(p);
	free(name);
	return err;
}

static int parse_network(struct parser *p, char *rest)
{
	if (strcmp(rest, "veth"))
		return wrong(p, "there is no network \"%s\"; there is veth", rest);
	p->t->veth = true;
	return 0;
}

static int parse_no_ebpf(struct parser *p, char *rest)
{
	p->t->no_ebpf = true;
	return *rest ? wrong(p, "nothing is expected behind it") : 0;
}

/* ---- Limits ---------------------------------------------------------------------------------------------------- */

static int parse_duration(struct parser *p, char *rest)
{
	return parse_time(p, rest, &p->t->duration);
}

static int parse_settle(struct parser *p, char *rest)
{
	return parse_time(p, rest, &p->t->settle);
}

static int parse_timeout(struct parser *p, char *rest)
{
	return parse_time(p, rest, &p->t->timeout);
}

static int parse_memory(struct parser *p, char *rest)
{
	return parse_size(p, rest, "a size such as 64M", &p->t->memory);
}

static int parse_processes(struct parser *p, char *rest)
{
	int err = parse_size(p, rest, "a number of processes", &p->t->processes);

	return !err && p->t->processes > INT_MAX ? wrong(p, "at most %d processes", INT_MAX) : err;
}

/* The host holds all that is kept in its memory. */
static int parse_output(struct parser *p, char *rest)
{
	int err = parse_size(p, rest, "a size such as 256K", &p->t->output);

	return !err && p->t->output > OUTPUT_MAX ? wrong(p, "at most %dM", OUTPUT_MAX >> 20) : err;
}

/* ---- What is expected ------------------------------------------------------------------------------------------ */

static int parse_exclude(struct parser *p, char *rest)
{
	struct cb_lab_test *t = p->t;
	size_t word = strcspn(rest, " \t"), gap = strspn(rest + word, " \t");
	struct cb_lab_exclude *more, *x;

	if (!word || !rest[word + gap])
		return wrong(p, "it is: exclude KERNELS REASON, as in: exclude <5.15 no fprobe in this kernel");
	more = grow(t->excludes, t->n_excludes, sizeof(*more));
	if (!more)
		return no_memory(p);
	t->excludes = more;
	x = &more[t->n_excludes++];
	*x = (struct cb_lab_exclude){
		.line = p->line, .kernels = strndup(rest, word), .reason = strdup(rest + word + gap)};
	return x->kernels && x->reason ? 0 : no_memory(p);
}

static int parse_allow(struct parser *p, char *rest)
{
	static const char warning[] = "warning";
	size_t n = sizeof(warning) - 1;

	if (strncmp(rest, warning, n) || !isblank((unsigned char)rest[n]))
		return wrong(p, "it is: allow warning TEXT, a text in a kernel warning that is none");
	rest += n + strspn(rest + n, " \t");
	return cb_lab_words_add(&p->t->allowed, strdup(rest)) ? 0 : no_memory(p);
}

static int add_expect(struct parser *p, const char *text, const char *on, size_t on_len)
{
	struct cb_lab_test *t = p->t;
	struct cb_lab_expect *more = grow(t->expects, t->n_expects, sizeof(*more)), *x;
	struct cb_err why = {0};
	int err;

	if (!more)
		return no_memory(p);
	t->expects = more;
	x = &more[t->n_expects];
	err = cb_lab_expect_parse(text, x, &why);
	if (err)
		return err == -EINVAL ? wrong(p, "expect: %s", why.text) : no_memory(p);
	t->n_expects++;
	x->line = p->line;
	return on ? keep(p, &x->on, strndup(on, on_len)) : 0;
}

static int parse_expect(struct parser *p, char *rest)
{
	return add_expect(p, rest, NULL, 0);
}

static int parse_on(struct parser *p, char *rest)
{
	static const char expect[] = "expect";
	size_t word = strcspn(rest, " \t"), at = word + strspn(rest + word, " \t"), n = sizeof(expect) - 1;

	if (!word || strncmp(rest + at, expect, n) || !(isblank((unsigned char)rest[at + n]) || !rest[at + n]))
		return wrong(p, "it is: on KERNELS expect ..., as in: on >=6.12 expect event");
	return add_expect(p, rest + at + n, rest, word);
}

static int parse_about(struct parser *p, char *rest)
{
	return *rest ? keep(p, &p->t->about, strdup(rest)) : wrong(p, "a text is expected");
}

/* ---- Lines ----------------------------------------------------------------------------------------------------- */

static const struct directive {
	const char *name;
	bool often;
	int (*parse)(struct parser *p, char *rest);
} directives[] = {
	{"about", false, parse_about},
	{"run", true, parse_run}, /* set_subject() says more */
	{"command", true, parse_command},
	{"tap", true, parse_tap},
	{"workload", false, parse_workload},
	{"duration", false, parse_duration},
	{"settle", false, parse_settle},
	{"timeout", false, parse_timeout},
	{"file", true, parse_file},
	{"program", true, parse_program},
	{"cc", true, parse_cc},
	{"object", true, parse_object},
	{"load", true, parse_load},
	{"module", true, parse_module},
	{"network", false, parse_network},
	{"no-ebpf", false, parse_no_ebpf},
	{"memory", false, parse_memory},
	{"processes", false, parse_processes},
	{"output", false, parse_output},
	{"exclude", true, parse_exclude},
	{"allow", true, parse_allow},
	{"expect", true, parse_expect},
	{"on", true, parse_on},
};

enum { DIRECTIVES = sizeof(directives) / sizeof(*directives) };

static int unknown(struct parser *p, const char *name)
{
	struct cb_buf list = {0};
	int err;

	for (size_t i = 0; i < DIRECTIVES; i++)
		cb_buf_printf(&list, "%s%s", i ? ", " : "", directives[i].name);
	err = wrong(p, "there is no directive \"%s\"; there is %s", name, cb_buf_cstr(&list));
	cb_buf_free(&list);
	return err;
}

/* Cuts white space off its end. */
static void trim(char *text)
{
	size_t n = strlen(text);

	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
}

static int parse_line(struct parser *p, char *line)
{
	size_t word;
	char *rest;

	p->line = p->last;
	if (is_blank(line, strlen(line)) || *line == '#')
		return 0;
	if (isblank((unsigned char)*line))
		return line[strspn(line, " \t")] == '#'
			       ? 0
			       : wrong(p, "an indented line stands behind workload; a directive begins at the left");
	trim(line);
	word = strcspn(line, " \t");
	rest = line + word + strspn(line + word, " \t");
	line[word] = '\0';
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *d = &directives[i];

		if (strcmp(d->name, line))
			continue;
		if (!d->often && p->seen & 1ULL << i)
			return wrong(p, "%s stands here for the second time", d->name);
		p->seen |= 1ULL << i;
		return d->parse(p, rest);
	}
	return unknown(p, line);
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

static bool has_expect(const struct cb_lab_test *t)
{
	return t->n_expects || t->kind != CB_LAB_RUN;
}

/* What does not go together, and what is taken where nothing is said. */
static int complete(struct parser *p)
{
	struct cb_lab_test *t = p->t;

	if (t->kind == CB_LAB_RUN && !t->subject) {
		char *source;

		if (asprintf(&source, "%s.bpf.c", t->name) < 0)
			return no_memory(p);
		t->subject = join(p, source);
		free(source);
		if (!t->subject)
			return no_memory(p);
	}
	if (!has_expect(t))
		return cb_fail(p->e, EINVAL,
			       "%s: nothing is expected: a test that runs a tool has an expect line at least", p->path);
	if (!t->duration && t->kind == CB_LAB_RUN)
		t->duration = t->workload_line ? 30000000000 : 1000000000;
	if (!t->settle)
		t->settle = 300000000;
	if (!t->timeout)
		t->timeout = 60000000000;
	if (!t->memory)
		t->memory = 512 << 20;
	if (!t->processes)
		t->processes = 256;
	if (!t->output)
		t->output = 256 << 10;
	return 0;
}

static char *test_name(const char *path)
{
	const char *base = base_name(path);
	size_t n = strlen(base);

	return strndup(base, ends_in(base, ".lab") ? n - 4 : n);
}

/* text: is cut up. */
static int parse(struct parser *p, char *text)
{
	char *line;
	int err = 0;

	p->next = text;
	p->t->path = strdup(p->path);
	p->t->name = test_name(p->path);
	if (!p->t->path || !p->t->name)
		return no_memory(p);
	while (!err && (line = next_line(p)))
		err = parse_line(p, line);
	return err ? err : complete(p);
}

int cb_lab_spec_parse(const char *text, size_t len, const char *path, struct cb_lab_test *out, struct cb_err *e)
{
	struct parser p = {.t = out, .path = path, .e = e};
	char *copy;
	int err;

	*out = (struct cb_lab_test){0};
	if (len > CB_LAB_SPEC_MAX)
		return cb_fail(e, EFBIG, "%s is larger than %d bytes", path, CB_LAB_SPEC_MAX);
	if (memchr(text, '\0', len))
		return cb_fail(e, EINVAL, "%s is no text: it has a zero byte", path);
	copy = strndup(text, len);
	err = copy ? parse(&p, copy) : no_memory(&p);
	free(copy);
	if (err)
		cb_lab_test_free(out);
	return err;
}

int cb_lab_spec_read(const char *path, struct cb_lab_test *out, struct cb_err *e)
{
	char *text;
	size_t len;
	int err = cb_file_read(path, CB_LAB_SPEC_MAX, &text, &len, e);

	*out = (struct cb_lab_test){0};
	if (err)
		return err;
	err = cb_lab_spec_parse(text, len, path, out, e);
	free(text);
	return err;
}

void cb_lab_test_free(struct cb_lab_test *t)
{
	for (size_t i = 0; i < t->n_files; i++) {
		free(t->files[i].host);
		free(t->files[i].guest);
	}
	for (size_t i = 0; i < t->n_ccs; i++) {
		free(t->ccs[i].source);
		free(t->ccs[i].name);
		cb_lab_words_free(&t->ccs[i].flags);
	}
	for (size_t i = 0; i < t->n_excludes; i++) {
		free(t->excludes[i].kernels);
		free(t->excludes[i].reason);
	}
	for (size_t i = 0; i < t->n_expects; i++)
		cb_lab_expect_free(&t->expects[i]);
	free(t->files);
	free(t->ccs);
	cb_lab_words_free(&t->programs);
	free(t->excludes);
	free(t->expects);
	free(t->path);
	free(t->name);
	free(t->about);
	free(t->subject);
	free(t->workload);
	free(t->workload_file);
	cb_lab_words_free(&t->args);
	cb_lab_words_free(&t->load);
	cb_lab_words_free(&t->modules);
	cb_lab_words_free(&t->allowed);
	*t = (struct cb_lab_test){0};
}
