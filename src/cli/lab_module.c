// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* lab_module.c - coolbpf lab module: build an out-of-tree module against the headers of kernels in the cache. */
#include "cli/lab.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "lab/store.h"

static const char help[] =
	"Usage: coolbpf lab module [OPTION ...] DIR\n"
	"\n"
	"Build the out-of-tree module in DIR, which has a Kbuild or Makefile with obj-m, for each of the kernels, "
	"against\n"
	"their own header packages; these are fetched when they are not there. DIR itself is not written to.\n"
	"\n"
	"Options:\n"
	"  --kernels KERNELS       for which kernels in the cache: patterns, versions, architectures (default: all of "
	"this\n"
	"                          machine's architecture; see coolbpf lab kernels --help)\n"
	"  --kernel PATH,modules=DIR\n"
	"                          for this kernel, with its lib/modules/RELEASE, in which build/ is\n"
	"  --output-dir DIR        write the modules to DIR/RELEASE/NAME.ko\n"
	"  -q, --quiet             do not say what is done\n"
	"  -h, --help              show this text\n";

struct wish {
	const char *dir, *kernels, *kernel, *output;
	struct cb_lab_fetch opts;
};

static int write_all(const struct cb_lab_kernel *k, const struct cb_lab_kos *kos, const char *output, struct cb_err *e)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int err = cb_lab_path(dir, e, "%s/%s", output, k->release);

	if (!err)
		err = cb_mkdirs(dir, e);
	for (size_t i = 0; i < kos->n && !err; i++) {
		err = cb_lab_path(path, e, "%s/%s.ko", dir, kos->ko[i].name);
		if (!err)
			err = cb_file_write(path, kos->ko[i].data, kos->ko[i].len, 0644, e);
	}
	return err;
}

static int build_for(const struct wish *w, const struct cb_lab_kernel *k)
{
	struct cb_lab_kos kos = {0};
	struct cb_err err = {0};
	int failed = cb_lab_module_build(k, w->dir, &w->opts, &kos, &err);

	if (!failed) {
		printf("%s:", k->name);
		for (size_t i = 0; i < kos.n; i++)
			printf(" %s", kos.ko[i].name);
		printf("\n");
		fflush(stdout);
	}
	if (!failed && w->output)
		failed = write_all(k, &kos, w->output, &err);
	cb_lab_kos_free(&kos);
	return failed ? cb_cli_fail("%s", err.text) : CB_CLI_OK;
}

static int build_for_file(const struct wish *w)
{
	struct cb_lab_kernel k;
	struct cb_err err = {0};
	int status;

	if (cb_lab_kernel_file(w->kernel, &k, &err))
		return cb_cli_fail("%s", err.text);
	status = build_for(w, &k);
	cb_lab_kernel_free(&k);
	return status;
}

/* All that are chosen, even if one fails. */
static int build_for_cache(const struct wish *w)
{
	struct cb_lab_kernels ks;
	int status = lab_choose_kernels("lab module", w->kernels, &ks), failed = CB_CLI_OK;

	for (size_t i = 0; !status && i < ks.n; i++)
		if (build_for(w, &ks.k[i]))
			failed = CB_CLI_FAILED;
	cb_lab_kernels_free(&ks);
	return status ? status : failed;
}

int lab_module(int argc, char **argv)
{
	enum { KERNELS = 1, KERNEL, OUTPUT };
	static const struct option options[] = {{"kernels", required_argument, NULL, KERNELS},
						{"kernel", required_argument, NULL, KERNEL},
						{"output-dir", required_argument, NULL, OUTPUT},
						{"quiet", no_argument, NULL, 'q'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct cb_log log = {.level = CB_INFO, .say = lab_say};
	struct wish w = {.opts = {.log = &log}, .kernels = cb_lab_own_arch()};
	struct cb_err err = {0};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
		switch (opt) {
		case KERNELS:
			w.kernels = optarg;
			break;
		case KERNEL:
			w.kernel = optarg;
			break;
		case OUTPUT:
			w.output = optarg;
			break;
		case 'q':
			log.level = CB_WARN;
			break;
		case 'h':
			fputs(help, stdout);
			return CB_CLI_OK;
		default:
			return cb_cli_bad_option("lab module", opt, argv);
		}
	}
	if (argc - optind != 1)
		return cb_cli_usage("lab module",
				    argc == optind ? "the module in which directory?" : "one directory at a time");
	w.dir = argv[optind];
	if (cb_lab_module_check(w.dir, &err))
		return cb_cli_fail("%s", err.text);
	return w.kernel ? build_for_file(&w) : build_for_cache(&w);
}
