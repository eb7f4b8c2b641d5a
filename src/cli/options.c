// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* options.c - options that several subcommands take, and what is said about wrong ones (see cli.h). */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

int cb_cli_bad_option(const char *command, int opt, char **argv)
{
	/* optopt is 0 for an unknown long option, and optind then stands behind it */
	const char *word = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, '\0'};
	int name;

	if (word[0] != '-' || word[1] != '-')
		word = letter;
	name = (int)strcspn(word, "=");
	if (opt == ':')
		return cb_cli_usage(command, "the option %.*s needs a value", name, word);
	if (optopt && word != letter)
		return cb_cli_usage(command, "the option %.*s takes no value", name, word);
	return cb_cli_usage(command, "there is no option %.*s", name, word);
}

void cb_cli_source_init(struct cb_cli_source *s)
{
	*s = (struct cb_cli_source){.opts = {.sz = sizeof(s->opts), .log = cb_cli_log, .log_level = COOLBPF_LOG_WARN}};
}

static int add_cflag(struct cb_cli_source *s, const char *flag, const char *value)
{
	const char **more = realloc(s->cflags, (s->ncflags + 3) * sizeof(*more));

	if (!more)
		return -1;
	s->cflags = more;
	s->cflags[s->ncflags++] = flag;
	s->cflags[s->ncflags++] = value;
	s->cflags[s->ncflags] = NULL;
	s->opts.cflags = s->cflags;
	return 1;
}

int cb_cli_source_option(struct cb_cli_source *s, int opt, const char *arg)
{
	switch (opt) {
	case CB_CLI_OPT_BTF:
		s->opts.btf_path = arg;
		return 1;
	case CB_CLI_OPT_CLANG:
		s->opts.clang = arg;
		return 1;
	case CB_CLI_OPT_SERVER:
		s->opts.server = arg;
		return 1;
	case 'D':
		return add_cflag(s, "-D", arg);
	case 'I':
		return add_cflag(s, "-I", arg);
	default:
		return 0;
	}
}

void cb_cli_source_free(struct cb_cli_source *s)
{
	free(s->cflags);
}
