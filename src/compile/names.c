// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * names.c - see names.h.
 *
 * In the object a name is overwritten in place, which is possible because no new name is longer: clang's name of the
 * source goes out of the directory and back in often enough. What remains of the old name is a string that nothing refers
 * to; libbpf's linker, which comes next, copies only strings that are referred to.
 */
#include "compile/names.h"

#include <errno.h>
#include <string.h>

#include "btf/bytes.h"

#define CB_KERNEL_H "vmlinux.h"

int cb_names_init(struct cb_names *n, const char *path, const char *lbc, struct cb_err *e)
{
	static const char start[] = "/proc/self/fd", longer[] = "/../fd", end[] = "/0";
	const char *slash = strrchr(path, '/');
	size_t len = sizeof(start) - 1, base_len;

	*n = (struct cb_names){.path = path, .lbc = lbc};
	n->dir_len = slash ? (int)(slash - path) + 1 : 0;
	base_len = strlen(path + n->dir_len);
	if (base_len > NAME_MAX || strlen(path) >= PATH_MAX)
		return cb_fail(e, ENAMETOOLONG, "cannot compile %.64s...: the name is too long", path);
	memcpy(n->source, start, sizeof(start));
	for (; len + sizeof(end) - 1 < base_len; len += sizeof(longer) - 1)
		memcpy(n->source + len, longer, sizeof(longer));
	memcpy(n->source + len, end, sizeof(end));
	return 0;
}

/* Does text begin with the name of the kernel's header, and not a longer one? Its length, or 0. */
static size_t is_kernel(const char *text)
{
	size_t len = sizeof(CB_NAME_KERNEL) - 1;

	return !strncmp(text, CB_NAME_KERNEL, len) && (text[len] < '0' || text[len] > '9') ? len : 0;
}

/* Does text begin with this directory and a slash? Their length, or 0. */
static size_t in_dir(const char *text, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(text, dir, len) && text[len] == '/' ? len + 1 : 0;
}

void cb_names_message(const struct cb_names *n, const char *text, struct cb_buf *out)
{
	size_t source_len = strlen(n->source), len;

	while (*text) {
		if (!strncmp(text, n->source, source_len)) {
			cb_buf_str(out, n->path);
			text += source_len;
		} else if ((len = in_dir(text, CB_NAME_DIR))) {
			cb_buf_add(out, n->path, (size_t)n->dir_len);
			text += len;
		} else if ((len = is_kernel(text))) {
			cb_buf_str(out, CB_KERNEL_H);
			text += len;
		} else if ((len = in_dir(text, CB_NAME_LBC))) {
			cb_buf_printf(out, "%s%s", n->lbc, *n->lbc ? "/" : "");
			text += len;
		} else {
			cb_buf_ch(out, *text++);
		}
	}
}

/* name is a whole string; the new one fits. */
static void rename_file(const struct cb_names *n, char *name)
{
	static const char *const dirs[] = {CB_NAME_DIR, CB_NAME_LBC, CB_NAME_PRESENT};

	if (!strcmp(name, n->source)) {
		strcpy(name, n->path + n->dir_len);
		return;
	}
	if (!strcmp(name, CB_NAME_KERNEL)) {
		strcpy(name, CB_KERNEL_H);
		return;
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		size_t len = in_dir(name, dirs[i]);

		if (len) {
			memmove(name, name + len, strlen(name + len) + 1);
			return;
		}
	}
}

void cb_names_btf(const struct cb_names *n, void *btf, size_t size)
{
	struct cb_btf_view v;

	if (cb_btf_view(btf, size, &v, NULL))
		return;
	for (size_t at = 0, next; at < v.strs_len; at = next) {
		next = at + strlen(v.strs + at) + 1;
		if (v.strs[at] == '/')
			rename_file(n, (char *)v.strs + at);
	}
}
