// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_doctor.c - coolbpf doctor: what this kernel offers to BPF tools, what is missing, and what to do about it.
 *
 * The checks are one flat list (doctor.h). Text prints it by group, the groups of mere names in two lines each, and ends
 * with the advice that applies; JSON prints the list. The exit status is 0 when tools can run here.
 */
#include "cli/cli.h"

#include <bpf/libbpf.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/doctor.h"

static const char help[] = "Usage: coolbpf doctor [OPTION ...]\n"
			   "\n"
			   "Show what this kernel offers to BPF tools, what is missing, and what to do.\n"
			   "The exit status is 0 when tools can run here, 1 when they cannot.\n"
			   "\n"
			   "Options:\n"
			   "  -o, --output text|json  how to print (default: text)\n"
			   "  --btf FILE              BTF of this kernel, when it does not offer its own\n"
			   "  --clang PROGRAM         the compiler to look at\n"
			   "  -h, --help              show this text\n";

/* ---- The list --------------------------------------------------------------------------------------------------- */

void cb_doctor_add(struct cb_doctor *d, const char *group, const char *name, enum cb_state state, const char *advice,
		   const char *detail, ...)
{
	struct cb_check *more = realloc(d->checks, (d->count + 1) * sizeof(*more));
	va_list ap;
	char *text;

	if (more)
		d->checks = more;
	va_start(ap, detail);
	if (!more || vasprintf(&text, detail, ap) < 0)
		d->no_memory = true;
	else
		d->checks[d->count++] = (struct cb_check){group, name, state, text, advice ? advice : ""};
	va_end(ap);
}

static const struct cb_check *find(const struct cb_doctor *d, const char *group, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->checks[i].group, group) && !strcmp(d->checks[i].name, name))
			return &d->checks[i];
	return NULL;
}

enum cb_state cb_doctor_state(const struct cb_doctor *d, const char *group, const char *name)
{
	const struct cb_check *c = find(d, group, name);

	return c ? c->state : CB_UNKNOWN;
}

/* Nothing blocks, and there is at least one hook. */
static bool usable(const struct cb_doctor *d)
{
	bool hook = false;

	for (size_t i = 0; i < d->count; i++) {
		if (d->checks[i].state == CB_BLOCKED)
			return false;
		hook |= d->checks[i].state == CB_YES && !strcmp(d->checks[i].group, CB_DOCTOR_HOOKS);
	}
	return hook;
}

static const char *state_text(enum cb_state state)
{
	static const char *const texts[] = {
		[CB_FACT] = "", [CB_YES] = "yes", [CB_NO] = "no", [CB_BLOCKED] = "NO", [CB_UNKNOWN] = "?"};

	return texts[state];
}

