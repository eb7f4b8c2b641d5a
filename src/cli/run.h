/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * run.h - the parts of "coolbpf run".
 *
 *   run_args.c   the command line: run's own options, and the tool's parameters
 *   find_tool.c  installed tools by name
 *   run_help.c   what --help says of a tool
 *   run_out.c    events and maps to a descriptor
 *   resolve.c    names for stacks and addresses
 *   cmd_run.c    open, load, attach, the loop, the end
 */
#ifndef CB_RUN_H
#define CB_RUN_H

#include <signal.h>

#include "cli/cli.h"
#include "output/output.h"

enum run_format { RUN_TABLE, RUN_JSON, RUN_CSV, RUN_FOLDED, RUN_SVG };

struct run_pair {
	const char *name, *value; /* value NULL: the option stood alone */
};

struct run_args {
	struct cb_cli_source source;
	const char *file;
	enum run_format format;
	const char *out;			  /* -f, or NULL for standard output */
	uint64_t duration_ns, interval_ns, count; /* 0: not given */
	const char *filter;
	bool help, quiet;
	int ready_fd; /* told when the tool is attached; -1: nobody waits */
	struct run_pair *params;
	size_t nparams;
	struct run_pair *attach; /* PROGRAM=TARGET */
	size_t nattach;
};

/* 0, or an exit status after the reason was printed. */
int cb_run_args(struct run_args *a, int argc, char **argv);
void cb_run_args_free(struct run_args *a);
/* Set the tool's parameters and targets as the command line says; 0 or an exit status. */
int cb_run_apply(const struct run_args *a, struct coolbpf *cb);

/* A bare name ("execsnoop") becomes the path of an installed tool, written to path; anything else stays what it is. */
const char *cb_run_find_tool(const char *name, char *path, size_t size);

/* CLOCK_MONOTONIC. */
uint64_t cb_run_now_ns(void);

void cb_run_usage(void);
void cb_run_tool_help(const struct run_args *a, struct coolbpf *cb);

/* ---- Names --------------------------------------------------------------------------------------------------------- */

struct run_names;

struct run_names *cb_run_names_new(struct coolbpf *cb);
const struct cb_resolver *cb_run_resolver(const struct run_names *n);
void cb_run_names_free(struct run_names *n);

/* ---- Output -------------------------------------------------------------------------------------------------------- */

struct run_out;

/* Before load: registers the functions that print events. NULL after the reason was printed, with the exit status. */
struct run_out *cb_run_out_new(const struct run_args *a, struct coolbpf *cb, int *status);
/* The tool runs: what the output file held goes. Without this call the file stays as it was, or absent. Negative errno. */
int cb_run_out_begin(struct run_out *o);
/* In a flood of events, too, coolbpf_consume() is to come back now and then, with -ECANCELED, and at once when *stopped
 * becomes true. NULL lets everything through again, for what is left in the buffers. */
void cb_run_out_until(struct run_out *o, const volatile sig_atomic_t *stopped);
/* Becomes true when events have reached --count, or output has failed. */
bool cb_run_out_done(const struct run_out *o);
/* Text as it is, before the first event. */
int cb_run_out_text(struct run_out *o, const char *text, size_t n);
/* Events that have been formatted leave for the descriptor. Negative errno: output failed, see cb_run_out_error(). */
int cb_run_out_flush(struct run_out *o, bool idle);
/* When a flush is wanted even if nothing else happens, by CLOCK_MONOTONIC in ns; 0: never. A file gets events late. */
uint64_t cb_run_out_flush_due(const struct run_out *o);
/* Print the maps that the tool shows; final: not one of many. */
int cb_run_out_maps(struct run_out *o, bool final);
/* Has the tool maps to show? */
bool cb_run_out_has_maps(const struct run_out *o);
/* Say on standard error how many events were lost since the last time that this was said. */
void cb_run_out_lost(struct run_out *o);
/* Write what is only complete at the end (flame graph, folded stacks), close the file. */
int cb_run_out_finish(struct run_out *o);
const char *cb_run_out_error(const struct run_out *o);
void cb_run_out_free(struct run_out *o);

#endif
