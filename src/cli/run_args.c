// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * run_args.c - the command line of "coolbpf run".
 *
 * Two kinds of options stand on it: run's own, known beforehand, and the tool's parameters, known only when the tool has
 * been opened (which some of run's own options decide). So the words are sorted first, and parameters are set later. In
 * front of FILE only run's options may stand; behind it, both. There, a word that does not begin with '-' can only be the
 * value of the option in front of it.
 */
#include "cli/run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

struct option_row {
	char letter; /* or 0 */
	const char *name;
	bool value;
	int (*set)(struct run_args *a, const char *value);
};

static int add_pair(struct run_pair **list, size_t *n, const char *name, const char *value)
{
	struct run_pair *bigger = realloc(*list, (*n + 1) * sizeof(*bigger));

	if (!bigger)
		return cb_cli_fail("out of memory");
	*list = bigger;
	bigger[(*n)++] = (struct run_pair){.name = name, .value = value};
	return 0;
}

/* NAME=VALUE, cut in two in place. */
static int add_assignment(struct run_pair **list, size_t *n, const char *text, const char *form)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return cb_cli_usage("run", "\"%s\" is not %s", text, form);
	*equals = '\0';
	return add_pair(list, n, text, equals + 1);
}

static int set_output(struct run_args *a, const char *value)
{
	static const char *const names[] = {"table", "json", "csv", "folded", "svg"};

	for (int i = 0; i < 5; i++)
		if (!strcmp(value, names[i])) {
			a->format = (enum run_format)i;
			return 0;
		}
	return cb_cli_usage("run", "there is no output format \"%s\"; there is table, json, csv, folded, svg", value);
}

static int set_file(struct run_args *a, const char *value)
{
	a->out = value;
	return 0;
}

static int set_time(const char *option, const char *value, uint64_t *ns)
{
	if (cb_parse_duration(value, 1000000000, ns) || !*ns)
		return cb_cli_usage("run", "--%s: \"%s\" is not a time such as 10s, 500ms or 5 (seconds)", option,
				    value);
	return 0;
}

static int set_duration(struct run_args *a, const char *value)
{
	return set_time("duration", value, &a->duration_ns);
}

static int set_interval(struct run_args *a, const char *value)
{
	return set_time("interval", value, &a->interval_ns);
}

static int set_count(struct run_args *a, const char *value)
{
	struct cb_number n;

	if (cb_parse_number(value, &n) || n.negative || !n.magnitude)
		return cb_cli_usage("run", "--count: \"%s\" is not a number above zero", value);
	a->count = n.magnitude;
	return 0;
}

static int set_ready(struct run_args *a, const char *value)
{
	struct cb_number n;

	if (cb_parse_number(value, &n) || n.negative || n.magnitude > INT_MAX)
		return cb_cli_usage("run", "--ready: \"%s\" is not a file descriptor", value);
	a->ready_fd = (int)n.magnitude;
	/* no other process may hold it open; the standard ones are everybody's */
	if (a->ready_fd > STDERR_FILENO ? fcntl(a->ready_fd, F_SETFD, FD_CLOEXEC) : fcntl(a->ready_fd, F_GETFD) < 0)
		return cb_cli_usage("run", "--ready: there is no file descriptor %d: %s", a->ready_fd, strerror(errno));
	return 0;
}

static int set_filter(struct run_args *a, const char *value)
{
	a->filter = value;
	return 0;
}

static int set_param(struct run_args *a, const char *value)
{
	return add_assignment(&a->params, &a->nparams, value, "NAME=VALUE");
}

static int set_attach(struct run_args *a, const char *value)
{
	return add_assignment(&a->attach, &a->nattach, value, "PROGRAM=TARGET");
}

static int set_help(struct run_args *a, const char *value)
{
	a->help = true;
	return 0;
}

static int set_verbose(struct run_args *a, const char *value)
{
	if (a->source.opts.log_level < COOLBPF_LOG_DEBUG)
		a->source.opts.log_level++;
	return 0;
}

static int set_quiet(struct run_args *a, const char *value)
{
	a->quiet = true;
	return 0;
}

static int source_option(struct run_args *a, int opt, const char *value)
{
	return cb_cli_source_option(&a->source, opt, value) < 0 ? cb_cli_fail("out of memory") : 0;
}

static int set_btf(struct run_args *a, const char *value)
{
	return source_option(a, CB_CLI_OPT_BTF, value);
}

static int set_clang(struct run_args *a, const char *value)
{
	return source_option(a, CB_CLI_OPT_CLANG, value);
}

static int set_server(struct run_args *a, const char *value)
{
	return source_option(a, CB_CLI_OPT_SERVER, value);
}

static int set_define(struct run_args *a, const char *value)
{
	return source_option(a, 'D', value);
}

static int set_include(struct run_args *a, const char *value)
{
	return source_option(a, 'I', value);
}

