// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* initramfs.c - see initramfs.h. */
#include "lab/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "lab/cpio.h"
#include "lab/libs.h"
#include "lab/plan.h"
#include "lab/wire.h"

enum {
	LARGEST = 3,			 /* files that a message names */
	GUEST_BYTES = 160 * 1024 * 1024, /* what a guest needs beside its files */
};

struct maker {
	struct cb_cpio cpio;
	const struct cb_lab_arch *arch;
	struct {
		char path[PATH_MAX];
		uint64_t size;
	} large[LARGEST];  /* largest first */
	uint64_t memory;   /* of the guest */
	uint64_t left_out; /* bytes of files that cannot fit, and are not even copied */
	struct cb_err *e;
};

/* "peer CMD ...": in the network namespace at the other end of the pair of interfaces. */
static const char peer[] = "#!/bin/sh\nexec nsenter --net=/run/netns/peer \"$@\"\n";

/* Made from room.sh. */
extern const unsigned char cb_lab_room_sh[];
extern const size_t cb_lab_room_sh_len;

/* What the agent mounts on, and what programs expect. */
static const char *const dirs[] = {"/dev",  "/etc", "/lab", "/proc",	"/root",     "/run",
				   "/sbin", "/sys", "/tmp", "/usr/bin", "/usr/sbin", "/var"};

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
static const char group[] = "root:x:0:\nnogroup:x:65534:\n";
static const char hosts[] = "127.0.0.1 localhost\n::1 localhost\n10.77.0.1 lab0\n10.77.0.2 lab1 peer\n";

static void note_size(struct maker *m, const char *path, uint64_t size)
{
	int i = LARGEST - 1;

	if (size <= m->large[i].size)
		return;
	for (; i > 0 && m->large[i - 1].size < size; i--)
		m->large[i] = m->large[i - 1];
	snprintf(m->large[i].path, sizeof(m->large[i].path), "%s", path);
	m->large[i].size = size;
}

/* While it is unpacked each file is there twice. */
static bool fits(const struct maker *m, uint64_t more)
{
	return 2 * (m->cpio.size + m->left_out + more) + GUEST_BYTES <= m->memory;
}

static int failed(struct maker *m, const char *what, int err)
{
	return cb_fail(m->e, -err, "cannot put %s into the guest: %s", what,
		       err == -EEXIST ? "there is such a path already" : strerror(-err));
}

static int put_data(struct maker *m, const char *path, mode_t mode, const void *data, size_t len)
{
	int err = 0;

	note_size(m, path, len);
	if (fits(m, len))
		err = cb_cpio_data(&m->cpio, path, mode, data, len);
	else
		m->left_out += len;
	return err ? failed(m, path, err) : 0;
}

static int put_text(struct maker *m, const char *path, mode_t mode, const char *text)
{
	return put_data(m, path, mode, text, strlen(text));
}

