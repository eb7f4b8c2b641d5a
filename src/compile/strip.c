// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * strip.c - see strip.h.
 *
 * libbpf's static linker, given one object, writes it anew without DWARF (nine tenths of it) and with its BTF without
 * duplicates. Its output depends on nothing but its input, so that the same source gives the same bytes.
 */
#include "compile/strip.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/elf.h"
#include "btf/check.h"
#include "btf/ext.h"

enum { OBJECT_MAX = 256 << 20 };

struct code {
	const void *object;
	size_t size;
	const struct btf *btf;
};

/* The linker leaves sections out by their names, which begin with a dot, and by their types. */
static int must_be_code(void *ctx, uint32_t offset)
{
	const struct code *c = ctx;
	const char *name = btf__name_by_offset(c->btf, offset);

	return name && (*name != '.' || !strcmp(name, ".text")) && cb_elf_is_code(c->object, c->size, name) ? 0
													    : -EINVAL;
}

/* All records are of sections with code: those of one that is left out libbpf's linker (1.1) never frees. */
static bool has_sound_ext(const void *object, size_t size, const struct btf *btf)
{
	struct code c = {.object = object, .size = size, .btf = btf};
	const void *ext;
	size_t len;
	int err = cb_elf_section(object, size, ".BTF.ext", &ext, &len);

	for (int part = CB_EXT_FUNCTIONS; !err && part <= CB_EXT_RELOCATIONS; part++)
		err = cb_btf_ext_each_section(ext, len, (enum cb_btf_ext_part)part, must_be_code, &c, NULL);
	return !err || err == -ENOENT;
}

static bool has_sound_btf(const void *object, size_t size)
{
	const void *data;
	size_t len;
	struct btf *btf;
	int err = cb_elf_section(object, size, ".BTF", &data, &len);
	bool sound;

	if (err)
		return err == -ENOENT;
	btf = cb_btf_parse(data, len, NULL);
	sound = btf && has_sound_ext(object, size, btf);
	btf__free(btf);
	return sound;
}

/* The linker believes what it reads, and by the assembler's directives a source can have any section in its object. */
static bool is_sound(int fd)
{
	struct stat st;
	void *map;
	bool sound;

	if (fstat(fd, &st) || !st.st_size)
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	sound = !cb_elf_check(map, (size_t)st.st_size, NULL) && has_sound_btf(map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return sound;
}

/* Nameless files have a name here: the linker opens its files itself. */
static int link_one(int in, int out)
{
	char from[32], to[32];
	struct bpf_linker *linker;
	int err;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", in);
	snprintf(to, sizeof(to), "/proc/self/fd/%d", out);
	linker = bpf_linker__new(to, NULL);
	if (!linker)
		return -errno;
	err = bpf_linker__add_file(linker, from, NULL);
	if (!err)
		err = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return err;
}

int cb_strip(int fd, void **object, size_t *size, struct cb_err *e)
{
	int out = cb_file_nameless("coolbpf-object");
	char path[32], *data;
	int err;

	if (out < 0)
		return cb_fail(e, -out, "cannot make a temporary file: %s", strerror(-out));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", !is_sound(fd) || link_one(fd, out) ? fd : out);
	err = cb_file_read(path, OBJECT_MAX, &data, size, e);
	close(out);
	if (!err)
		*object = data;
	return err;
}
