// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * info.c - info.json, and the kernels in the cache (see store.h, kernel.h).
 *
 *	{"format": 1, "name": "debian:6.1", "release": "6.1.0-37-cloud-amd64", "arch": "x86_64",
 *	 "package": "linux-image-6.1.0-37-cloud-amd64 6.1.140-1", "source": "deb:linux-headers-...",
 *	 "image": "SHA-256 of vmlinuz", "tree": "SHA-256 of all files"}
 */
#include "lab/store.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/version.h"

enum { FORMAT = 1, IMAGE_MAX = 512 << 20 };

void cb_lab_kernel_free(struct cb_lab_kernel *k)
{
	free(k->name);
	free(k->release);
	free(k->arch);
	free(k->image);
	free(k->modules);
	free(k->package);
	free(k->source);
	*k = (struct cb_lab_kernel){0};
}

void cb_lab_kernels_free(struct cb_lab_kernels *ks)
{
	for (size_t i = 0; i < ks->n; i++)
		cb_lab_kernel_free(&ks->k[i]);
	free(ks->k);
	*ks = (struct cb_lab_kernels){0};
}

void cb_lab_info_free(struct cb_lab_info *info)
{
	free(info->name);
	free(info->release);
	free(info->arch);
	free(info->package);
	free(info->source);
	*info = (struct cb_lab_info){0};
}

/* ---- Reading and writing ----------------------------------------------------------------------------------------- */

static bool is_digest(const char *text)
{
	unsigned char bytes[CB_SHA256];

	return cb_unhex(text, bytes, sizeof(bytes));
}

/* It becomes a part of paths, and of a kernel's command line. */
static bool is_release(const char *text)
{
	return *text && *text != '.' && strlen(text) < 65 &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-")];
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

int cb_lab_info_parse(const char *json, size_t len, struct cb_lab_info *out, struct cb_err *e)
{
	const char *name, *release, *arch, *image, *tree, *package = NULL, *source = NULL;
	json_error_t at;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);
	int format, err = 0;

	*out = (struct cb_lab_info){0};
	if (!root)
		return cb_fail(e, EINVAL, "line %d is not JSON: %s", at.line, at.text);
	if (json_unpack_ex(root, &at, 0, "{s:i, s:s, s:s, s:s, s?s, s?s, s:s, s:s}", "format", &format, "name", &name,
			   "release", &release, "arch", &arch, "package", &package, "source", &source, "image", &image,
			   "tree", &tree))
		err = cb_fail(e, EINVAL, "%s", at.text);
	else if (format != FORMAT)
		err = cb_fail(e, EINVAL, "format %d is not %d", format, FORMAT);
	else if (!*name || !is_release(release) || (strcmp(arch, "x86_64") && strcmp(arch, "arm64")) ||
		 !is_digest(image) || !is_digest(tree))
		err = cb_fail(e, EINVAL, "a name, release, architecture or digest in it is none");
	else if (!copy(&out->name, name) || !copy(&out->release, release) || !copy(&out->arch, arch) ||
		 !copy(&out->package, package) || !copy(&out->source, source))
		err = cb_fail(e, ENOMEM, "out of memory");
	if (!err) {
		memcpy(out->image, image, CB_SHA256_HEX);
		memcpy(out->tree, tree, CB_SHA256_HEX);
	} else {
		cb_lab_info_free(out);
	}
	json_decref(root);
	return err;
}

static int file_digest(const char *path, char hex[CB_SHA256_HEX], struct cb_err *e)
{
	char *data;
	size_t len;
	int err = cb_file_read(path, IMAGE_MAX, &data, &len, e);

	if (err)
		return err;
	cb_sha256_hex(data, len, hex);
	free(data);
	return 0;
}

int cb_lab_info_write(const char *dir, struct cb_lab_info *info, struct cb_err *e)
{
	char path[PATH_MAX], *text = NULL;
	json_t *root = NULL;
	int err = cb_lab_path(path, e, "%s/vmlinuz", dir);

	if (!err)
		err = file_digest(path, info->image, e);
	if (!err)
		err = cb_lab_tree_digest(dir, "info.json", info->tree, e);
	if (!err)
		err = cb_lab_path(path, e, "%s/info.json", dir);
	if (err)
		return err;
	root = json_pack("{s:i, s:s, s:s, s:s, s:s*, s:s*, s:s, s:s}", "format", FORMAT, "name", info->name, "release",
			 info->release, "arch", info->arch, "package", info->package, "source", info->source, "image",
			 info->image, "tree", info->tree);
	text = root ? json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	err = text ? cb_file_write(path, text, strlen(text), 0644, e) : cb_fail(e, ENOMEM, "out of memory");
	free(text);
	json_decref(root);
	return err;
}

/* ---- Kernels in the cache ---------------------------------------------------------------------------------------- */