static bool wants_advice(const struct cb_check *c)
{
	return *c->advice && (c->state == CB_NO || c->state == CB_BLOCKED || c->state == CB_UNKNOWN);
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

static bool names_only(const char *group)
{
	return !strcmp(group, CB_DOCTOR_PROGRAMS) || !strcmp(group, CB_DOCTOR_MAPS) ||
	       !strcmp(group, CB_DOCTOR_HELPERS);
}

/* The names of one state in a group, folded at the width of a page. */
static void print_names(const struct cb_doctor *d, const char *group, enum cb_state state)
{
	enum { MARGIN = 6, WIDTH = 100 };
	int column = WIDTH; /* beyond it a new line begins */

	for (size_t i = 0; i < d->count; i++) {
		const struct cb_check *c = &d->checks[i];

		if (strcmp(c->group, group) || c->state != state)
			continue;
		if (column == WIDTH)
			column = printf("  %-4s", state_text(state));
		if (column + (int)strlen(c->name) + 1 >= WIDTH)
			column = printf("\n%*s", MARGIN, "") - 1;
		column += printf(" %s", c->name);
	}
	if (column != WIDTH)
		putchar('\n');
}

static void print_text(const struct cb_doctor *d)
{
	const char *group = "", *last_advice = "";
	bool any = false;

	for (size_t i = 0; i < d->count; i++) {
		const struct cb_check *c = &d->checks[i];
		bool first = strcmp(group, c->group);

		group = c->group;
		if (first)
			printf("%s%s\n", i ? "\n" : "", group);
		if (first && names_only(group)) {
			print_names(d, group, CB_YES);
			print_names(d, group, CB_NO);
			print_names(d, group, CB_UNKNOWN);
		} else if (!names_only(group)) {
			printf(*c->detail ? "  %-25s  %-3s  %s\n" : "  %-25s  %s\n", c->name, state_text(c->state),
			       c->detail);
		}
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct cb_check *c = &d->checks[i];

		if (!wants_advice(c) || !strcmp(c->advice, last_advice))
			continue;
		if (!any)
			puts("\nwhat is missing, and what to do");
		any = true;
		last_advice = c->advice;
		printf("  %s: %s\n", c->name, c->advice);
	}
	puts(usable(d) ? "\nTools can run here." : "\nTools cannot run here.");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static int print_json(const struct cb_doctor *d)
{
	static const char *const states[] = {
		[CB_FACT] = "fact", [CB_YES] = "yes", [CB_NO] = "no", [CB_BLOCKED] = "no", [CB_UNKNOWN] = "unknown"};
	struct cb_buf out = {0};
	struct cb_json j = {.out = &out};
	bool failed;

	cb_json_open(&j, NULL, '{');
	cb_json_bool(&j, "usable", usable(d));
	cb_json_open(&j, "checks", '[');
	for (size_t i = 0; i < d->count; i++) {
		const struct cb_check *c = &d->checks[i];

		cb_json_open(&j, NULL, '{');
		cb_json_text(&j, "group", c->group);
		cb_json_text(&j, "name", c->name);
		cb_json_text(&j, "state", states[c->state]);
		cb_json_bool(&j, "blocks", c->state == CB_BLOCKED);
		cb_json_text(&j, "detail", c->detail);
		cb_json_text(&j, "advice", wants_advice(c) ? c->advice : "");
		cb_json_close(&j, '}');
	}
	cb_json_close(&j, ']');
	cb_json_close(&j, '}');
	puts(cb_buf_cstr(&out));
	failed = out.failed;
	cb_buf_free(&out);
	return failed ? cb_cli_fail("out of memory") : CB_CLI_OK;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

static int doctor(const struct coolbpf_opts *opts, bool json)
{
	struct cb_doctor d = {.cb = coolbpf_new(opts), .btf_path = opts->btf_path, .clang = opts->clang};
	int status;

	if (!d.cb)
		return cb_cli_fail("out of memory");
	cb_doctor_system(&d);
	cb_doctor_bpf(&d);
	status = usable(&d) ? CB_CLI_OK : CB_CLI_FAILED;
	if (d.no_memory)
		status = cb_cli_fail("out of memory");
	else if (!json)
		print_text(&d);
	else if (print_json(&d))
		status = CB_CLI_FAILED;
	for (size_t i = 0; i < d.count; i++)
		free(d.checks[i].detail);
	free(d.checks);
	coolbpf_free(d.cb);
	return status;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"btf", required_argument, NULL, CB_CLI_OPT_BTF},
		{"clang", required_argument, NULL, CB_CLI_OPT_CLANG},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct cb_cli_source source;
	bool json = false;
	int opt;

	cb_cli_source_init(&source);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (cb_cli_source_option(&source, opt, optarg))
			continue;
		if (opt == 'h') {
			fputs(help, stdout);
			return CB_CLI_OK;
		}
		if (opt != 'o')
			return cb_cli_bad_option("doctor", opt, argv);
		if (strcmp(optarg, "json") && strcmp(optarg, "text"))
			return cb_cli_usage("doctor", "-o takes text or json, not \"%s\"", optarg);
		json = !strcmp(optarg, "json");
	}
	if (optind != argc)
		return cb_cli_usage("doctor", "it takes no file");
	return doctor(&source.opts, json);
}
