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

/* Print "coolbpf: SENTENCE" on standard error; returns CB_CLI_FAILED. */
int cb_cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, followed by where to find the usage of this subcommand; returns CB_CLI_USAGE. */
int cb_cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For coolbpf_opts.log: one line on standard error. */
void cb_cli_log(void *ctx, enum coolbpf_log_level level, const char *text);

#endif
