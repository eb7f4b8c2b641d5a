// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * nobpf.c - a kernel that has no bpf(2) at all, as those before 3.18: Debian's source package linux-source-VERSION,
 * built with BPF_SYSCALL off and all else that tracing needs on (nobpf.config).
 *
 * It is built in the cache's tmp/ (some 1.5 GB), and what stays of it is the image, the modules, and `build/`: what
 * a module is built against, some 50 MB.
 */
#include "lab/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/image.h"

/* nobpf.config */
extern const unsigned char cb_nobpf_config[];
extern const size_t cb_nobpf_config_len;

struct build {
	struct cb_lab_apt *apt;
	const struct cb_lab_name *name;
	const char *entry;
	char source[PATH_MAX]; /* the unpacked source, in which it is built */
	char release[CB_LAB_RELEASE];
};

static int run(struct build *b, const char *dir, const char *const *argv, const char *const *env, struct cb_err *e)
{
	const struct cb_lab_prog p = {.argv = argv, .dir = dir, .env = env, .tmp = b->apt->store->tmp};

	return cb_lab_prog_run(&p, b->apt->hold, NULL, e);
}

/* ---- The source -------------------------------------------------------------------------------------------------- */

static int check_tools(struct cb_err *e)
{
	static const char *const tools[] = {"make", "gcc", "flex", "bison", "bc", "tar", "xz", "depmod"};

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!cb_lab_prog_there(tools[i]))
			return cb_fail(
				e, ENOSYS,
				"a kernel cannot be built here: there is no %s (Debian: apt-get install gcc make flex "
				"bison bc xz-utils kmod libelf-dev libssl-dev)",
				tools[i]);
	return 0;
}

static int unpack_source(struct build *b, const char *package, struct cb_err *e)
{
	static const char *const follow[] = {NULL};
	char root[PATH_MAX], tarball[PATH_MAX];
	const char *const untar[] = {"tar", "-xf", tarball, "--strip-components=1", NULL};
	int err = cb_lab_path(root, e, "%s/root", b->apt->store->tmp);

	if (!err)
		err = cb_lab_path(tarball, e, "%s/usr/src/linux-source-%s.tar.xz", root, b->name->version);
	if (!err)
		err = cb_lab_path(b->source, e, "%s/source", b->apt->store->tmp);
	if (!err)
		err = cb_mkdirs(b->source, e);
	if (!err)
		err = cb_lab_fetch_unpack(b->apt, package, follow, root, e);
	if (!err) {
		cb_say(b->apt->opts->log, CB_INFO, "unpacking the source");
		err = run(b, b->source, untar, NULL, e);
	}
	cb_lab_remove(root);
	return err;
}

/* ---- Its configuration ------------------------------------------------------------------------------------------- */

