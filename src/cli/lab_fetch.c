// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* lab_fetch.c - coolbpf lab fetch: kernels of Debian's into the cache. */
#include "cli/lab.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: coolbpf lab fetch [OPTION ...] NAME ...\n"
	"\n"
	"Fetch kernels into the cache, by this machine's apt with state of its own: nothing is installed, and no root "
	"is\n"
	"needed. Signatures are checked. A NAME is one of\n"
	"  debian:VERSION          the newest of Debian's small (cloud) kernels whose version begins with VERSION\n"
	"  debian:newest           the newest of all suites\n"
	"  debian:5.10-nobpf       a kernel without eBPF, built from Debian's source (some minutes)\n"
	"with /arm64 or /x86_64 behind it for another architecture than this machine's.\n"
	"\n"
	"Options:\n"
	"  --suites SUITE[,SUITE ...]\n"
	"                          where to look (default: bullseye to sid, with security updates and backports)\n"
	"  --mirror URL            the archive (default: that of this machine's apt); .../debian-security beside it\n"
	"  --refresh               look for newer ones even of what is there\n"
	"  -q, --quiet             do not say what is done\n"
	"  -h, --help              show this text\n";

/* "bookworm,bookworm-security" as a list with NULL at its end, which points into text; NULL: no memory. */
static const char **split(char *text)
{
	size_t n = 2;
	const char **words;
	char *rest = NULL;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	words = calloc(n, sizeof(*words));
	n = 0;
	for (char *p = words ? strtok_r(text, ",", &rest) : NULL; p; p = strtok_r(NULL, ",", &rest))
		words[n++] = p;
	return words;
}

static int fetch_all(char **names, const struct cb_lab_fetch *opts)
{
	int status = CB_CLI_OK;

	for (; *names; names++) {
		struct cb_err err = {0};

		if (cb_lab_fetch(*names, opts, &err))
			status = cb_cli_fail("%s", err.text);
	}
	return status;
}

int lab_fetch(int argc, char **argv)
{
	enum { SUITES = 1, MIRROR, REFRESH };
	static const struct option options[] = {{"suites", required_argument, NULL, SUITES},
						{"mirror", required_argument, NULL, MIRROR},
						{"refresh", no_argument, NULL, REFRESH},
						{"quiet", no_argument, NULL, 'q'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct cb_log log = {.level = CB_INFO, .say = lab_say};
	struct cb_lab_fetch opts = {.log = &log};
	char *suites = NULL;
	const char **words = NULL;
	int opt, status = CB_CLI_OK;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
		switch (opt) {
		case SUITES:
			suites = optarg;
			break;
		case MIRROR:
			opts.mirror = optarg;
			break;
		case REFRESH:
			opts.refresh = true;
			break;
		case 'q':
			log.level = CB_WARN;
			break;
		case 'h':
			fputs(help, stdout);
			return CB_CLI_OK;
		default:
			return cb_cli_bad_option("lab fetch", opt, argv);
		}
	}
	if (optind == argc)
		return cb_cli_usage("lab fetch", "which kernels? (for example debian:5.10 debian:6.1 debian:newest)");
	if (suites && !(words = split(suites)))
		return cb_cli_fail("out of memory");
	if (words && !*words)
		status = cb_cli_usage("lab fetch", "--suites: which?");
	opts.suites = words;
	if (!status)
		status = fetch_all(argv + optind, &opts);
	free(words);
	return status;
}
