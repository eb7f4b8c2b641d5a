// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* cmd_keygen.c - coolbpf keygen: a key pair for a compile server and its clients. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>

#include "service/sign.h"

static const char help[] = "Usage: coolbpf keygen FILE\n"
			   "\n"
			   "Make an Ed25519 key pair: the private key goes into FILE, with which a compile server\n"
			   "signs; the public key into FILE.pub, which its clients are given (COOLBPF_PUBLIC_KEY),\n"
			   "or as the digits that this prints.\n"
			   "\n"
			   "Options:\n"
			   "  -h, --help              show this text\n";

static int keygen(const char *path)
{
	struct cb_sign_key *key;
	struct cb_err err = {0};
	char id[CB_SHA256_HEX];

	if (cb_keygen(path, &err) || cb_sign_key_read(path, &key, &err))
		return cb_cli_fail("%s", err.text);
	cb_sign_key_id(key, id);
	cb_sign_key_free(key);
	printf("%s\n", id);
	return CB_CLI_OK;
}

int cmd_keygen(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt != 'h')
			return cb_cli_bad_option("keygen", opt, argv);
		fputs(help, stdout);
		return CB_CLI_OK;
	}
	if (argc - optind != 1)
		return cb_cli_usage("keygen", argc == optind ? "into which file?" : "one file at a time");
	return keygen(argv[optind]);
}
