// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * headers.c - see headers.h.
 *
 * In the cache stand vmlinux/KEY/vmlinux.h and lbc/KEY/coolbpf/lbc.h, where KEY comes from the content: of the BTF that
 * vmlinux.h is written from (with the versions of what writes it), and of lbc.h. So what is there is right, never old,
 * and nobody has to look after it.
 */
#include "compile/headers.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/bytes.h"
#include "btf/kernel.h"
#include "compile/dump.h"

extern const unsigned char cb_lbc_h[]; /* include/coolbpf/lbc.h, put in by scripts/embed.py */
extern const size_t cb_lbc_h_len;

/* 128 bits and the size, from 8 bytes at a time: a millisecond for a kernel's BTF. Two kernels will not meet; it does not
 * withstand somebody who wants them to, but he would have to write into this user's cache, or choose his BTF. */
static void content_key(const void *data, size_t size, char out[48])
{
	const unsigned char *p = data;
	uint64_t a = 0x9e3779b97f4a7c15, b = 0xc2b2ae3d27d4eb4f, word;

	for (size_t left = size; left; p += sizeof(word), left -= sizeof(word)) {
		word = 0;
		if (left < sizeof(word)) {
			memcpy(&word, p, left);
			left = sizeof(word);
		} else {
			memcpy(&word, p, sizeof(word));
		}
		a = (a ^ word) * 0xff51afd7ed558ccd;
		a ^= a >> 32;
		b = (b + word) * 0x87c37b91114253d5;
		b = b << 31 | b >> 33;
	}
	snprintf(out, 48, "%016" PRIx64 "%016" PRIx64 "-%zx", a, b, size);
}

static int make_temporary(struct cb_headers *h, struct cb_err *e)
{
	const char *tmp = getenv("TMPDIR");
	char coolbpf[PATH_MAX + 16];
	int err;

	snprintf(h->temporary, sizeof(h->temporary), "%s/coolbpf.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(h->temporary)) {
		err = cb_fail(e, errno, "cannot make a directory for headers, %s: %s", h->temporary, strerror(errno));
		*h->temporary = '\0';
		return err;
	}
	snprintf(coolbpf, sizeof(coolbpf), "%s/coolbpf", h->temporary);
	return cb_mkdirs(coolbpf, e);
}

/* Write file ("vmlinux.h", "coolbpf/lbc.h") into dir, which is in the cache, or else into the temporary directory; dir
 * becomes the one that was taken. */
static int put(struct cb_headers *h, char *dir, const char *file, const void *data, size_t len,
	       const struct cb_log *log, struct cb_err *e)
{
	char path[PATH_MAX + 16], *slash;
	struct cb_err why = {0};
	int err;

	if (!*h->temporary) {
		snprintf(path, sizeof(path), "%s/%s", dir, file);
		slash = strrchr(path, '/');
		*slash = '\0';
		err = cb_mkdirs(path, &why);
		*slash = '/';
		if (!err)
			err = cb_file_write(path, data, len, 0644, &why);
		if (!err)
			return 0;
		cb_say(log, CB_INFO, "the cache cannot be used: %s", why.text);
		err = make_temporary(h, e);
		if (err)
			return err;
	}
	memcpy(dir, h->temporary, sizeof(h->temporary));
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return cb_file_write(path, data, len, 0644, e);
}

static bool is_there(const char *dir, const char *file)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return !access(path, R_OK);
}

static int prepare_lbc(struct cb_headers *h, const char *cache, const struct cb_log *log, struct cb_err *e)
{
	char key[48];

	content_key(cb_lbc_h, cb_lbc_h_len, key);
	snprintf(h->lbc, sizeof(h->lbc), "%s/lbc/%s", cache, key);
	return is_there(h->lbc, "coolbpf/lbc.h") ? 0 : put(h, h->lbc, "coolbpf/lbc.h", cb_lbc_h, cb_lbc_h_len, log, e);
}

static int prepare_kernel(struct cb_headers *h, const char *cache, const char *btf_path, const struct cb_log *log,
			  struct cb_err *e)
{
	struct cb_btf_bytes b;
	char key[48], *text;
	size_t len;
	int err = cb_btf_bytes_open(btf_path, &b, e);

	if (err == -ENOENT) {
		/* not an error yet: a source may bring its own vmlinux.h, or do without */
		h->no_btf = *e;
		return 0;
	}
	if (err)
		return err;
	content_key(b.data, b.size, key);
	cb_btf_bytes_close(&b);
	snprintf(h->kernel, sizeof(h->kernel), "%s/vmlinux/%s-" COOLBPF_VERSION "-%s", cache, key,
		 libbpf_version_string());
	if (is_there(h->kernel, "vmlinux.h"))
		return 0;
	err = cb_dump_vmlinux_h(btf_path, &text, &len, e);
	if (!err)
		err = put(h, h->kernel, "vmlinux.h", text, len, log, e);
	free(text);
	return err;
}

int cb_headers_prepare(struct cb_headers *h, const char *btf_path, const struct cb_log *log, struct cb_err *e)
{
	char cache[PATH_MAX - 128]; /* with room for what comes behind it */
	int err;

	*h = (struct cb_headers){0};
	cb_cache_dir(cache, sizeof(cache));
	err = prepare_lbc(h, cache, log, e);
	return err ? err : prepare_kernel(h, cache, cb_btf_kernel_path(btf_path), log, e);
}

void cb_headers_release(struct cb_headers *h)
{
	static const char *const parts[] = {"/vmlinux.h", "/coolbpf/lbc.h", "/coolbpf", ""};

	for (size_t i = 0; *h->temporary && i < sizeof(parts) / sizeof(*parts); i++) {
		char path[PATH_MAX + 16];

		snprintf(path, sizeof(path), "%s%s", h->temporary, parts[i]);
		remove(path); /* where preparing failed, some of them were never there */
	}
	*h->temporary = '\0';
}
