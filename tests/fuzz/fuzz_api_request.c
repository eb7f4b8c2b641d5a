// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_api_request.c - flags and names of headers that clients give a compile server. Reads what strangers send.
 *
 * What passes must be harmless by a rule that is written down here once more: a flag begins with one of six letters and is one
 * word for the compiler; a name stays below its directory. What does not pass is said in one line.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_path(const char *path)
{
	char with_slashes[CB_FLAG_MAX + 3];

	check(*path && *path != '/' && strlen(path) <= 255);
	with_slashes[0] = '/';
	strcpy(with_slashes + 1, path);
	strcat(with_slashes, "/");
	check(!strstr(with_slashes, "//") && !strstr(with_slashes, "/./") && !strstr(with_slashes, "/../"));
}

static void check_plain(const char *text)
{
	for (; *text; text++)
		check((unsigned char)*text >= ' ' && *text != 127);
}

static void check_flag(const char *flag)
{
	check(flag[0] == '-' && flag[1] && strchr("DUIWO", flag[1]) && flag[2]);
	check_plain(flag);
	switch (flag[1]) {
	case 'D':
	case 'U':
		check(isalpha((unsigned char)flag[2]) || flag[2] == '_');
		break;
	case 'I':
		check(flag[2] != '-' && flag[2] != '=');
		if (strcmp(flag + 2, "."))
			check_path(flag + 2);
		break;
	case 'W':
		check(!strchr(flag, ',') && !strchr(flag, '/') && !strchr(flag, ' '));
		break;
	default:
		check(strchr("0123sz", flag[2]) && !flag[3]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct cb_err e = {0};

	check(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (!cb_api_check_flag(text, &e))
		check_flag(text);
	else
		check(*e.text && !strchr(e.text, '\n'));
	e.text[0] = '\0';
	if (!cb_api_check_name(text, &e)) {
		check_path(text);
		check_plain(text);
	} else {
		check(*e.text && !strchr(e.text, '\n'));
	}
	free(text);
	return 0;
}
