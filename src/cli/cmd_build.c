// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_build.c - coolbpf build: compile a source into an object that runs elsewhere without a compiler, or into something else
 * that holds one: a header for C programs (skeleton.c, libbpf_skeleton.c), a shared library. Files are written whole or not at
 * all.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/libbpf_skeleton.h"
#include "cli/skeleton.h"
#include "runtime/runtime.h"
#include "service/api.h"

static const char help[] =
	"Usage: coolbpf build [OPTION ...] FILE.bpf.c\n"
	"       coolbpf build --format h|skel [OPTION ...] FILE.bpf.c|FILE.bpf.o\n"
	"       coolbpf build --skeleton FILE.h [OPTION ...] FILE.bpf.c|FILE.bpf.o\n"
	"\n"
	"Compile a tool into an object, which runs without a compiler.\n"
	"\n"
	"Options:\n"
	"  -o, --output FILE       what is written (default: FILE.bpf.o, FILE.so, FILE.h or FILE.skel.h in this\n"
	"                          directory; no object with --skeleton)\n"
	"  --format FORMAT         o: an object (default); so: a shared library with the object and a loader inside;\n"
	"                          h: a C header with the object inside and typed functions for libcoolbpf;\n"
	"                          skel: the same for libbpf\n"
	"  --skeleton FILE.h       write such an h, too or alone\n"
	"  --arch ARCH             for machines of this architecture: x86_64, aarch64 (arm64), ... (default: this\n"
	"                          machine's; another one needs --btf)\n" CB_CLI_SOURCE_HELP
	"  -h, --help              show this text\n";

struct build {
	const char *input, *output, *skeleton;
	enum cb_format format;
};

/* Where it goes: as told, or the tool's name with the format's end, here. */
static int write_output(const struct build *b, const char *tool, const void *data, size_t size)
{
	static const char *const ends[CB_FORMATS] = {
		[CB_FORMAT_O] = ".bpf.o", [CB_FORMAT_SO] = ".so", [CB_FORMAT_H] = ".h", [CB_FORMAT_SKEL] = ".skel.h"};
	struct cb_err err = {0};
	char name[PATH_MAX];
	const char *path = b->output;

	if (!path) {
		snprintf(name, sizeof(name), "%s%s", tool, ends[b->format]);
		path = name;
	}
	return cb_file_write(path, data, size, 0644, &err) ? cb_cli_fail("%s", err.text) : CB_CLI_OK;
}

static int write_skeleton(struct coolbpf *cb, const char *path)
{
	struct cb_err err = {0};
	struct cb_buf out = {0};
	int status = CB_CLI_OK;

	if (cb_skeleton(cb, &out, &err) || cb_file_write(path, out.data, out.len, 0644, &err))
		status = cb_cli_fail("%s", err.text);
	cb_buf_free(&out);
	return status;
}

static int write_format(struct coolbpf *cb, const struct build *b)
{
	struct cb_err err = {0};
	struct cb_buf out = {0};
	size_t size;
	const void *data = coolbpf_object_data(cb, &size);
	int status;

	if (b->format == CB_FORMAT_O)
		return write_output(b, coolbpf_name(cb), data, size);
	if (b->format == CB_FORMAT_H ? cb_skeleton(cb, &out, &err)
				     : cb_libbpf_skeleton(data, size, b->input, &out, &err))
		status = cb_cli_fail("%s", err.text);
	else
		status = write_output(b, coolbpf_name(cb), out.data, out.len);
	cb_buf_free(&out);
	return status;
}

static int open_and_write(struct coolbpf *cb, const struct build *b)
{
	int status = CB_CLI_OK;

	if (coolbpf_open_file(cb, b->input))
		return cb_cli_fail("%s", coolbpf_errmsg(cb));
	if (b->skeleton)
		status = write_skeleton(cb, b->skeleton);
	if (!status && (b->output || !b->skeleton))
		status = write_format(cb, b);
	return status;
}

/* A shared library comes ready from who compiles. */
static int compile_and_write(struct coolbpf *cb, const struct build *b)
{
	void *data;
	size_t size;
	int status;

	if (cb_source_compile(cb, NULL, b->input, b->format, &data, &size))
		return cb_cli_fail("%s", coolbpf_errmsg(cb));
	cb->name = cb_tool_name(b->input);
	status = cb->name ? write_output(b, cb->name, data, size) : cb_cli_fail("out of memory");
	free(data);
	return status;
}

static int build(const struct coolbpf_opts *opts, const struct build *b)
{
	struct coolbpf *cb = coolbpf_new(opts);
	int status;

	if (!cb)
		return cb_cli_fail("out of memory");
	status = b->format == CB_FORMAT_SO ? compile_and_write(cb, b) : open_and_write(cb, b);
	coolbpf_free(cb);
	return status;
}

static bool is_source(const char *path)
{
	size_t n = strlen(path);

	return n > 2 && !strcmp(path + n - 2, ".c");
}

/* What cannot go together; -1 when all can. */
static int check(const struct build *b, int files)
{
	if (files != 1)
		return cb_cli_usage("build", files ? "one file at a time" : "which file?");
	if (b->skeleton && b->format != CB_FORMAT_O)
		return cb_cli_usage("build", "--skeleton goes with no other --format than o");
	if (!is_source(b->input) && !b->skeleton && b->format != CB_FORMAT_H && b->format != CB_FORMAT_SKEL)
		return cb_cli_usage("build",
				    "%s is not a source (.bpf.c); of an object only a header can be made (--skeleton, "
				    "--format h or skel)",
				    b->input);
	return -1;
}

/* -1, or the exit status when it is wrong, which has been said. */
static int set_format(struct build *b, const char *name)
{
	int format = cb_format_of(name);

	if (format < 0)
		return cb_cli_usage("build", "there is no format \"%s\"; there are o, so, h, skel", name);
	b->format = (enum cb_format)format;
	return -1;
}

int cmd_build(int argc, char **argv)
{
	enum { OPT_SKELETON = CB_CLI_OPT_OWN, OPT_FORMAT, OPT_ARCH };
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"format", required_argument, NULL, OPT_FORMAT},
						{"skeleton", required_argument, NULL, OPT_SKELETON},
						{"arch", required_argument, NULL, OPT_ARCH},
						{"help", no_argument, NULL, 'h'},
						CB_CLI_SOURCE_LONG,
						{0}};
	struct build b = {.format = CB_FORMAT_O};
	struct cb_cli_source source;
	int opt, status = -1;

	cb_cli_source_init(&source);
	opterr = 0;
	while (status < 0 && (opt = getopt_long(argc, argv, ":o:h" CB_CLI_SOURCE_SHORT, options, NULL)) != -1) {
		int taken = cb_cli_source_option(&source, opt, optarg);

		if (taken < 0) {
			status = cb_cli_fail("out of memory");
		} else if (taken) {
			continue;
		} else if (opt == 'h') {
			fputs(help, stdout);
			status = CB_CLI_OK;
		} else if (opt == 'o') {
			b.output = optarg;
		} else if (opt == OPT_FORMAT) {
			status = set_format(&b, optarg);
		} else if (opt == OPT_SKELETON) {
			b.skeleton = optarg;
		} else if (opt == OPT_ARCH) {
			source.opts.arch = optarg;
		} else {
			status = cb_cli_bad_option("build", opt, argv);
		}
	}
	b.input = argv[optind];
	if (status < 0)
		status = check(&b, argc - optind);
	if (status < 0)
		status = build(&source.opts, &b);
	cb_cli_source_free(&source);
	return status;
}