/* One file of the host's, alone. mode 0: its own. */
static int put_copy(struct maker *m, const char *path, const char *host, mode_t mode)
{
	int fd = open(host, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st = {0};

	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (fits(m, (uint64_t)st.st_size))
		err = cb_cpio_file(&m->cpio, path, mode ? mode : st.st_mode & 07777, fd);
	else
		m->left_out += (uint64_t)st.st_size;
	if (!err)
		note_size(m, path, (uint64_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return err ? failed(m, err == -EEXIST ? path : host, err) : 0;
}

static int put_libs(struct maker *m, const char *program)
{
	struct cb_lab_libs libs;
	int err = cb_lab_libs(program, &libs, m->e);

	for (size_t i = 0; i < libs.n && !err; i++)
		if (!cb_cpio_has(&m->cpio, libs.path[i]))
			err = put_copy(m, libs.path[i], libs.path[i], 0755);
	cb_lab_libs_free(&libs);
	return err;
}

/* A program of the guest's architecture, with what it needs. What is no program goes as it is. */
static int put_host_file(struct maker *m, const char *path, const char *host, mode_t mode)
{
	bool dynamic;
	char buf[32];
	const char *arch = cb_lab_program_arch(host, &dynamic, buf);

	if (arch && dynamic && strcmp(arch, m->arch->name))
		return cb_fail(m->e, ENOEXEC, "%s is a program for %s; this guest is %s", host, arch, m->arch->name);
	if (arch && dynamic) {
		int err = put_libs(m, host);

		if (err)
			return err;
	}
	return put_copy(m, path, host, mode);
}

/* A program that the guest cannot do without. */
static int put_needed(struct maker *m, const char *path, const char *host)
{
	bool dynamic;
	char buf[32];
	const char *arch = cb_lab_program_arch(host, &dynamic, buf);

	if (access(host, R_OK))
		return cb_fail(m->e, errno, "cannot put %s into the guest: %s", host, strerror(errno));
	if (!arch)
		return cb_fail(m->e, ENOEXEC, "%s is no program; this guest needs one for %s", host, m->arch->name);
	if (strcmp(arch, m->arch->name))
		return cb_fail(m->e, ENOEXEC, "%s is a program for %s; this guest needs one for %s", host, arch,
			       m->arch->name);
	return put_host_file(m, path, host, 0755);
}

static bool is_static(const char *program, const struct cb_lab_arch *arch)
{
	bool dynamic;
	char buf[32];
	const char *is = cb_lab_program_arch(program, &dynamic, buf);

	return is && !strcmp(is, arch->name) && !dynamic;
}

/* Its agent says what this program understands; an older build's would not. */
static int check_version(struct maker *m, const char *coolbpf)
{
	int fd = open(coolbpf, O_RDONLY | O_CLOEXEC);
	const char *data = MAP_FAILED;
	bool same = false;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED) {
		same = memmem(data, (size_t)st.st_size, cb_wire_version, strlen(cb_wire_version));
		munmap((void *)(uintptr_t)data, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	if (same)
		return 0;
	return cb_fail(
		m->e, ESTALE,
		"the coolbpf for the guest, %s, is of another version than this one, which would not understand its "
		"agent; \"make static%s\" in coolbpf's source makes it anew",
		coolbpf, strcmp(m->arch->name, "arm64") ? "" : "-arm64");
}

/* The path of this program, and its directory. 0 or a negative errno. */
static int find_self(struct maker *m, char self[PATH_MAX], char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);

	if (n < 0)
		return cb_fail(m->e, errno, "cannot find this program: %s", strerror(errno));
	self[n] = '\0';
	strcpy(dir, self);
	*strrchr(dir, '/') = '\0';
	return 0;
}

/* The first of these that is a static program for the guest; relative to the directory of this program. */
static bool find_static(const struct maker *m, const char *const *places, const char *dir, char *out, size_t size)
{
	for (; *places; places++) {
		snprintf(out, size, "%s%s%s", **places == '/' ? "" : dir, **places == '/' ? "" : "/", *places);
		if (is_static(out, m->arch))
			return true;
	}
	return false;
}

/*
 * Where coolbpf for the guest is: this program, if it is static; a static one beside it, by its installed name or in the build
 * tree, where this program is build/src/cli/coolbpf, build/tests/lab/NAME or build-static/coolbpf; this one with its libraries.
 */
static int find_coolbpf(struct maker *m, char *out, size_t size)
{
	static const char *const x86[] = {"coolbpf-static", "../../../build-static/coolbpf", NULL};
	static const char *const arm[] = {"coolbpf-static-arm64", "../../../build-arm64/coolbpf",
					  "../build-arm64/coolbpf", NULL};
	bool is_arm = !strcmp(m->arch->name, "arm64"), dynamic;
	char self[PATH_MAX], dir[PATH_MAX], buf[32];
	const char *own, *suffix = is_arm ? "-arm64" : "";
	int err = find_self(m, self, dir);

	if (err)
		return err;
	if (!is_static(self, m->arch) && find_static(m, is_arm ? arm : x86, dir, out, size))
		return 0;
	snprintf(out, size, "%s", self);
	own = cb_lab_program_arch(self, &dynamic, buf);
	if (own && !strcmp(own, m->arch->name))
		return 0;
	return cb_fail(
		m->e, ENOENT,
		"there is no static coolbpf for %s here, which the guest needs; \"make static%s\" in coolbpf's source "
		"makes it, to be put beside this program as coolbpf-static%s",
		m->arch->name, suffix, suffix);
}

/* The static busybox: the machine's own, or that which "make static-arm64" puts beside coolbpf. */
static int find_busybox(struct maker *m, char *out, size_t size)
{
	static const char *const places[] = {"/bin/busybox",
					     "/usr/bin/busybox",
					     "/usr/lib/busybox/busybox-static",
					     "busybox-static-arm64",
					     "../../../build-arm64/busybox",
					     "../build-arm64/busybox",
					     NULL};
	char self[PATH_MAX], dir[PATH_MAX];
	int err = find_self(m, self, dir);

	if (err || find_static(m, places, dir, out, size))
		return err;
	return cb_fail(
		m->e, ENOENT, "there is no static busybox for %s here: most of the guest's commands are in it (%s)",
		m->arch->name,
		strcmp(m->arch->name, "arm64") ? "Debian's package is busybox-static"
					       : "\"make static-arm64\" in coolbpf's source fetches one, to be put "
						 "beside this program as busybox-static-arm64");
}

/*
 * The guest's shell. busybox has one, but as Debian builds it, it runs its own applets whatever $PATH says, and without an
 * execve() that a tool could see.
 */
static int find_shell(struct maker *m, char *out, size_t size)
{
	static const char *const x86[] = {"/bin/bash-static", "/usr/bin/bash-static", NULL};
	static const char *const arm[] = {"/bin/bash-static", "bash-static-arm64", "../../../build-arm64/bash",
					  "../build-arm64/bash", NULL};
	bool is_arm = !strcmp(m->arch->name, "arm64"), dynamic;
	char self[PATH_MAX], dir[PATH_MAX], buf[32];
	int err = find_self(m, self, dir);
	const char *own;

	if (err || find_static(m, is_arm ? arm : x86, dir, out, size))
		return err;
	snprintf(out, size, "/bin/bash");
	own = cb_lab_program_arch(out, &dynamic, buf);
	if (own && !strcmp(own, m->arch->name))
		return 0;
	return cb_fail(
		m->e, ENOENT, "there is no bash for %s here: it is the guest's shell (%s)", m->arch->name,
		is_arm ? "\"make static-arm64\" in coolbpf's source fetches one, to be put beside this program as "
			 "bash-static-arm64"
		       : "Debian's package is bash-static");
}

static int put_base(struct maker *m, const struct cb_lab_guest_opts *o)
{
	char coolbpf[PATH_MAX], busybox[PATH_MAX], shell[PATH_MAX];
	int err = find_shell(m, shell, sizeof(shell));

	if (!err && !o->coolbpf)
		err = find_coolbpf(m, coolbpf, sizeof(coolbpf));
	if (!err && !o->busybox)
		err = find_busybox(m, busybox, sizeof(busybox));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !err; i++)
		err = cb_cpio_dir(&m->cpio, dirs[i], strcmp(dirs[i], "/tmp") ? 0755 : 01777);
	/* before the agent has mounted devtmpfs, the kernel opens its console for it */
	if (!err)
		err = cb_cpio_device(&m->cpio, "/dev/console", S_IFCHR | 0600, 5, 1);
	if (!err)
		err = cb_cpio_symlink(&m->cpio, "/bin/coolbpf", "/init");
	if (!err)
		err = cb_cpio_symlink(&m->cpio, "/bin/sh", "bash");
	if (err)
		return err < 0 && m->e && !*m->e->text ? failed(m, "the base", err) : err;
	err = put_needed(m, "/init", o->coolbpf ? o->coolbpf : coolbpf);
	if (!err)
		err = check_version(m, o->coolbpf ? o->coolbpf : coolbpf);
	if (!err)
		err = put_needed(m, "/bin/busybox", o->busybox ? o->busybox : busybox);
	if (!err)
		err = put_needed(m, "/bin/bash", shell);
	if (!err)
		err = put_data(m, CB_LAB_ROOM, 0755, cb_lab_room_sh, cb_lab_room_sh_len);
	if (!err)
		err = put_text(m, "/bin/peer", 0755, peer);
	if (!err)
		err = put_text(m, "/etc/passwd", 0644, passwd);
	if (!err)
		err = put_text(m, "/etc/group", 0644, group);
	return err ? err : put_text(m, "/etc/hosts", 0644, hosts);
}

static int put_file(struct maker *m, const struct cb_lab_file *f)
{
	if (!f->path || f->path[0] != '/' || !f->path[1])
		return cb_fail(m->e, EINVAL, "\"%s\" is no absolute path for a file of the guest",
			       f->path ? f->path : "");
	if (f->host)
		return put_host_file(m, f->path, f->host, f->mode);
	if (f->link) {
		int err = cb_cpio_symlink(&m->cpio, f->path, f->link);

		return err ? failed(m, f->path, err) : 0;
	}
	return put_data(m, f->path, f->mode ? f->mode : 0644, f->data, f->len);
}

static int put_jobs(struct maker *m, const struct cb_lab_guest_opts *o)
{
	struct cb_buf plan = {0};
	int err = cb_lab_plan_write(m->arch->port, o->jobs, o->n_jobs, &plan, m->e);

	if (!err)
		err = put_data(m, CB_LAB_PLAN, 0644, plan.data, plan.len);
	cb_buf_free(&plan);
	for (size_t i = 0; i < o->n_files && !err; i++)
		err = put_file(m, &o->files[i]);
	return err;
}

static int check_size(struct maker *m)
{
	struct cb_buf names = {0};
	int err = 0;

	if (fits(m, 0))
		return 0;
	for (int i = 0; i < LARGEST && m->large[i].size; i++)
		cb_buf_printf(&names, "%s%s (%.1f MB)", i ? ", " : "", m->large[i].path,
			      (double)m->large[i].size / 1e6);
	err = cb_fail(m->e, EFBIG,
		      "the guest's files are %.1f MB, too much for a guest of %.0f MB memory (each is there twice "
		      "while they are "
		      "unpacked, and %.0f MB are the guest's own); the largest: %s",
		      (double)(m->cpio.size + m->left_out) / 1e6, (double)m->memory / 1e6, GUEST_BYTES / 1e6,
		      cb_buf_cstr(&names));
	cb_buf_free(&names);
	return err;
}

int cb_lab_initramfs(const struct cb_lab_arch *arch, const struct cb_lab_guest_opts *opts, uint64_t memory,
		     struct cb_err *e)
{
	struct maker *m = calloc(1, sizeof(*m));
	int fd = m ? cb_file_nameless("initramfs") : -ENOMEM, err;

	if (fd < 0) {
		free(m);
		return cb_fail(e, -fd, "cannot make the guest's files: %s", strerror(-fd));
	}
	m->cpio.fd = fd;
	m->arch = arch;
	m->memory = memory;
	m->e = e;
	err = put_base(m, opts);
	if (!err && cb_cpio_end(&m->cpio))
		err = cb_fail(e, EIO, "cannot write the guest's files");
	if (!err)
		err = put_jobs(m, opts);
	if (!err && cb_cpio_end(&m->cpio))
		err = cb_fail(e, EIO, "cannot write the guest's files");
	if (!err)
		err = check_size(m);
	cb_cpio_free(&m->cpio);
	free(m);
	if (err)
		close(fd);
	return err ? err : fd;
}
