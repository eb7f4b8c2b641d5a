// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fetch.c - a kernel of Debian's into the cache: choose the package, unpack it, keep the image and the modules.
 *
 * The image is in the package linux-image-RELEASE, or in one that it depends on (linux-binary-RELEASE,
 * linux-modules-RELEASE, linux-base-RELEASE: Debian 14 and its backports); as boot/vmlinuz-RELEASE, or
 * [usr/]lib/modules/RELEASE/vmlinuz.
 */
#include "lab/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/image.h"
#include "lab/version.h"

static const char image_prefix[] = "linux-image-";

/* ---- Names ------------------------------------------------------------------------------------------------------- */

const char *cb_lab_own_arch(void)
{
	struct utsname u;

	uname(&u);
	return !strcmp(u.machine, "x86_64") ? "x86_64" : !strcmp(u.machine, "aarch64") ? "arm64" : "other";
}

bool cb_lab_is_native(const char *arch)
{
	return !strcmp(arch, cb_lab_own_arch());
}

static int take_arch(const char *arch, struct cb_lab_name *out, struct cb_err *e)
{
	bool arm64 = !strcmp(arch, "arm64") || !strcmp(arch, "aarch64");

	if (!arm64 && strcmp(arch, "x86_64") && strcmp(arch, "amd64"))
		return cb_fail(e, EINVAL, "the lab has no architecture \"%s\"; there are x86_64 and arm64", arch);
	strcpy(out->arch, arm64 ? "arm64" : "x86_64");
	strcpy(out->deb_arch, arm64 ? "arm64" : "amd64");
	return 0;
}

int cb_lab_name_parse(const char *name, struct cb_lab_name *out, struct cb_err *e)
{
	static const char debian[] = "debian:", nobpf[] = "-nobpf";
	const char *version = name + sizeof(debian) - 1, *slash = strchr(name, '/'), *own = cb_lab_own_arch();
	size_t n;
	int err;

	*out = (struct cb_lab_name){0};
	if (strncmp(name, debian, sizeof(debian) - 1))
		return cb_fail(e, EINVAL,
			       "\"%s\" is no name of a kernel that can be fetched: debian:VERSION (like debian:6.1), "
			       "debian:newest, debian:5.10-nobpf, each with /arm64 if wanted",
			       name);
	n = slash ? (size_t)(slash - version) : strlen(version);
	if (n > sizeof(nobpf) && !strncmp(version + n - sizeof(nobpf) + 1, nobpf, sizeof(nobpf) - 1)) {
		out->nobpf = true;
		n -= sizeof(nobpf) - 1;
	}
	if (!n || n >= sizeof(out->version))
		return cb_fail(e, EINVAL, "\"%s\" has no version (like debian:6.1)", name);
	memcpy(out->version, version, n);
	out->newest = !strcmp(out->version, "newest");
	if (!out->newest && (!isdigit((unsigned char)*version) ||
			     out->version[strspn(out->version, "0123456789abcdefghijklmnopqrstuvwxyz.+~-")]))
		return cb_fail(e, EINVAL, "\"%s\" is no version of a kernel (like 6.1)", out->version);
	err = take_arch(slash ? slash + 1 : own, out, e);
	if (err)
		return err;
	snprintf(out->text, sizeof(out->text), "%s%s%s%s%s", debian, out->version, out->nobpf ? nobpf : "",
		 strcmp(out->arch, own) ? "/" : "", strcmp(out->arch, own) ? out->arch : "");
	return 0;
}

/* ---- Choosing the package ---------------------------------------------------------------------------------------- */

struct choice {
	const struct cb_lab_name *name;
	int own_release;
	bool preferred;
	char package[160], version[96]; /* "": none */
	struct cb_buf there;		/* versions that there are, for the message */
	char last[32];
};

/* "linux-image-6.1.0-37-cloud-amd64", not "linux-image-cloud-amd64" nor "...-unsigned" */
static bool is_small_image(const char *package, const char *deb_arch)
{
	char end[32];
	size_t n = strlen(package), m;

	m = (size_t)snprintf(end, sizeof(end), "-cloud-%s", deb_arch);
	return n > sizeof(image_prefix) + m && isdigit((unsigned char)package[sizeof(image_prefix) - 1]) &&
	       strchr(package, '.') && !strcmp(package + n - m, end);
}