static const struct option_row rows[] = {
	{'o', "output", true, set_output},     {'f', "file", true, set_file},
	{'d', "duration", true, set_duration}, {'i', "interval", true, set_interval},
	{'n', "count", true, set_count},       {0, "filter", true, set_filter},
	{0, "ready", true, set_ready},	       {'p', "param", true, set_param},
	{'a', "attach", true, set_attach},     {0, "btf", true, set_btf},
	{0, "clang", true, set_clang},	       {0, "server", true, set_server},
	{'D', "define", true, set_define},     {'I', "include", true, set_include},
	{'v', "verbose", false, set_verbose},  {'q', "quiet", false, set_quiet},
	{'h', "help", false, set_help},
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

/* The row of "--name", "--name=value", "-x", "-xvalue"; *value is set to what is glued on, or NULL. */
static const struct option_row *find_row(const char *word, const char **value)
{
	*value = NULL;
	for (size_t i = 0; i < ROWS; i++) {
		size_t n = strlen(rows[i].name);

		if (word[1] == '-') {
			if (strncmp(word + 2, rows[i].name, n) || (word[2 + n] && word[2 + n] != '='))
				continue;
			*value = word[2 + n] ? word + 3 + n : NULL;
			return &rows[i];
		}
		if (word[1] == rows[i].letter) {
			*value = word[2] ? word + 2 : NULL;
			return &rows[i];
		}
	}
	return NULL;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* A word of the tool's: --NAME, --NAME=VALUE or --NAME VALUE. */
static int tool_option(struct run_args *a, int argc, char **argv, int *i)
{
	char *name = argv[*i], *equals;
	const char *value = NULL;

	if (name[1] != '-' || !name[2])
		return cb_cli_usage("run", "there is no option %s", name);
	name += 2;
	equals = strchr(name, '=');
	if (equals) {
		*equals = '\0';
		value = equals + 1;
	} else if (*i + 1 < argc && !is_option(argv[*i + 1])) {
		value = argv[++*i];
	}
	return add_pair(&a->params, &a->nparams, name, value);
}

/* One of run's own options, and the word behind it when that is its value. */
static int own_option(struct run_args *a, const struct option_row *row, const char *value, int argc, char **argv,
		      int *i)
{
	char *word = argv[*i];

	if (!row->value && value && word[1] == '-')
		return cb_cli_usage("run", "the option --%s takes no value", row->name);
	if (!row->value && value) {
		/* -vq is -v -q: what is left of the word comes again */
		word[1] = '-';
		argv[(*i)--] = word + 1;
		value = NULL;
	} else if (row->value && !value) {
		if (*i + 1 == argc)
			return cb_cli_usage("run", "the option --%s needs a value", row->name);
		value = argv[++*i];
	}
	return row->set(a, value);
}

int cb_run_args(struct run_args *a, int argc, char **argv)
{
	*a = (struct run_args){.ready_fd = -1};
	cb_cli_source_init(&a->source);
	for (int i = 1; i < argc; i++) {
		const struct option_row *row;
		const char *value;
		int status;

		if (!is_option(argv[i])) {
			if (a->file)
				return cb_cli_usage("run", "\"%s\" is one word too many; the tool is %s", argv[i],
						    a->file);
			a->file = argv[i];
			continue;
		}
		row = find_row(argv[i], &value);
		if (!row && !a->file)
			return cb_cli_usage("run", "there is no option %s (a tool's own options stand behind FILE)",
					    argv[i]);
		status = row ? own_option(a, row, value, argc, argv, &i) : tool_option(a, argc, argv, &i);
		if (status)
			return status;
	}
	if (!a->file && !a->help)
		return cb_cli_usage("run", "which tool? Name a .bpf.c or a .bpf.o file");
	return 0;
}

void cb_run_args_free(struct run_args *a)
{
	cb_cli_source_free(&a->source);
	free(a->params);
	free(a->attach);
}

/* The value of a parameter that stood alone: on, if it is a bool. */
static const char *lone_value(struct coolbpf *cb, const char *name)
{
	struct coolbpf_param p;

	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++)
		if (!strcmp(p.name, name) && (!strcmp(p.type, "bool") || !strcmp(p.type, "_Bool")))
			return "true";
	return NULL;
}

static bool has_param(struct coolbpf *cb, const char *name)
{
	struct coolbpf_param p;

	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++)
		if (!strcmp(p.name, name))
			return true;
	return false;
}

/* --exec-name may be written for exec_name. */
static void underscores(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

int cb_run_apply(const struct run_args *a, struct coolbpf *cb)
{
	for (size_t i = 0; i < a->nparams; i++) {
		const struct run_pair *p = &a->params[i];
		const char *value = p->value;
		char name[128];
		int err;

		snprintf(name, sizeof(name), "%s", p->name);
		if (!has_param(cb, name))
			underscores(name);
		if (!value)
			value = lone_value(cb, name);
		if (!value && has_param(cb, name))
			return cb_cli_usage("run", "the option --%s of %s needs a value", p->name, coolbpf_name(cb));
		err = coolbpf_param_set(cb, name, value ? value : "");
		if (err == -ENOENT)
			return cb_cli_usage("run", "there is no option --%s: %s", p->name, coolbpf_errmsg(cb));
		if (err)
			return cb_cli_usage("run", "%s", coolbpf_errmsg(cb));
	}
	for (size_t i = 0; i < a->nattach; i++)
		if (coolbpf_program_target(cb, a->attach[i].name, a->attach[i].value))
			return cb_cli_usage("run", "%s", coolbpf_errmsg(cb));
	return 0;
}
