// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* file.c - a kernel of the user's own: "PATH[,modules=DIR]" (see kernel.h). */
#include "lab/kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/image.h"
#include "lab/store.h"

/* An image that is unpacked is kept by its digest. */
static int keep_plain(const struct cb_buf *plain, char path[PATH_MAX], struct cb_err *e)
{
	char hex[CB_SHA256_HEX], dir[PATH_MAX];
	int err;

	cb_sha256_hex(plain->data, plain->len, hex);
	err = cb_lab_store_path("images", "", dir, e);
	if (!err)
		err = cb_lab_store_path("images", hex, path, e);
	if (!err)
		err = cb_mkdirs(dir, e);
	return err ? err : cb_file_write(path, plain->data, plain->len, 0644, e);
}

static int read_image(const char *path, struct cb_lab_image *image, struct cb_err *e)
{
	char *data;
	size_t len;
	int err = cb_file_read(path, CB_LAB_IMAGE_MAX, &data, &len, e);

	if (err)
		return err;
	err = cb_lab_image_read(data, len, image, e);
	free(data);
	return err ? cb_fail_in(e, err, "cannot use the kernel %s", path) : 0;
}

/* DIR is lib/modules/RELEASE itself, what has RELEASE in it, or what has lib/modules/RELEASE in it. */
static int find_modules(const char *dir, const char *release, char path[PATH_MAX], struct cb_err *e)
{
	static const char *const between[] = {"", "/lib/modules/", "/usr/lib/modules/", "/"};

	for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++) {
		char dep[PATH_MAX];
		int err = cb_lab_path(path, e, "%s%s%s", dir, between[i], i ? release : "");

		if (!err)
			err = cb_lab_path(dep, e, "%s/modules.dep", path);
		if (err)
			return err;
		if (!access(dep, R_OK))
			return 0;
	}
	return cb_fail(e, ENOENT, "there is no modules.dep for %s in %s (depmod makes it)", release, dir);
}

/* "dir:.../build", where modules/build is what modules are built against; else NULL. */
static char *source_of(const char *modules)
{
	char path[PATH_MAX], full[PATH_MAX + 4] = "dir:";

	if (!*modules || cb_lab_path(path, NULL, "%s/build", modules) || !realpath(path, full + 4))
		return NULL;
	return strdup(full);
}

static char *copy(const char *text)
{
	return *text ? strdup(text) : NULL;
}

int cb_lab_kernel_file(const char *spec, struct cb_lab_kernel *out, struct cb_err *e)
{
	static const char key[] = ",modules=";
	const char *comma = strstr(spec, key);
	size_t n = comma ? (size_t)(comma - spec) : strlen(spec);
	char path[PATH_MAX], plain[PATH_MAX] = "", modules[PATH_MAX] = "";
	struct cb_lab_image image = {0};
	int err = cb_lab_path(path, e, "%.*s", (int)n, spec);

	*out = (struct cb_lab_kernel){0};
	if (!n)
		err = cb_fail(e, EINVAL, "\"%s\" names no kernel image: PATH or PATH,modules=DIR is wanted", spec);
	if (!err)
		err = read_image(path, &image, e);
	if (!err && image.plain.len)
		err = keep_plain(&image.plain, plain, e);
	if (!err && comma)
		err = find_modules(comma + sizeof(key) - 1, image.release, modules, e);
	cb_buf_free(&image.plain);
	if (err)
		return err;
	*out = (struct cb_lab_kernel){.name = strdup(path),
				      .release = strdup(image.release),
				      .arch = strdup(image.arch),
				      .image = strdup(*plain ? plain : path),
				      .modules = copy(modules),
				      .source = source_of(modules)};
	if (out->name && out->release && out->arch && out->image && (out->modules || !*modules))
		return 0;
	cb_lab_kernel_free(out);
	return cb_fail(e, ENOMEM, "out of memory");
}