/*
 * A kernel of this machine's release of Debian, or of an older one, is taken before a newer kernel of a newer
 * release: this machine's compiler builds modules for it. For "newest" nothing but the version counts.
 */
static void consider(struct choice *c, const char *package, const char *version, const char *suite)
{
	bool preferred = c->name->newest || !c->own_release || cb_lab_suite_release(suite) <= c->own_release;
	const char *release = package + sizeof(image_prefix) - 1;

	if (!c->name->newest && !cb_lab_version_begins(version, c->name->version) &&
	    !cb_lab_version_begins(release, c->name->version))
		return;
	if (*c->package && (c->preferred > preferred ||
			    (c->preferred == preferred && cb_lab_version_compare(version, c->version) <= 0)))
		return;
	c->preferred = preferred;
	snprintf(c->package, sizeof(c->package), "%s", package);
	snprintf(c->version, sizeof(c->version), "%s", version);
}

/* A line of "apt-cache madison". */
static void take_version(struct choice *c, const char *line)
{
	char package[160], version[96], suite[64];

	if (sscanf(line, " %159[^ |] | %95[^ |] | %*s %63[^/ ]", package, version, suite) == 3)
		consider(c, package, version, suite);
}

static int split(char *text, const char *deb_arch, const char ***names, size_t *n, struct cb_err *e)
{
	char *rest = NULL;
	size_t cap = 16;

	*names = malloc(cap * sizeof(**names));
	*n = 0;
	for (char *p = strtok_r(text, "\n", &rest); p && *names; p = strtok_r(NULL, "\n", &rest)) {
		if (!is_small_image(p, deb_arch))
			continue;
		if (*n == cap) {
			const char **more = realloc(*names, 2 * cap * sizeof(*more));

			if (!more) {
				free(*names);
				*names = NULL;
				break;
			}
			cap *= 2;
			*names = more;
		}
		(*names)[(*n)++] = p;
	}
	return *names ? 0 : cb_fail(e, ENOMEM, "out of memory");
}

static int by_version(const void *a, const void *b)
{
	return cb_lab_version_compare(*(const char *const *)a, *(const char *const *)b);
}

/* "5.10, 6.1, 6.12, ..." out of the packages' names. */
static void list_versions(const char **names, size_t n, struct cb_buf *out)
{
	char last[32] = "", version[32];
	unsigned major, minor;

	if (n)
		qsort(names, n, sizeof(*names), by_version);
	for (size_t i = 0; i < n; i++) {
		if (sscanf(names[i] + sizeof(image_prefix) - 1, "%u.%u", &major, &minor) != 2)
			continue;
		snprintf(version, sizeof(version), "%u.%u", major, minor);
		if (strcmp(version, last))
			cb_buf_printf(out, "%s%s", out->len ? ", " : "", version);
		strcpy(last, version);
	}
}

static int look(struct cb_lab_apt *a, struct choice *c, struct cb_err *e)
{
	struct cb_buf all = {0}, versions = {0};
	const char **names = NULL;
	char *rest = NULL;
	size_t n = 0;
	int err = cb_lab_apt_names(a, image_prefix, &all, e);

	if (!err)
		err = split(all.len ? (char *)cb_buf_cstr(&all) : (char[]){""}, a->arch, &names, &n, e);
	if (!err)
		err = cb_lab_apt_versions(a, names, n, &versions, e);
	if (!err && versions.len)
		for (char *p = strtok_r((char *)cb_buf_cstr(&versions), "\n", &rest); p;
		     p = strtok_r(NULL, "\n", &rest))
			take_version(c, p);
	if (!err) {
		c->there.len = 0;
		list_versions(names, n, &c->there);
	}
	free(names);
	cb_buf_free(&all);
	cb_buf_free(&versions);
	return err;
}

