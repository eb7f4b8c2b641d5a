// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_lab_kernel.c - what the lab reads of kernels: images, modules.dep, info.json,
 * sources of apt's, choices. The first byte says which. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lab/fetch.h"
#include "lab/image.h"
#include "lab/kmods.h"
#include "lab/sources.h"
#include "lab/version.h"

static void image(const uint8_t *data, size_t size)
{
	struct cb_lab_image out;

	if (cb_lab_image_read(data, size, &out, NULL)) {
		if (out.plain.data)
			abort();
		return;
	}
	if (!*out.release || strlen(out.release) >= CB_LAB_RELEASE || strchr(out.release, '/') || !out.arch)
		abort();
	cb_buf_free(&out.plain);
}

static int look(void *ctx, const char *path)
{
	size_t *calls = ctx;

	if (*path == '/' || strstr(path, "..") || strlen(path) >= PATH_MAX)
		abort();
	++*calls;
	return 0;
}

/* The first line is the name of a module. */
static void dep(const char *text, size_t size)
{
	size_t n = strcspn(text, "\n"), calls = 0;
	char name[64];

	if (n >= sizeof(name) || n == size)
		return;
	memcpy(name, text, n);
	name[n] = '\0';
	if (!cb_lab_dep_walk(text + n + 1, size - n - 1, name, look, &calls, NULL) && !calls)
		abort();
}

static void info(const char *text, size_t size)
{
	struct cb_lab_info out;

	if (cb_lab_info_parse(text, size, &out, NULL))
		return;
	if (strchr(out.release, '/') || strstr(out.release, "..") == out.release || strlen(out.image) != 64)
		abort();
	cb_lab_info_free(&out);
}

static void sources(const char *text, bool deb822)
{
	struct cb_buf out = {0};

	cb_lab_signed_by(text, deb822, "http://a/debian", &out);
	cb_buf_free(&out);
}

static void words(const char *text)
{
	const struct cb_lab_kernel k = {
		.name = (char *)"debian:6.1", .release = (char *)"6.1.0-37", .arch = (char *)"arm64"};
	struct cb_lab_name name;
	char field[256];

	cb_lab_kernel_matches(&k, text, NULL);
	if (cb_lab_version_compare(text, "6.1~rc1-1") * cb_lab_version_compare("6.1~rc1-1", text) > 0)
		abort();
	if (!cb_lab_name_parse(text, &name, NULL) && strchr(name.version, '/'))
		abort();
	cb_lab_apt_field(text, "Depends", field, sizeof(field));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		image(data + 1, size - 1);
		break;
	case 1:
		dep(text, strlen(text));
		break;
	case 2:
		info((const char *)data + 1, size - 1);
		break;
	case 3:
	case 4:
		sources(text, data[0] % 6 == 3);
		break;
	case 5:
		words(text);
		break;
	}
	free(text);
	return 0;
}
