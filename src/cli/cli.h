/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cli.h - what the subcommands of coolbpf share.
 *
 * A subcommand gets its own name as argv[0] and returns the exit status: 0 done, 1 it failed (and said why on standard
 * error), 2 it was called wrongly. It may leave text in stdout's buffer: main() writes it out and turns a failure to do
 * so (closed pipe, full disk) into a message and exit status 1. SIGPIPE is ignored.
 */
#ifndef CB_CLI_H
#define CB_CLI_H

#include "coolbpf/coolbpf.h"

enum { CB_CLI_OK = 0, CB_CLI_FAILED = 1, CB_CLI_USAGE = 2 };

int cmd_run(int argc, char **argv);
int cmd_build(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_lab(int argc, char **argv);

/* Print "coolbpf: SENTENCE" on standard error; returns CB_CLI_FAILED. */
int cb_cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, followed by where to find the usage of this subcommand; returns CB_CLI_USAGE. */
int cb_cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For coolbpf_opts.log: one line on standard error. */
void cb_cli_log(void *ctx, enum coolbpf_log_level level, const char *text);

/*
 * Options by getopt_long, with a leading ':' in the short ones and opterr off. cb_cli_bad_option() is for what it returns
 * for a wrong option (':' and '?').
 */
int cb_cli_bad_option(const char *command, int opt, char **argv);

/* The options of every subcommand that takes a source. Append CB_CLI_SOURCE_SHORT and CB_CLI_SOURCE_LONG to one's own,
 * and let cb_cli_source_option() see each option first: 1 it was one of these, 0 it was not, -1 out of memory. */
struct cb_cli_source {
	struct coolbpf_opts opts; /* for coolbpf_new() */
	const char **cflags;
	size_t ncflags;
};

enum { CB_CLI_OPT_BTF = 0x1000, CB_CLI_OPT_CLANG, CB_CLI_OPT_SERVER, CB_CLI_OPT_OWN /* first of a subcommand's own */ };

#define CB_CLI_SOURCE_SHORT "D:I:"
#define CB_CLI_SOURCE_LONG                                                                                             \
	{"btf", required_argument, NULL, CB_CLI_OPT_BTF}, {"clang", required_argument, NULL, CB_CLI_OPT_CLANG},        \
	{                                                                                                              \
		"server", required_argument, NULL, CB_CLI_OPT_SERVER                                                   \
	}
#define CB_CLI_SOURCE_HELP                                                                                             \
	"  --btf FILE              BTF of the kernel to compile for and run on: raw, an ELF file with a .BTF "         \
	"section,\n"                                                                                                   \
	"                          or a kernel image\n"                                                                \
	"  --clang PROGRAM         the compiler (default: $CLANG, else the newest clang in $PATH)\n"                   \
	"  --server URL[,URL ...]  have it compiled by a server (default: $COOLBPF_SERVER; none: compile here)\n"      \
	"  -D NAME[=VALUE], -I DIR passed to the compiler\n"

void cb_cli_source_init(struct cb_cli_source *s);
int cb_cli_source_option(struct cb_cli_source *s, int opt, const char *arg);
void cb_cli_source_free(struct cb_cli_source *s);

#endif
