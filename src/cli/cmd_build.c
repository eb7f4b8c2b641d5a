// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_build.c - coolbpf build: compile a source into an object that runs elsewhere without a compiler, or into a header
 * for C programs (skeleton.c). Files are written whole or not at all.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/skeleton.h"

static const char help[] =
	"Usage: coolbpf build [OPTION ...] FILE.bpf.c\n"
	"       coolbpf build --skeleton FILE.h [OPTION ...] FILE.bpf.c|FILE.bpf.o\n"
	"\n"
	"Compile a tool into an object, which runs without a compiler.\n"
	"\n"
	"Options:\n"
	"  -o, --output FILE       the object (default: FILE.bpf.o in this directory; none with --skeleton)\n"
	"  --skeleton FILE.h       write a C header with the object inside and typed functions for "
	"libcoolbpf\n" CB_CLI_SOURCE_HELP "  -h, --help              show this text\n";

struct build {
	const char *input, *object, *skeleton;
};

static int write_object(const struct coolbpf *cb, const char *path)
{
	struct cb_err err = {0};
	char name[PATH_MAX];
	const void *data;
	size_t size;

	if (!path) {
		snprintf(name, sizeof(name), "%s.bpf.o", coolbpf_name(cb));
		path = name;
	}
	data = coolbpf_object_data(cb, &size);
	if (cb_file_write(path, data, size, 0644, &err))
		return cb_cli_fail("%s", err.text);
	return CB_CLI_OK;
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

static int build(const struct coolbpf_opts *opts, const struct build *b)
{
	struct coolbpf *cb = coolbpf_new(opts);
	int status = CB_CLI_OK;

	if (!cb)
		return cb_cli_fail("out of memory");
	if (coolbpf_open_file(cb, b->input))
		status = cb_cli_fail("%s", coolbpf_errmsg(cb));
	if (!status && b->skeleton)
		status = write_skeleton(cb, b->skeleton);
	if (!status && (b->object || !b->skeleton))
		status = write_object(cb, b->object);
	coolbpf_free(cb);
	return status;
}

static bool is_source(const char *path)
{
	size_t n = strlen(path);

	return n > 2 && !strcmp(path + n - 2, ".c");
}

int cmd_build(int argc, char **argv)
{
	enum { OPT_SKELETON = CB_CLI_OPT_OWN };
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"skeleton", required_argument, NULL, OPT_SKELETON},
						{"help", no_argument, NULL, 'h'},
						CB_CLI_SOURCE_LONG,
						{0}};
	struct build b = {0};
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
			b.object = optarg;
		} else if (opt == OPT_SKELETON) {
			b.skeleton = optarg;
		} else {
			status = cb_cli_bad_option("build", opt, argv);
		}
	}
	b.input = argv[optind];
	if (status < 0 && argc - optind != 1)
		status = cb_cli_usage("build", argc == optind ? "which file?" : "one file at a time");
	else if (status < 0 && !is_source(b.input) && !b.skeleton)
		status = cb_cli_usage(
			"build", "%s is not a source (.bpf.c); of an object only a --skeleton can be made", b.input);
	if (status < 0)
		status = build(&source.opts, &b);
	cb_cli_source_free(&source);
	return status;
}
