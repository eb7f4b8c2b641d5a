// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * names.c - see names.h.
 *
 * In the object a name is overwritten in place, which is possible because every new name is shorter: base names than
 * paths, and the base name of the source than clang's name of it, which is padded with slashes. What remains of the old
 * name is a string that nothing refers to; libbpf's linker, which comes next, copies only strings that are referred to.
 */
#include "compile/names.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf/bytes.h"

static int too_long(const struct cb_names *n, struct cb_err *e)
{
	return cb_fail(e, ENAMETOOLONG, "cannot compile %s: the path is too long", n->path);
}

/* The source's directory, absolute: without symbolic links, or as it is when there is no such directory. */
static bool absolute_dir(struct cb_names *n)
{
	char given[PATH_MAX], real[PATH_MAX];

	if ((size_t)snprintf(given, sizeof(given), "%.*s", n->dir_len, n->path) >= sizeof(given))
		return false;
	if (realpath(n->dir_len ? given : ".", real))
		return (size_t)snprintf(n->dir, sizeof(n->dir), "%s%s", real, real[1] ? "/" : "") < sizeof(n->dir);
	return (size_t)snprintf(n->dir, sizeof(n->dir), "%s%s", *given == '/' ? "" : n->present, given) <
	       sizeof(n->dir);
}

int cb_names_init(struct cb_names *n, const char *path, const char *headers, struct cb_err *e)
{
	static const char fd_dir[] = "/proc/self/fd/";
	const char *slash = strrchr(path, '/');
	size_t base_len;

	n->path = path;
	n->dir_len = slash ? (int)(slash - path) + 1 : 0;
	base_len = strlen(path) - (size_t)n->dir_len;
	if (base_len >= sizeof(n->source) - sizeof(fd_dir))
		return too_long(n, e);
	snprintf(n->source, sizeof(n->source), "%s", fd_dir);
	while (strlen(n->source) + 1 < base_len)
		strcat(n->source, "/");
	strcat(n->source, "0");
	if (!getcwd(n->present, sizeof(n->present) - 1))
		return cb_fail(e, errno, "cannot compile %s: the present directory is gone", path);
	if (strcmp(n->present, "/"))
		strcat(n->present, "/");
	snprintf(n->headers, sizeof(n->headers), "%s/", headers);
	return absolute_dir(n) ? 0 : too_long(n, e);
}

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

void cb_names_message(const struct cb_names *n, const char *text, struct cb_buf *out)
{
	bool start = true; /* of a word: a directory's name inside a longer path is not that directory */

	while (*text) {
		if (begins_with(text, n->source)) {
			cb_buf_str(out, n->path);
			text += strlen(n->source);
		} else if (start && begins_with(text, n->dir)) {
			cb_buf_add(out, n->path, (size_t)n->dir_len);
			text += strlen(n->dir);
		}
		start = *text == ' ' || *text == '\n' || *text == '\'' || *text == '"';
		if (*text)
			cb_buf_ch(out, *text++);
	}
}

/* name is a whole string; the new one fits. */
static void rename_file(const struct cb_names *n, char *name)
{
	/* the cache may be below the source's directory, and that below the present one */
	const char *dirs[] = {n->headers, n->dir, n->present};

	if (!strcmp(name, n->source)) {
		strcpy(name, n->path + n->dir_len);
		return;
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (len > 1 && !strncmp(name, dirs[i], len)) {
			memmove(name, name + len, strlen(name + len) + 1);
			return;
		}
	}
}

static void rename_in_btf(const struct cb_names *n, void *data, size_t size)
{
	struct cb_btf_view v;

	if (cb_btf_view(data, size, &v, NULL))
		return;
	for (size_t at = 0, next; at < v.strs_len; at = next) {
		next = at + strlen(v.strs + at) + 1;
		if (v.strs[at] == '/')
			rename_file(n, (char *)data + (v.strs + at - (char *)data));
	}
}

static void rename_in_elf(const struct cb_names *n, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		Elf_Data *data = name && !strcmp(name, ".BTF") ? elf_rawdata(section, NULL) : NULL;

		if (data && data->d_buf)
			rename_in_btf(n, data->d_buf, data->d_size);
	}
}

void cb_names_object(const struct cb_names *n, int fd)
{
	struct stat st;
	void *map;
	Elf *elf;

	if (fstat(fd, &st) || !st.st_size)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	elf_version(EV_CURRENT);
	elf = elf_memory(map, (size_t)st.st_size);
	if (elf)
		rename_in_elf(n, elf);
	elf_end(elf);
	munmap(map, (size_t)st.st_size);
}
