// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * headers.c - see headers.h.
 *
 * In the cache stand lbc/KEY/coolbpf/lbc.h with lbc/KEY/kernel/vmlinux.h, and vmlinux/KEY/vmlinux.h, where KEY comes from
 * the content: of lbc.h, and of the BTF that vmlinux.h is written from (with the versions of what writes it). So what is
 * there is right, never old, and nobody has to look after it.
 */
#include "compile/headers.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "btf/bytes.h"
#include "compile/dump.h"
#include "compile/names.h"

static const char stub[] = "#include \"" CB_NAME_KERNEL "\"\n";

static int write_file(const char *dir, const char *file, const void *data, size_t len, struct cb_err *e)
{
	char path[PATH_MAX + 32], *slash;
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	slash = strrchr(path, '/');
	*slash = '\0';
	err = cb_mkdirs(path, e);
	*slash = '/';
	return err ? err : cb_file_write(path, data, len, 0644, e);
}

static int write_ours(const char *dir, struct cb_err *e)
{
	int err = write_file(dir, "kernel/vmlinux.h", stub, sizeof(stub) - 1, e);

	return err ? err : write_file(dir, "coolbpf/lbc.h", cb_lbc_h, cb_lbc_h_len, e);
}

static int make_temporary(struct cb_headers *h, struct cb_err *e)
{
	const char *tmp = getenv("TMPDIR");
	int err;

	snprintf(h->temporary, sizeof(h->temporary), "%s/coolbpf.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(h->temporary)) {
		err = cb_fail(e, errno, "cannot make a directory for headers, %s: %s", h->temporary, strerror(errno));
		*h->temporary = '\0';
		return err;
	}
	memcpy(h->lbc, h->temporary, sizeof(h->lbc));
	return write_ours(h->lbc, e);
}

int cb_headers_prepare(struct cb_headers *h, const struct cb_log *log, struct cb_err *e)
{
	char cache[PATH_MAX - 128], key[CB_SHA256_HEX], path[PATH_MAX + 32]; /* with room for what comes behind it */
	struct cb_err why = {0};

	*h = (struct cb_headers){0};
	cb_cache_dir(cache, sizeof(cache));
	cb_sha256_hex(cb_lbc_h, cb_lbc_h_len, key);
	snprintf(h->lbc, sizeof(h->lbc), "%s/lbc/%.32s-" COOLBPF_VERSION, cache, key);
	snprintf(path, sizeof(path), "%s/coolbpf/lbc.h", h->lbc); /* the last to be written */
	if (!access(path, R_OK) || !write_ours(h->lbc, &why))
		return 0;
	cb_say(log, CB_INFO, "the cache cannot be used: %s", why.text);
	return make_temporary(h, e);
}

int cb_headers_workdir(struct cb_workdir *w, struct cb_err *e)
{
	const struct cb_header ours[] = {{"coolbpf/lbc.h", (const char *)cb_lbc_h, cb_lbc_h_len},
					 {"kernel/vmlinux.h", stub, sizeof(stub) - 1}};

	return cb_workdir_make(w, ours, sizeof(ours) / sizeof(*ours), e);
}

void cb_headers_release(struct cb_headers *h)
{
	static const char *const parts[] = {"/kernel/vmlinux.h", "/kernel", "/coolbpf/lbc.h", "/coolbpf", ""};

	for (size_t i = 0; *h->temporary && i < sizeof(parts) / sizeof(*parts); i++) {
		char path[PATH_MAX + 32];

		snprintf(path, sizeof(path), "%s%s", h->temporary, parts[i]);
		remove(path); /* where preparing failed, some of them were never there */
	}
	*h->temporary = '\0';
}

int cb_headers_in_memory(const char *text, size_t len, struct cb_err *e)
{
	int fd = cb_file_nameless("vmlinux.h"), err = fd < 0 ? fd : cb_write_all(fd, text, len);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return cb_fail(e, -err, "cannot keep vmlinux.h for clang: %s", strerror(-err));
}

int cb_headers_whole(const char *btf_path, bool keep, const struct cb_log *log, struct cb_err *e)
{
	char cache[PATH_MAX - 128], dir[PATH_MAX], path[PATH_MAX + 32], key[CB_SHA256_HEX], *text;
	struct cb_err why = {0};
	struct cb_btf_bytes b;
	size_t len;
	int err = cb_btf_bytes_open(btf_path, &b, e), fd;

	if (err)
		return err;
	cb_sha256_hex(b.data, b.size, key);
	cb_btf_bytes_close(&b);
	cb_cache_dir(cache, sizeof(cache));
	snprintf(dir, sizeof(dir), "%s/vmlinux/%.32s-" COOLBPF_VERSION "-%s", cache, key, libbpf_version_string());
	snprintf(path, sizeof(path), "%s/vmlinux.h", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err = cb_dump_vmlinux_h(btf_path, &text, &len, e);
	if (!err && keep && write_file(dir, "vmlinux.h", text, len, &why))
		cb_say(log, CB_INFO, "the cache cannot be used: %s", why.text);
	if (!err)
		err = cb_headers_in_memory(text, len, e);
	free(text);
	return err;
}