static int read_info(const char *dir, struct cb_lab_info *info, struct cb_err *e)
{
	char path[PATH_MAX], *json;
	size_t len;
	int err = cb_lab_path(path, e, "%s/info.json", dir);

	if (!err)
		err = cb_file_read(path, CB_LAB_INFO_MAX, &json, &len, e);
	if (err)
		return err;
	err = cb_lab_info_parse(json, len, info, e);
	free(json);
	return err ? cb_fail_in(e, err, "%s", path) : 0;
}

static int compare_digests(const char *dir, const char *image, const struct cb_lab_info *info, bool whole,
			   struct cb_err *e)
{
	char hex[CB_SHA256_HEX];
	int err = file_digest(image, hex, e);

	if (!err && strcmp(hex, info->image))
		return cb_fail(e, EBADMSG, "%s has changed since it was fetched", image);
	if (!err && whole)
		err = cb_lab_tree_digest(dir, "info.json", hex, e);
	if (!err && whole && strcmp(hex, info->tree))
		return cb_fail(e, EBADMSG, "files in %s have changed since they were fetched", dir);
	return err;
}

/* info's strings move to out. */
static int fill_in(const char *dir, const char *image, struct cb_lab_info *info, struct cb_lab_kernel *out,
		   struct cb_err *e)
{
	char modules[PATH_MAX], dep[PATH_MAX];
	int err = cb_lab_path(modules, e, "%s/modules/%s", dir, info->release);

	if (!err)
		err = cb_lab_path(dep, e, "%s/modules.dep", modules);
	if (err)
		return err;
	*out = (struct cb_lab_kernel){.name = info->name,
				      .release = info->release,
				      .arch = info->arch,
				      .package = info->package,
				      .source = info->source,
				      .image = strdup(image),
				      .modules = access(dep, R_OK) ? NULL : strdup(modules)};
	*info = (struct cb_lab_info){0};
	if (out->image)
		return 0;
	cb_lab_kernel_free(out);
	return cb_fail(e, ENOMEM, "out of memory");
}

int cb_lab_store_kernel(const char *dir, bool whole, struct cb_lab_kernel *out, struct cb_err *e)
{
	struct cb_lab_info info = {0};
	char image[PATH_MAX];
	int err = cb_lab_path(image, e, "%s/vmlinuz", dir);

	if (!err)
		err = read_info(dir, &info, e);
	if (!err)
		err = compare_digests(dir, image, &info, whole, e);
	if (!err)
		err = fill_in(dir, image, &info, out, e);
	cb_lab_info_free(&info);
	return err;
}

static int by_version(const void *a, const void *b)
{
	const struct cb_lab_kernel *x = a, *y = b;
	int order = cb_lab_version_compare(x->release, y->release);

	return order ? order : strcmp(x->name, y->name);
}

static int add_kernel(struct cb_lab_kernels *ks, const char *dir, const char *name, struct cb_err *e)
{
	struct cb_lab_kernel *more;
	char path[PATH_MAX];
	int err = cb_lab_path(path, e, "%s/%s", dir, name);

	if (err)
		return err;
	more = realloc(ks->k, (ks->n + 1) * sizeof(*more));
	if (!more)
		return cb_fail(e, ENOMEM, "out of memory");
	ks->k = more;
	err = cb_lab_store_kernel(path, false, &ks->k[ks->n], NULL);
	if (err == -ENOMEM)
		return cb_fail(e, ENOMEM, "out of memory");
	if (err)
		ks->damaged++;
	else
		ks->n++;
	return 0;
}

int cb_lab_kernels_choose(struct cb_lab_kernels *ks, const char *kernels, struct cb_err *e)
{
	size_t kept = 0, all = ks->n;

	for (size_t i = 0; i < all; i++) {
		int yes = cb_lab_kernel_matches(&ks->k[i], kernels, e);
		struct cb_lab_kernel k = ks->k[i];

		if (yes < 0)
			return yes;
		ks->k[i] = (struct cb_lab_kernel){0};
		if (yes)
			ks->k[kept++] = k;
		else
			cb_lab_kernel_free(&k);
	}
	ks->n = kept;
	return 0;
}

int cb_lab_kernels(struct cb_lab_kernels *out, struct cb_err *e)
{
	char dir[PATH_MAX];
	const struct dirent *entry;
	DIR *d;
	int err;

	*out = (struct cb_lab_kernels){0};
	err = cb_lab_store_path("kernels", "", dir, e);
	if (err)
		return err;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : cb_fail(e, errno, "cannot open %s: %s", dir, strerror(errno));
	while (!err && (entry = readdir(d)))
		if (*entry->d_name != '.')
			err = add_kernel(out, dir, entry->d_name, e);
	closedir(d);
	if (err)
		cb_lab_kernels_free(out);
	else if (out->n)
		qsort(out->k, out->n, sizeof(*out->k), by_version);
	return err;
}
