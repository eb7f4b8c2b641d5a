// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* cmd_lab.c - coolbpf lab: finds the subcommand in a table and calls it. */
#include "cli/lab.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"kernels", "list the kernels that can be booted", lab_kernels},
	{"fetch", "fetch kernels of Debian's into the cache", lab_fetch},
	{"run", "run the tests of tools on these kernels", lab_run},
	{"module", "build an out-of-tree module for these kernels", lab_module},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *to)
{
	fputs("Usage: coolbpf lab COMMAND [ARGUMENT ...]\n"
	      "\n"
	      "Boot real kernels in qemu, and run tools on them.\n"
	      "\n"
	      "Commands:\n",
	      to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\n\"coolbpf lab COMMAND --help\" shows a command's options.\n", to);
}

void lab_say(void *ctx, enum cb_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "coolbpf: %s\n", text);
}

void lab_tell_damaged(const struct cb_lab_kernels *ks)
{
	if (ks->damaged)
		fprintf(stderr, "coolbpf: %zu damaged kernels in the cache are left out; fetch them again\n",
			ks->damaged);
}

int lab_choose_kernels(const char *command, const char *kernels, struct cb_lab_kernels *out)
{
	struct cb_err e = {0};
	size_t all;

	if (cb_lab_kernels(out, &e))
		return cb_cli_fail("%s", e.text);
	lab_tell_damaged(out);
	all = out->n;
	if (!all)
		return cb_cli_fail("there are no kernels yet; fetch some: " LAB_FETCH);
	if (kernels && cb_lab_kernels_choose(out, kernels, &e))
		return cb_cli_usage(command, "%s", e.text);
	if (!out->n)
		return cb_cli_fail("no kernel in the cache is chosen by \"%s\"; see: coolbpf lab kernels", kernels);
	return CB_CLI_OK;
}

int cmd_lab(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CB_CLI_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		print_help(stdout);
		return CB_CLI_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	if (argv[1][0] == '-')
		return cb_cli_usage("lab", "there is no option %s", argv[1]);
	return cb_cli_usage("lab", "there is no command \"lab %s\"", argv[1]);
}
