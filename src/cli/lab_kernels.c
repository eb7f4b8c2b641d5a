// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* lab_kernels.c - coolbpf lab kernels: what is in the cache. */
#include "cli/lab.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/json.h"
#include "cli/table.h"

static const char help[] =
	"Usage: coolbpf lab kernels [OPTION ...] [KERNELS]\n"
	"\n"
	"List the kernels in the cache, the oldest first. KERNELS chooses among them: a list with commas of\n"
	"patterns (\"debian:6*\"), versions (\"6.1\", \">=5.15\") and architectures (\"arm64\").\n"
	"\n"
	"Options:\n"
	"  -o, --output table|json how to print (default: table)\n"
	"  -h, --help              show this text\n";

static uint64_t image_size(const struct cb_lab_kernel *k)
{
	struct stat st;

	return stat(k->image, &st) ? 0 : (uint64_t)st.st_size;
}

static void print_table(const struct cb_lab_kernels *ks)
{
	static const char *const titles[] = {"NAME", "RELEASE", "ARCH", "PACKAGE", ">SIZE", NULL};
	struct cb_table t = {.titles = titles};

	for (size_t i = 0; i < ks->n; i++) {
		const struct cb_lab_kernel *k = &ks->k[i];

		cb_table_cell(&t, "%s", k->name);
		cb_table_cell(&t, "%s", k->release);
		cb_table_cell(&t, "%s", k->arch);
		cb_table_cell(&t, "%s", k->package ? k->package : "-");
		cb_table_cell(&t, "%.1fM", (double)image_size(k) / (1 << 20));
	}
	cb_table_print(&t);
}

static void text_or_null(struct cb_json *j, const char *key, const char *text)
{
	if (text)
		cb_json_text(j, key, text);
	else
		cb_json_null(j, key);
}

static int print_json(const struct cb_lab_kernels *ks)
{
	struct cb_buf out = {0};
	struct cb_json j = {.out = &out};

	cb_json_open(&j, NULL, '[');
	for (size_t i = 0; i < ks->n; i++) {
		const struct cb_lab_kernel *k = &ks->k[i];

		cb_json_open(&j, NULL, '{');
		cb_json_text(&j, "name", k->name);
		cb_json_text(&j, "release", k->release);
		cb_json_text(&j, "arch", k->arch);
		text_or_null(&j, "package", k->package);
		cb_json_text(&j, "image", k->image);
		text_or_null(&j, "modules", k->modules);
		cb_json_u64(&j, "size", image_size(k));
		cb_json_close(&j, '}');
	}
	cb_json_close(&j, ']');
	if (!out.failed)
		printf("%s\n", cb_buf_cstr(&out));
	cb_buf_free(&out);
	return out.failed ? cb_cli_fail("out of memory") : CB_CLI_OK;
}

static int list(const char *kernels, bool json)
{
	struct cb_lab_kernels ks;
	struct cb_err err = {0};
	int status = CB_CLI_OK;

	if (cb_lab_kernels(&ks, &err))
		return cb_cli_fail("%s", err.text);
	lab_tell_damaged(&ks);
	if (!ks.n)
		fputs("coolbpf: there are no kernels yet; fetch some: " LAB_FETCH "\n", stderr);
	if (kernels && cb_lab_kernels_choose(&ks, kernels, &err))
		status = cb_cli_usage("lab kernels", "%s", err.text);
	else if (json)
		status = print_json(&ks);
	else
		print_table(&ks);
	cb_lab_kernels_free(&ks);
	return status;
}

int lab_kernels(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool json = false;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return CB_CLI_OK;
		}
		if (opt != 'o')
			return cb_cli_bad_option("lab kernels", opt, argv);
		json = !strcmp(optarg, "json");
		if (!json && strcmp(optarg, "table"))
			return cb_cli_usage("lab kernels", "there is no output format \"%s\"; there are table and json",
					    optarg);
	}
	if (argc - optind > 1)
		return cb_cli_usage("lab kernels", "one choice of kernels at a time");
	return list(optind < argc ? argv[optind] : NULL, json);
}
