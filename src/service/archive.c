// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* archive.c - see archive.h. */
#include "service/archive.h"

#include <errno.h>
#include <string.h>

#include "http/client.h"
#include "http/url.h"
#include "service/json.h"
#include "service/kernels.h"

enum {
	RETRIES = 2,
	VALUES_OF_A_KERNEL = 16, /* of JSON, those that are not ours too */
};

bool cb_is_url(const char *text)
{
	return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

int cb_archive_check(const char *url, struct cb_err *e)
{
	struct cb_url u;
	int err = cb_url_parse(&u, url, e);

	if (!err && (u.user || strpbrk(url, "?#")))
		err = cb_fail(e, EINVAL,
			      "the URL of an archive has neither a password, \"?\" nor \"#\": "
			      "names of files are appended to it");
	cb_url_free(&u);
	return err;
}

/* ---- Fetching --------------------------------------------------------------------------------------------------- */

static int get(const char *url, size_t max, unsigned timeout_ms, struct cb_buf *body, struct cb_err *e)
{
	const struct cb_http_call call = {
		.method = "GET",
		.url = url,
		.timeout_ms = timeout_ms,
		.retries = RETRIES,
		.max_body = max,
	};
	struct cb_http_reply reply;
	int err = cb_http_do(&call, &reply, e);

	if (err)
		err = cb_fail_in(e, err, "cannot fetch %s", url);
	else if (reply.status != 200)
		err = cb_fail(e, ENOENT, "cannot fetch %s: its server answers with the status %d", url, reply.status);
	if (!err) {
		*body = reply.body;
		reply.body = (struct cb_buf){0};
	}
	cb_http_reply_free(&reply);
	return err;
}

/* Of the archive's URL what stands in front of slashes at its end. */
static int root_len(const char *url)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	return (int)len;
}

int cb_archive_get_index(const char *url, unsigned timeout_ms, struct cb_buf *json, struct cb_err *e)
{
	struct cb_buf at = {0};
	int err;

	cb_buf_printf(&at, "%.*s/index.json", root_len(url), url);
	err = at.failed ? cb_fail(e, ENOMEM, "out of memory")
			: get(cb_buf_cstr(&at), CB_ARCHIVE_INDEX, timeout_ms, json, e);
	cb_buf_free(&at);
	return err;
}

int cb_archive_get(const char *url, const char *arch, const char *digest, unsigned timeout_ms, struct cb_buf *packed,
		   struct cb_err *e)
{
	struct cb_buf at = {0};
	int err;

	cb_buf_printf(&at, "%.*s/%s/%s.btf.zst", root_len(url), url, arch, digest);
	err = at.failed ? cb_fail(e, ENOMEM, "out of memory")
			: get(cb_buf_cstr(&at), CB_BTF_MAX, timeout_ms, packed, e);
	cb_buf_free(&at);
	return err;
}

/* ---- The index -------------------------------------------------------------------------------------------------- */

/* A part of a path, and of a URL as it is. */
static bool is_part(const char *text, size_t size)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-";
	size_t len = strlen(text);

	return len && len < size && *text != '.' && strspn(text, fine) == len;
}

static const char *text_of(const json_t *kernel, const char *name)
{
	const char *text = json_string_value(json_object_get(kernel, name));

	return text ? text : "";
}

static int read_kernel(const json_t *kernel, size_t i,
		       int (*add)(void *ctx, const char *arch, const char *release, const char *digest), void *ctx,
		       struct cb_err *e)
{
	const char *arch = text_of(kernel, "arch"), *release = text_of(kernel, "release");
	const char *digest = text_of(kernel, "digest");
	int err;

	if (!is_part(arch, CB_ARCH_NAME))
		return cb_fail(e, EINVAL, "kernel %zu: \"arch\" must be a name like x86_64", i);
	if (!is_part(release, CB_KERNEL_NAME))
		return cb_fail(e, EINVAL, "kernel %zu: \"release\" must be a text like 6.1.0-18-amd64", i);
	if (!cb_is_digest(digest) || digest[strspn(digest, "0123456789abcdef")])
		return cb_fail(e, EINVAL, "kernel %zu: \"digest\" must be 64 lower-case hexadecimal digits", i);
	err = add(ctx, arch, release, digest);
	return err == -ENOMEM ? cb_fail(e, ENOMEM, "out of memory") : err;
}

static int read_root(const json_t *root,
		     int (*add)(void *ctx, const char *arch, const char *release, const char *digest), void *ctx,
		     struct cb_err *e)
{
	const json_t *list = json_object_get(root, "kernels");
	int err = 0;

	if (json_integer_value(json_object_get(root, "version")) != 1)
		return cb_fail(e, EINVAL, "this is no index of version 1");
	if (!json_is_array(list))
		return cb_fail(e, EINVAL, "there is no list \"kernels\"");
	if (json_array_size(list) > CB_ARCHIVE_KERNELS)
		return cb_fail(e, EINVAL, "%zu kernels; %d are taken", json_array_size(list), CB_ARCHIVE_KERNELS);
	for (size_t i = 0; i < json_array_size(list) && !err; i++)
		err = read_kernel(json_array_get(list, i), i, add, ctx, e);
	return err;
}

int cb_archive_read_index(const char *json, size_t len,
			  int (*add)(void *ctx, const char *arch, const char *release, const char *digest), void *ctx,
			  struct cb_err *e)
{
	json_t *root = cb_json_parse_up_to(json, len, VALUES_OF_A_KERNEL * CB_ARCHIVE_KERNELS, e);
	int err;

	if (!root)
		return -EINVAL;
	err = read_root(root, add, ctx, e);
	json_decref(root);
	return err;
}
