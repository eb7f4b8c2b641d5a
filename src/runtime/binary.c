// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * binary.c - the file that a user probe means, and what is in it: functions by the symbol tables, USDT markers by the notes
 * of the section ".note.stapsdt" (three words - address, base, semaphore - then provider, name and arguments as texts).
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/links.h"

static bool is_shared_object(const char *path)
{
	unsigned char head[18];
	FILE *f = fopen(path, "re");
	bool yes = f && fread(head, sizeof(head), 1, f) == 1 && !memcmp(head, "\177ELF", 4);

	if (f)
		fclose(f);
	return yes;
}

/* "libc" finds libc.so.6: the name, then ".so", then anything. */
static bool find_in_dir(const char *dir, const char *name, char *out, size_t size)
{
	static const char *const forms[] = {"%s/%s", "%s/%s.so", "%s/%s.so.*", "%s/lib%s.so", "%s/lib%s.so.*"};
	bool found = false;

	for (size_t f = 0; !found && f < sizeof(forms) / sizeof(*forms); f++) {
		char pattern[PATH_MAX];
		glob_t g;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(pattern, sizeof(pattern), forms[f], dir, name);
#pragma GCC diagnostic pop
		if (glob(pattern, 0, NULL, &g))
			continue;
		/* a file libX.so may be a text for the linker */
		for (size_t i = 0; !found && i < g.gl_pathc; i++) {
			found = is_shared_object(g.gl_pathv[i]);
			if (found)
				snprintf(out, size, "%s", g.gl_pathv[i]);
		}
		globfree(&g);
	}
	return found;
}

static bool find_in_list(const char *dirs, const char *name, char *out, size_t size)
{
	char *copy = strdup(dirs), *save = NULL;
	bool found = false;

	for (char *d = copy ? strtok_r(copy, ": \t\n", &save) : NULL; d && !found; d = strtok_r(NULL, ": \t\n", &save))
		found = *d == '/' && find_in_dir(d, name, out, size);
	free(copy);
	return found;
}

/* The directories that the dynamic linker is told of, one per line in these files. */
static bool find_in_ld_conf(const char *name, char *out, size_t size)
{
	bool found = false;
	glob_t g;

	if (glob("/etc/ld.so.conf.d/*.conf", 0, NULL, &g))
		return false;
	for (size_t i = 0; !found && i < g.gl_pathc; i++) {
		char *text;
		size_t len;

		if (cb_file_read(g.gl_pathv[i], 1 << 20, &text, &len, NULL))
			continue;
		found = find_in_list(text, name, out, size);
		free(text);
	}
	globfree(&g);
	return found;
}

int cb_find_binary(const char *name, char *out, size_t size)
{
	const char *dirs;

	if (strchr(name, '/')) {
		if (strlen(name) >= size)
			return -ENAMETOOLONG;
		strcpy(out, name);
		return access(name, R_OK) ? -errno : 0;
	}
	if (!*name)
		return -ENOENT;
	if ((dirs = getenv("LD_LIBRARY_PATH")) && find_in_list(dirs, name, out, size))
		return 0;
	if (find_in_ld_conf(name, out, size) ||
	    find_in_list("/lib64:/usr/lib64:/lib:/usr/lib:/usr/local/lib", name, out, size))
		return 0;
	/* not a library: a program in $PATH */
	dirs = getenv("PATH");
	return dirs && find_in_list(dirs, name, out, size) ? 0 : -ENOENT;
}

static bool table_has(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, const char *function)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;

	for (size_t i = 0; data && i < n; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
		    GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		/* "name@VERSION" in some static tables */
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (name && !strncmp(name, function, strlen(function)) &&
		    (!name[strlen(function)] || name[strlen(function)] == '@'))
			return true;
	}
	return false;
}

static bool notes_have(Elf_Scn *scn, size_t word, const char *provider, const char *marker)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t pos = 0, name_at, desc_at;
	GElf_Nhdr nh;

	while (data && (pos = gelf_getnote(data, pos, &nh, &name_at, &desc_at))) {
		const char *text = (const char *)data->d_buf + desc_at + 3 * word;
		size_t room = nh.n_descsz > 3 * word ? nh.n_descsz - 3 * word : 0, n = strnlen(text, room);

		if (n == room || strcmp(text, provider))
			continue;
		if (strnlen(text + n + 1, room - n - 1) < room - n - 1 && !strcmp(text + n + 1, marker))
			return true;
	}
	return false;
}

bool cb_binary_has(const char *path, const char *provider, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;
	Elf_Scn *scn = NULL;
	size_t strings;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	while (elf && !found && (scn = elf_nextscn(elf, scn))) {
		const char *section;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || elf_getshdrstrndx(elf, &strings))
			break;
		section = elf_strptr(elf, strings, sh.sh_name);
		if (!provider && (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM))
			found = table_has(elf, scn, &sh, name);
		else if (provider && sh.sh_type == SHT_NOTE && section && !strcmp(section, ".note.stapsdt"))
			found = notes_have(scn, gelf_getclass(elf) == ELFCLASS64 ? 8 : 4, provider, name);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return found;
}
