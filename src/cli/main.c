// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * main.c - the coolbpf command: finds the subcommand in a table and calls it.
 *
 * Each subcommand has its own file, cmd_NAME.c, and its own --help. Nothing else is set up here, so that a subcommand
 * pays only for what it uses.
 */
#include "cli/cli.h"

#include "lab/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"run", "run a tool: load it, attach it, print its events and maps", cmd_run},
	{"build", "compile a .bpf.c into an object, or what else can hold it", cmd_build},
	{"inspect", "show what an object holds: programs, hooks, maps, parameters, events", cmd_inspect},
	{"doctor", "show what this kernel offers to BPF tools, and what is missing", cmd_doctor},
	{"lab", "boot kernels in qemu and run tools on them", cmd_lab},
	{"serve", "compile for others: a server for coolbpf run --server and others over HTTP", cmd_serve},
	{"keygen", "make a key pair: a compile server signs with it, its clients check", cmd_keygen},
	{"help", "show this text, or the help of a subcommand", cmd_help},
	{"version", "show the version", cmd_version},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct command *find_command(const char *name)
{
	/* The options that every program has are the subcommands of the same meaning. */
	if (!strcmp(name, "-h") || !strcmp(name, "--help"))
		name = "help";
	else if (!strcmp(name, "-V") || !strcmp(name, "--version"))
		name = "version";
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void print_help(FILE *to)
{
	fputs("Usage: coolbpf COMMAND [ARGUMENT ...]\n"
	      "\n"
	      "One .bpf.c file is a tool: coolbpf compiles it, runs it and prints its typed events.\n"
	      "\n"
	      "Commands:\n",
	      to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\n"
	      "\"coolbpf COMMAND --help\" shows a command's options, \"coolbpf run FILE --help\" those of a tool.\n",
	      to);
}

static int cmd_help(int argc, char **argv)
{
	const struct command *c;
	char *help[] = {NULL, "--help", NULL};

	if (argc < 2 || argv[1][0] == '-') {
		print_help(stdout);
		return CB_CLI_OK;
	}
	c = find_command(argv[1]);
	if (!c)
		return cb_cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	help[0] = argv[1];
	return c->run(2, help);
}

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("coolbpf %s\n", coolbpf_version());
	return CB_CLI_OK;
}

int cb_cli_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("coolbpf: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CB_CLI_FAILED;
}

int cb_cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fputs("coolbpf: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry \"coolbpf %s%s--help\".\n", command ? command : "", command ? " " : "");
	return CB_CLI_USAGE;
}

void cb_cli_log(void *ctx, enum coolbpf_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "coolbpf: %s\n", text);
}

/* A standard descriptor that came closed would go to the first file that is opened, and output would end up in there.
 * Opened for reading it refuses what is written, as a closed one does. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In a guest of the lab this program is /init. */
static bool is_lab_agent(char **argv)
{
	return getpid() == 1 && argv[0] && !strcmp(argv[0], "/init");
}

int main(int argc, char **argv)
{
	const struct command *c;
	int status;

	fill_standard_descriptors();
	libbpf_set_print(NULL);	  /* what libbpf says is said in sentences of ours */
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write that met it */
	if (is_lab_agent(argv))
		return cb_lab_agent();
	if (argc < 2) {
		print_help(stderr);
		return CB_CLI_USAGE;
	}
	c = find_command(argv[1]);
	if (!c)
		return cb_cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	status = c->run(argc - 1, argv + 1);
	if ((fflush(stdout) || ferror(stdout)) && status != CB_CLI_FAILED)
		status = cb_cli_fail("cannot write to standard output: %s", strerror(errno));
	return status;
}