/* Does the text have this line? */
static bool has_line(const char *text, const char *line, size_t n)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, line, n) && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* make drops settings whose conditions are not met without a word. */
static int check_settings(const char *wanted, const char *config, struct cb_err *e)
{
	char off[128];

	for (const char *p = wanted; *p;) {
		size_t n = strcspn(p, "\n");
		bool is_off = n > 2 && p[n - 2] == '=' && p[n - 1] == 'n';

		snprintf(off, sizeof(off), "%.*s=y", (int)n - 2, p);
		if (*p == 'C' && (is_off ? has_line(config, off, strlen(off)) : !has_line(config, p, n)))
			return cb_fail(e, EINVAL, "this source cannot be built with %.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
	return 0;
}

/* Put the settings into the source, and let it work out all others. */
static int configure_as(struct build *b, const char *wanted, struct cb_err *e)
{
	static const char *const argv[] = {"make", "-s", "allnoconfig", NULL};
	char path[PATH_MAX], all[PATH_MAX + 32], *config;
	const char *const env[] = {all, NULL};
	size_t len;
	int err = cb_lab_path(path, e, "%s/lab.config", b->source);

	if (!err)
		err = cb_file_write(path, wanted, strlen(wanted), 0644, e);
	snprintf(all, sizeof(all), "KCONFIG_ALLCONFIG=%s", path);
	if (!err)
		err = run(b, b->source, argv, env, e);
	if (!err)
		err = cb_lab_path(path, e, "%s/.config", b->source);
	if (!err)
		err = cb_file_read(path, 1 << 20, &config, &len, e);
	if (err)
		return err;
	err = check_settings(wanted, config, e);
	free(config);
	return err;
}

static int configure(struct build *b, struct cb_err *e)
{
	char *wanted = strndup((const char *)cb_nobpf_config, cb_nobpf_config_len);
	int err = wanted ? configure_as(b, wanted, e) : cb_fail(e, ENOMEM, "out of memory");

	free(wanted);
	return err;
}

/* ---- Building and keeping ---------------------------------------------------------------------------------------- */

static int compile(struct build *b, struct cb_err *e)
{
	char jobs[32];
	const char *const argv[] = {"make", "-s", jobs, "bzImage", "modules", NULL};
	/* the same source gives the same kernel, wherever and by whomever it is built */
	static const char *const env[] = {"KBUILD_BUILD_USER=coolbpf", "KBUILD_BUILD_HOST=lab", NULL};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	snprintf(jobs, sizeof(jobs), "-j%ld", cpus > 0 ? cpus : 1);
	cb_say(b->apt->opts->log, CB_INFO, "building it with %s: this takes some minutes", jobs);
	return run(b, b->source, argv, env, e);
}

static int keep_image(struct build *b, struct cb_err *e)
{
	struct cb_lab_image image;
	char from[PATH_MAX], to[PATH_MAX], *data;
	size_t len;
	int err = cb_lab_path(from, e, "%s/arch/x86/boot/bzImage", b->source);

	if (!err)
		err = cb_lab_path(to, e, "%s/vmlinuz", b->entry);
	if (!err)
		err = cb_file_read(from, CB_LAB_IMAGE_MAX, &data, &len, e);
	if (err)
		return err;
	err = cb_lab_image_read(data, len, &image, e);
	free(data);
	if (err)
		return cb_fail_in(e, err, "cannot use %s", from);
	memcpy(b->release, image.release, sizeof(b->release));
	return cb_lab_rename(from, to, e);
}

static int keep_modules(struct build *b, struct cb_err *e)
{
	char path[PATH_MAX + 32], from[PATH_MAX], to[PATH_MAX];
	const char *const argv[] = {"make", "-s", "modules_install", path, NULL};
	int err = cb_lab_path(to, e, "%s/modules", b->entry);

	snprintf(path, sizeof(path), "INSTALL_MOD_PATH=%s/installed", b->apt->store->tmp);
	if (!err)
		err = run(b, b->source, argv, NULL, e);
	if (!err)
		err = cb_lab_path(from, e, "%s/installed/lib/modules", b->apt->store->tmp);
	if (!err)
		err = cb_lab_rename(from, to, e);
	/* links into tmp/ */
	if (!err && !cb_lab_path(from, NULL, "%s/%s/build", to, b->release))
		unlink(from);
	if (!err && !cb_lab_path(from, NULL, "%s/%s/source", to, b->release))
		unlink(from);
	return err;
}

/* What "make M=" reads of a tree in which a kernel was built. */
static int keep_build(struct build *b, struct cb_err *e)
{
	static const char *const pack[] = {"tar",
					   "-cf",
					   "build.tar",
					   "--exclude=*.o",
					   "--exclude=*.cmd",
					   "Makefile",
					   ".config",
					   "Module.symvers",
					   "scripts",
					   "include",
					   "arch/x86/Makefile",
					   "arch/x86/include",
					   "arch/x86/Makefile_32.cpu",
					   "tools/objtool/objtool",
					   NULL};
	char dir[PATH_MAX], tarball[PATH_MAX], config[PATH_MAX], to[PATH_MAX];
	const char *const unpack[] = {"tar", "-xf", tarball, "-C", dir, NULL};
	int err = cb_lab_path(dir, e, "%s/build", b->entry);

	if (!err)
		err = cb_lab_path(tarball, e, "%s/build.tar", b->source);
	if (!err)
		err = cb_lab_path(config, e, "%s/.config", b->source);
	if (!err)
		err = cb_lab_path(to, e, "%s/config", b->entry);
	if (!err)
		err = cb_mkdirs(dir, e);
	if (!err)
		err = run(b, b->source, pack, NULL, e);
	if (!err)
		err = run(b, b->source, unpack, NULL, e);
	return err ? err : cb_lab_rename(config, to, e);
}

int cb_lab_nobpf_make(struct cb_lab_apt *a, const struct cb_lab_name *name, const char *have, const char *entry,
		      struct cb_lab_info *info, struct cb_err *e)
{
	struct build b = {.apt = a, .name = name, .entry = entry};
	char source[128], package[256], text[256];
	int err = check_tools(e);

	if (!err && (strcmp(name->arch, "x86_64") || strcmp(cb_lab_own_arch(), "x86_64")))
		err = cb_fail(e, ENOTSUP, "a kernel without eBPF is built for x86_64 on x86_64 only");
	snprintf(source, sizeof(source), "linux-source-%s", name->version);
	if (!err)
		err = cb_lab_fetch_newest(a, source, package, sizeof(package), e);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%s %s", source, package + strlen(source) + 1);
	if (have && !strcmp(have, text))
		return -EALREADY;
	err = unpack_source(&b, package, e);
	if (!err)
		err = configure(&b, e);
	if (!err)
		err = compile(&b, e);
	if (!err)
		err = keep_image(&b, e);
	if (!err)
		err = keep_modules(&b, e);
	if (!err)
		err = keep_build(&b, e);
	if (err)
		return err;
	info->release = strdup(b.release);
	info->package = strdup(text);
	info->source = strdup("dir:build");
	return info->release && info->package && info->source ? 0 : cb_fail(e, ENOMEM, "out of memory");
}
