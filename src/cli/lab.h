/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* lab.h - the subcommands of "coolbpf lab": each in lab_NAME.c, called with its own name as argv[0] (see cli.h). */
#ifndef CB_CLI_LAB_H
#define CB_CLI_LAB_H

#include "base/log.h"
#include "cli/cli.h"

int lab_kernels(int argc, char **argv);
int lab_fetch(int argc, char **argv);
int lab_run(int argc, char **argv);
int lab_module(int argc, char **argv);

/* For struct cb_log: one line on standard error. */
void lab_say(void *ctx, enum cb_log_level level, const char *text);

/* "bookworm,bookworm-security" as a list with NULL at its end, which points into text; NULL: no memory. */
const char **lab_words(char *text);

#endif