static int choose(struct cb_lab_apt *a, struct choice *c, struct cb_err *e)
{
	int err = look(a, c, e);

	if (!err && !*c->package && cb_lab_apt_is_old(a)) {
		err = cb_lab_apt_update(a, e);
		if (!err)
			err = look(a, c, e);
	}
	if (!err && !*c->package)
		err = cb_fail(e, ENOENT, "there is no kernel %s for %s in these suites of Debian; there are: %s",
			      c->name->version, a->arch, c->there.len ? cb_buf_cstr(&c->there) : "none");
	cb_buf_free(&c->there);
	return err;
}

/* ---- Keeping what is needed -------------------------------------------------------------------------------------- */

/* "lib/modules/RELEASE" below base gets modules.dep. */
static int make_modules_dep(struct cb_lab_hold *h, const char *base, const char *release, struct cb_err *e)
{
	const char *const argv[] = {"depmod", "-b", base, release, NULL};
	const struct cb_lab_prog p = {.argv = argv};
	int err = cb_lab_prog_run(&p, h, NULL, e);

	return err == -ENOENT ? cb_fail_more(e, err, " (Debian's package kmod has it)") : err;
}

/* The first of these patterns, "BASE|RELEASE", that is a file; its path. */
static bool first_there(const char *root, const char *const *formats, const char *release, char path[PATH_MAX])
{
	for (; *formats; formats++) {
		const char *at = strchr(*formats, '*');

		if (!cb_lab_path(path, NULL, "%s/%.*s%s%s", root, (int)(at - *formats), *formats, release, at + 1) &&
		    !access(path, R_OK))
			return true;
	}
	return false;
}

