// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * libs.c - see libs.h. The loader itself is asked, as ldd(1) does (its own --list does not say which library is missing): it knows
 * its search path, RUNPATH, and the libraries of libraries. It maps the program but does not run it. The loader is what the program
 * names, though: only one where systems have theirs is run, since a program may be for the guest because nobody trusts it.
 */
#include "lab/libs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "lab/prog.h"

/* The path of the loader, or "". */
static void find_loader(Elf *elf, int fd, char *out, size_t size)
{
	size_t n;

	*out = '\0';
	if (elf_getphdrnum(elf, &n))
		return;
	for (int i = 0; i < (int)n; i++) {
		GElf_Phdr p;
		ssize_t got;

		if (!gelf_getphdr(elf, i, &p) || p.p_type != PT_INTERP || p.p_filesz >= size)
			continue;
		got = pread(fd, out, p.p_filesz, (off_t)p.p_offset);
		out[got < 0 ? 0 : got] = '\0';
		return;
	}
}

/* The ELF machine number, or -1; loader holds PATH_MAX bytes. */
static int look_at(const char *program, char *loader)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC), machine = -1;
	GElf_Ehdr eh;
	Elf *elf;

	*loader = '\0';
	if (fd < 0)
		return -1;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &eh)) {
		machine = eh.e_machine;
		find_loader(elf, fd, loader, PATH_MAX);
	}
	elf_end(elf);
	close(fd);
	return machine;
}

const char *cb_lab_program_arch(const char *program, bool *dynamic, char buf[32])
{
	char loader[PATH_MAX];
	int machine = look_at(program, loader);

	*dynamic = *loader;
	if (machine < 0)
		return NULL;
	if (machine == EM_X86_64)
		return "x86_64";
	if (machine == EM_AARCH64)
		return "arm64";
	snprintf(buf, 32, "ELF machine %d", machine);
	return buf;
}

static int add(struct cb_lab_libs *l, const char *path, size_t len)
{
	char **more = realloc(l->path, (l->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->path = more;
	more[l->n] = strndup(path, len);
	return more[l->n] ? (l->n++, 0) : -ENOMEM;
}

/* One of "NAME => PATH (ADDRESS)", "PATH (ADDRESS)", "NAME => not found"; what has no path is the kernel's vDSO. */
static int add_line(struct cb_lab_libs *l, char *line, const char *program, struct cb_err *e)
{
	char *arrow = strstr(line, " => "), *path = arrow ? arrow + 4 : line + strspn(line, " \t");
	int err = 0;

	if (!strncmp(path, "not found", 9))
		return cb_fail(e, ENOENT, "%s needs %.*s, which is not on this machine", program,
			       (int)(arrow - line - (ssize_t)strspn(line, " \t")), line + strspn(line, " \t"));
	if (*path == '/')
		err = add(l, path, strcspn(path, " "));
	return err ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

/* Does it stand where only root puts files? */
static bool is_systems(const char *loader)
{
	static const char *const places[] = {"/lib/",	    "/lib64/",	   "/usr/lib/",
					     "/usr/lib64/", "/nix/store/", "/gnu/store/"};
	char path[PATH_MAX];

	for (size_t i = 0; realpath(loader, path) && i < sizeof(places) / sizeof(*places); i++)
		if (!strncmp(path, places[i], strlen(places[i])))
			return true;
	return false;
}

/* What the loader says to out. */
static int ask_loader(const char *loader, const char *program, struct cb_buf *out, struct cb_err *e)
{
	const char *argv[] = {loader, program, NULL}, *env[] = {"LD_TRACE_LOADED_OBJECTS=1", NULL};
	struct cb_lab_prog p = {.argv = argv, .env = env, .out = out};
	struct cb_lab_hold hold;
	int err = cb_lab_hold(&hold, e);

	if (err)
		return err;
	err = cb_lab_prog_run(&p, &hold, NULL, e);
	cb_lab_release(&hold);
	return err;
}

int cb_lab_libs(const char *program, struct cb_lab_libs *out, struct cb_err *e)
{
	char loader[PATH_MAX], path[PATH_MAX], *save = NULL;
	struct cb_buf text = {0};
	int err;

	*out = (struct cb_lab_libs){0};
	/* a name such as /proc/self/exe is another program to the loader */
	if (!realpath(program, path))
		return 0;
	look_at(path, loader);
	if (!*loader)
		return 0;
	if (!is_systems(loader))
		return cb_fail(e, EPERM,
			       "%s wants to be started by %s, which is no loader of this system's and is not run",
			       program, loader);
	err = ask_loader(loader, path, &text, e);
	if (err)
		err = cb_fail_in(e, err, "cannot find the libraries of %s", program);
	cb_buf_cstr(&text);
	if (!err && (text.failed || add(out, loader, strlen(loader))))
		err = cb_fail(e, ENOMEM, "out of memory");
	for (char *line = err ? NULL : strtok_r(text.data, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save))
		err = add_line(out, line, program, e);
	cb_buf_free(&text);
	if (err)
		cb_lab_libs_free(out);
	return err;
}

void cb_lab_libs_free(struct cb_lab_libs *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	free(l->path);
	*l = (struct cb_lab_libs){0};
}