/* The image goes to entry/vmlinuz, as qemu takes it. */
static int keep_image(const char *root, const char *release, const char *entry, struct cb_err *e)
{
	static const char *const places[] = {"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "lib/modules/*/vmlinuz",
					     NULL};
	struct cb_lab_image image = {0};
	char path[PATH_MAX], to[PATH_MAX], *data = NULL;
	size_t len;
	int err = cb_lab_path(to, e, "%s/vmlinuz", entry);

	if (!err && !first_there(root, places, release, path))
		err = cb_fail(e, EBADMSG, "the packages of %s have no image in them", release);
	if (!err)
		err = cb_file_read(path, CB_LAB_IMAGE_MAX, &data, &len, e);
	if (err)
		return err;
	err = cb_lab_image_read(data, len, &image, e);
	if (err)
		err = cb_fail_in(e, err, "cannot use the image of %s", release);
	else if (strcmp(image.release, release))
		err = cb_fail(e, EBADMSG, "the image of %s says that it is %s", release, image.release);
	else if (image.plain.len)
		err = cb_file_write(to, image.plain.data, image.plain.len, 0644, e);
	else
		err = cb_lab_rename(path, to, e);
	unlink(path);
	cb_buf_free(&image.plain);
	free(data);
	return err;
}

/* The modules go to entry/modules/RELEASE, the configuration to entry/config where there is one. */
static int keep_modules(struct cb_lab_hold *h, const char *root, const char *release, const char *entry,
			struct cb_err *e)
{
	static const char *const configs[] = {"boot/config-*", "usr/lib/modules/*/config", "lib/modules/*/config",
					      NULL};
	static const char *const bases[] = {"usr/", ""};
	char path[PATH_MAX], to[PATH_MAX];
	int err = cb_lab_path(to, e, "%s/config", entry);

	if (!err && first_there(root, configs, release, path))
		err = cb_lab_rename(path, to, e);
	for (size_t i = 0; i < 2 && !err; i++) {
		err = cb_lab_path(path, e, "%s/%slib/modules/%s/kernel", root, bases[i], release);
		if (err || access(path, R_OK))
			continue;
		err = cb_lab_path(path, e, "%s/%s", root, bases[i]);
		if (!err)
			err = make_modules_dep(h, path, release, e);
		if (!err)
			err = cb_lab_path(path, e, "%s/%slib/modules", root, bases[i]);
		if (!err)
			err = cb_lab_path(to, e, "%s/modules", entry);
		return err ? err : cb_lab_rename(path, to, e);
	}
	return err ? err : cb_fail(e, EBADMSG, "the packages of %s have no modules in them", release);
}

static int make_debian(struct cb_lab_apt *a, const struct cb_lab_name *name, const char *have, const char *entry,
		       struct cb_lab_info *info, struct cb_err *e)
{
	static const char *const follow[] = {"linux-image-", "linux-binary-", "linux-modules-", "linux-base-", NULL};
	struct choice c = {.name = name, .own_release = a->own_release};
	char package[300], root[PATH_MAX];
	const char *release;
	int err = choose(a, &c, e);

	if (err)
		return err;
	release = c.package + sizeof(image_prefix) - 1;
	snprintf(package, sizeof(package), "%s %s", c.package, c.version);
	if (have && !strcmp(have, package))
		return -EALREADY;
	info->package = strdup(package);
	info->release = strdup(release);
	if (asprintf(&info->source, "deb:linux-headers-%s=%s", release, c.version) < 0)
		info->source = NULL;
	if (!info->package || !info->release || !info->source)
		return cb_fail(e, ENOMEM, "out of memory");
	snprintf(package, sizeof(package), "%s=%s", c.package, c.version);
	err = cb_lab_path(root, e, "%s/root", a->store->tmp);
	if (!err)
		err = cb_lab_fetch_unpack(a, package, follow, root, e);
	if (!err)
		err = keep_image(root, release, entry, e);
	return err ? err : keep_modules(a->hold, root, release, entry, e);
}

/* ---- Into the cache ---------------------------------------------------------------------------------------------- */

static int make_entry(struct cb_lab_apt *a, const struct cb_lab_name *name, const char *have, struct cb_err *e)
{
	struct cb_lab_info info = {.name = strdup(name->text), .arch = strdup(name->arch)};
	char entry[PATH_MAX];
	int err = info.name && info.arch ? cb_lab_path(entry, e, "%s/entry", a->store->tmp)
					 : cb_fail(e, ENOMEM, "out of memory");

	if (!err)
		err = cb_mkdirs(entry, e);
	if (!err)
		err = (name->nobpf ? cb_lab_nobpf_make : make_debian)(a, name, have, entry, &info, e);
	if (!err)
		err = cb_lab_info_write(entry, &info, e);
	if (!err)
		err = cb_lab_store_put(a->store, entry, "kernels", name->text, e);
	if (!err)
		cb_say(a->opts->log, CB_INFO, "%s is %s", name->text, info.release);
	cb_lab_info_free(&info);
	return err;
}

static int fetch_locked(struct cb_lab_apt *a, const struct cb_lab_name *name, struct cb_err *e)
{
	struct cb_lab_kernel there = {0};
	struct cb_err why = {0};
	char dir[PATH_MAX];
	int err = cb_lab_store_path("kernels", name->text, dir, e);

	if (err)
		return err;
	err = cb_lab_store_kernel(dir, true, &there, &why);
	if (!err && !a->opts->refresh) {
		cb_say(a->opts->log, CB_INFO, "%s is there: %s", name->text, there.release);
		cb_lab_kernel_free(&there);
		return 0;
	}
	if (err && !access(dir, F_OK))
		cb_say(a->opts->log, CB_WARN, "%s is damaged and fetched anew: %s", name->text, why.text);
	err = cb_lab_apt_open(a, e);
	if (!err)
		err = make_entry(a, name, there.package, e);
	if (err == -EALREADY) {
		cb_say(a->opts->log, CB_INFO, "%s is the newest already: %s", name->text, there.release);
		err = 0;
	}
	cb_lab_kernel_free(&there);
	return err ? cb_fail_in(e, err, "%s", name->text) : 0;
}

int cb_lab_fetch(const char *text, const struct cb_lab_fetch *opts, struct cb_err *e)
{
	static const struct cb_lab_fetch none = {0};
	struct cb_lab_name name;
	struct cb_lab_store store;
	struct cb_lab_hold hold;
	struct cb_lab_apt apt = {.store = &store, .hold = &hold, .opts = opts ? opts : &none};
	int err = cb_lab_name_parse(text, &name, e);

	if (!err)
		err = cb_lab_hold(&hold, e);
	if (err)
		return err;
	apt.arch = name.deb_arch;
	err = cb_lab_store_open(&store, &hold, apt.opts->log, e);
	if (!err) {
		err = fetch_locked(&apt, &name, e);
		cb_lab_apt_close(&apt);
		cb_lab_store_close(&store);
	}
	cb_lab_release(&hold);
	return err;
}
