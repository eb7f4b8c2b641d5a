// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_kernel.c - which kernels a choice means, the order of versions, what images say of themselves, names and
 * keys. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "images.h"
#include "lab/fetch.h"
#include "lab/image.h"
#include "lab/sources.h"
#include "lab/version.h"

/* ---- Choices ----------------------------------------------------------------------------------------------------- */

static struct cb_lab_kernel kernel(const char *name, const char *release, const char *arch)
{
	return (struct cb_lab_kernel){.name = (char *)name, .release = (char *)release, .arch = (char *)arch};
}

static void choices(void **state)
{
	static const struct {
		const char *kernels;
		int bullseye, bookworm, arm; /* 5.10, 6.1, 6.12/arm64 */
	} table[] = {
		{"debian:6*", 0, 1, 1},
		{"*cloud*", 1, 1, 1},
		{"<5.15", 1, 0, 0},
		{"<=5.10", 1, 0, 0},
		{"<5.10", 0, 0, 0},
		{">=6.1", 0, 1, 1},
		{">6.1", 0, 0, 1},
		{"=6.1", 0, 1, 0},
		{"6.1", 0, 1, 0},
		{"6", 0, 1, 1},
		{"=6.1.0", 0, 1, 0},
		{"=6.1.1", 0, 0, 0},
		{"arm64", 0, 0, 1},
		{"x86_64", 1, 1, 0},
		{"amd64", 1, 1, 0},
		{"debian:5.10", 1, 0, 0},
		{"debian:6.1", 0, 1, 0},
		{"debian:6.12", 0, 0, 0},
		{"debian:6.12/arm64", 0, 0, 1},
		{"5.10,arm64", 1, 0, 1},
		{"nothing", 0, 0, 0},
		{">=6,<5.11", 1, 1, 1},
		{"6.1.0-37-cloud-amd64", 0, 1, 0},
	};
	const struct cb_lab_kernel bullseye = kernel("debian:5.10", "5.10.0-30-cloud-amd64", "x86_64"),
				   bookworm = kernel("debian:6.1", "6.1.0-37-cloud-amd64", "x86_64"),
				   arm = kernel("debian:6.12/arm64", "6.12.9+deb12-cloud-arm64", "arm64");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		print_message("# %s\n", table[i].kernels);
		assert_int_equal(cb_lab_kernel_matches(&bullseye, table[i].kernels, NULL), table[i].bullseye);
		assert_int_equal(cb_lab_kernel_matches(&bookworm, table[i].kernels, NULL), table[i].bookworm);
		assert_int_equal(cb_lab_kernel_matches(&arm, table[i].kernels, NULL), table[i].arm);
	}
}

static void wrong_choices(void **state)
{
	static const char *const wrong[] = {"", "6.1,", ",", "<", "<x", "=6.1-x", "=<6.1", "==6.1", "<<6", ">6.1.0-37"};
	const struct cb_lab_kernel k = kernel("debian:6.1", "6.1.0-37-cloud-amd64", "x86_64");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct cb_err e = {0};

		print_message("# \"%s\"\n", wrong[i]);
		assert_int_equal(cb_lab_kernel_matches(&k, wrong[i], &e), -EINVAL);
		assert_true(*e.text);
	}
}

/* ---- Versions: dpkg knows ---------------------------------------------------------------------------------------- */

static bool dpkg_says(const char *a, const char *op, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), "dpkg --compare-versions '%s' %s '%s'", a, op, b);
	return !system(command);
}

static void order_of_versions(void **state)
{
	static const char *const versions[] = {
		"5.10.262-1",
		"6.1.192-2",
		"6.1.180-1~deb11u1",
		"6.12.117-1~deb12u1",
		"6.12.117-1",
		"6.12.9-1",
		"7.3.4-1",
		"7.3.4-1~bpo13+1",
		"1:1.0",
		"1.0",
		"2.43-7",
		"2.41-12+deb13u5",
		"1.0a",
		"1.0+b",
		"1.0~rc1",
		"007-1",
		"7-1",
		"1.0.~",
	};
	const size_t n = sizeof(versions) / sizeof(versions[0]);

	if (system("dpkg --version >/dev/null 2>&1"))
		skip_because("there is no dpkg here to compare with");
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++) {
			int order = cb_lab_version_compare(versions[i], versions[j]);

			print_message("# %s %s: %d\n", versions[i], versions[j], order);
			assert_int_equal(order < 0, dpkg_says(versions[i], "lt", versions[j]));
			assert_int_equal(order > 0, dpkg_says(versions[i], "gt", versions[j]));
			/* and the other way round */
			assert_int_equal(order > 0, cb_lab_version_compare(versions[j], versions[i]) < 0);
			assert_int_equal(order<0, cb_lab_version_compare(versions[j], versions[i])> 0);
		}
}

static void beginnings(void **state)
{
	assert_true(cb_lab_version_begins("6.1.140-1", "6.1"));
	assert_true(cb_lab_version_begins("6.1.140-1", "6.1.140"));
	assert_true(cb_lab_version_begins("6.1", "6.1"));
	assert_true(cb_lab_version_begins("6.1.0-37-cloud-amd64", "6.1.0-37"));
	assert_false(cb_lab_version_begins("6.12.1-1", "6.1"));
	assert_false(cb_lab_version_begins("6.1.140-1", "6.1.14"));
	assert_false(cb_lab_version_begins("6.1", ""));
}

/* ---- Images ------------------------------------------------------------------------------------------------------ */

static void x86(void **state)
{
	unsigned char p[X86_IMAGE];
	struct cb_lab_image image;
	struct cb_err e = {0};

	x86_image(p, "6.1.0-37-cloud-amd64");
	assert_int_equal(cb_lab_image_read(p, sizeof(p), &image, &e), 0);
	assert_string_equal(image.release, "6.1.0-37-cloud-amd64");
	assert_string_equal(image.arch, "x86_64");
	assert_int_equal(image.plain.len, 0);
	/* cut off before the text, and within it */
	assert_int_equal(cb_lab_image_read(p, 0x800, &image, &e), -ENOEXEC);
	assert_int_equal(cb_lab_image_read(p, 0x808, &image, &e), -ENOEXEC);
	p[0x202] = 'h';
	assert_int_equal(cb_lab_image_read(p, sizeof(p), &image, &e), -ENOEXEC);
	assert_non_null(strstr(e.text, "neither an x86 bzImage"));
}

/* The output of a command for this input. */
static struct cb_buf piped(const char *command, const void *data, size_t len)
{
	char path[] = "/tmp/coolbpf-test.XXXXXX", full[256];
	struct cb_buf out = {0};
	int fd = mkstemp(path);
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
	snprintf(full, sizeof(full), "%s <%s", command, path);
	f = popen(full, "r");
	assert_non_null(f);
	for (int c; (c = getc(f)) != EOF;)
		cb_buf_ch(&out, (char)c);
	assert_int_equal(pclose(f), 0);
	unlink(path);
	return out;
}

static void arm64(void **state)
{
	unsigned char p[ARM64_IMAGE];
	struct cb_lab_image image;
	struct cb_buf gz;

	arm64_image(p, "6.12.9-cloud-arm64");
	assert_int_equal(cb_lab_image_read(p, sizeof(p), &image, NULL), 0);
	assert_string_equal(image.release, "6.12.9-cloud-arm64");
	assert_string_equal(image.arch, "arm64");
	gz = piped("gzip -c", p, sizeof(p));
	assert_int_equal(cb_lab_image_read(gz.data, gz.len, &image, NULL), 0);
	assert_string_equal(image.release, "6.12.9-cloud-arm64");
	assert_int_equal(image.plain.len, 0); /* qemu does that */
	assert_int_equal(cb_lab_image_read(gz.data, gz.len - 20, &image, NULL), -EINVAL);
	cb_buf_free(&gz);
}

static void zboot(void **state)
{
	static const char *const commands[] = {"gzip -c", "zstd -q -c", "xz -c"};
	unsigned char p[ARM64_IMAGE], head[ZBOOT_HEAD];

	arm64_image(p, "7.0.1-arm64");
	for (size_t i = 0; i < 3; i++) {
		struct cb_buf packed = piped(commands[i], p, sizeof(p)), efi = {0};
		struct cb_lab_image image;

		zboot_head(head, (uint32_t)packed.len);
		cb_buf_add(&efi, head, sizeof(head));
		cb_buf_add(&efi, packed.data, packed.len);
		cb_buf_str(&efi, "and what stands behind");
		assert_int_equal(cb_lab_image_read(efi.data, efi.len, &image, NULL), 0);
		assert_string_equal(image.release, "7.0.1-arm64");
		assert_int_equal(image.plain.len, sizeof(p));
		assert_memory_equal(image.plain.data, p, sizeof(p));
		cb_buf_free(&image.plain);
		zboot_head(head, 1 << 20);
		memcpy(efi.data, head, sizeof(head));
		assert_int_equal(cb_lab_image_read(efi.data, efi.len, &image, NULL), -ENOEXEC);
		cb_buf_free(&packed);
		cb_buf_free(&efi);
	}
}

/* Kernels in the cache: their packages say what they are, and file(1) says it too. */
static void real_images(void **state)
{
	struct cb_lab_kernels ks;

	assert_int_equal(cb_lab_kernels(&ks, NULL), 0);
	if (!ks.n)
		skip_because("there is no kernel in the cache (coolbpf lab fetch debian:6.1)");
	for (size_t i = 0; i < ks.n; i++) {
		struct cb_lab_kernel k;
		char spec[2 * PATH_MAX + 16];

		snprintf(spec, sizeof(spec), "%s,modules=%s", ks.k[i].image, ks.k[i].modules);
		assert_int_equal(cb_lab_kernel_file(spec, &k, NULL), 0);
		print_message("# %s %s\n", k.release, k.arch);
		assert_string_equal(k.release, ks.k[i].release);
		assert_string_equal(k.arch, ks.k[i].arch);
		assert_string_equal(k.modules, ks.k[i].modules);
		if (!strcmp(k.arch, "x86_64")) {
			char command[PATH_MAX + 300];

			snprintf(command, sizeof(command), "file -L '%s' | grep -qF 'version %s '", k.image, k.release);
			assert_int_equal(system(command), 0);
		}
		cb_lab_kernel_free(&k);
	}
	cb_lab_kernels_free(&ks);
}

/* ---- A kernel of the user's -------------------------------------------------------------------------------------- */

static void file_spec(void **state)
{
	char dir[] = "/tmp/coolbpf-test.XXXXXX", path[128], text[256];
	unsigned char p[X86_IMAGE];
	struct cb_lab_kernel k;
	struct cb_err e = {0};

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/vmlinuz", dir);
	x86_image(p, "5.4.0-mine");
	assert_int_equal(cb_file_write(path, p, sizeof(p), 0644, NULL), 0);

	assert_int_equal(cb_lab_kernel_file(path, &k, NULL), 0);
	assert_string_equal(k.name, path);
	assert_string_equal(k.image, path);
	assert_string_equal(k.release, "5.4.0-mine");
	assert_null(k.modules);
	assert_null(k.package);
	cb_lab_kernel_free(&k);

	snprintf(text, sizeof(text), "%s,modules=%s", path, dir);
	assert_int_equal(cb_lab_kernel_file(text, &k, &e), -ENOENT);
	assert_non_null(strstr(e.text, "there is no modules.dep for 5.4.0-mine"));
	snprintf(text, sizeof(text),
		 "mkdir -p %s/lib/modules/5.4.0-mine/build && touch %s/lib/modules/5.4.0-mine/modules.dep", dir, dir);
	assert_int_equal(system(text), 0);
	snprintf(text, sizeof(text), "%s,modules=%s", path, dir);
	assert_int_equal(cb_lab_kernel_file(text, &k, NULL), 0);
	snprintf(text, sizeof(text), "%s/lib/modules/5.4.0-mine", dir);
	assert_string_equal(k.modules, text);
	snprintf(text, sizeof(text), "dir:%s/lib/modules/5.4.0-mine/build", dir);
	assert_string_equal(k.source, text);
	cb_lab_kernel_free(&k);

	assert_int_equal(cb_lab_kernel_file("/nowhere/vmlinuz", &k, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/vmlinuz"));
	assert_int_equal(cb_lab_kernel_file("/bin/sh", &k, &e), -ENOEXEC);
	assert_non_null(strstr(e.text, "/bin/sh"));
	cb_lab_remove(dir);
	assert_int_not_equal(access(dir, F_OK), 0);
}

/* ---- Names, and keys of sources ---------------------------------------------------------------------------------- */

static void names(void **state)
{
	static const char *const wrong[] = {"6.1",	  "debian:",	  "debian:x",	  "debian:6.1/mips",
					    "fedora:6.1", "debian:../..", "debian:-nobpf"};
	const char *other = strcmp(cb_lab_own_arch(), "arm64") ? "/arm64" : "/x86_64";
	struct cb_lab_name n;
	char text[64];

	assert_int_equal(cb_lab_name_parse("debian:6.1", &n, NULL), 0);
	assert_string_equal(n.version, "6.1");
	assert_string_equal(n.text, "debian:6.1");
	assert_string_equal(n.arch, cb_lab_own_arch());
	assert_false(n.newest || n.nobpf);
	snprintf(text, sizeof(text), "debian:newest%s", other);
	assert_int_equal(cb_lab_name_parse(text, &n, NULL), 0);
	assert_true(n.newest);
	assert_string_equal(n.text, text);
	/* the own architecture needs not be said */
	snprintf(text, sizeof(text), "debian:6.1/%s", cb_lab_own_arch());
	assert_int_equal(cb_lab_name_parse(text, &n, NULL), 0);
	assert_string_equal(n.text, "debian:6.1");
	assert_int_equal(cb_lab_name_parse("debian:5.10-nobpf", &n, NULL), 0);
	assert_true(n.nobpf);
	assert_string_equal(n.version, "5.10");
	assert_string_equal(n.text, "debian:5.10-nobpf");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(cb_lab_name_parse(wrong[i], &n, NULL), -EINVAL);
}

static void keys_of(const char *text, bool deb822, const char *uri, const char *want)
{
	struct cb_buf out = {0};

	assert_int_equal(cb_lab_signed_by(text, deb822, uri, &out), want != NULL);
	if (want)
		assert_string_equal(cb_buf_cstr(&out), want);
	cb_buf_free(&out);
}

static void keys(void **state)
{
	static const char list[] = "# deb [signed-by=/k/x.gpg] http://x/ bookworm main\n"
				   "deb [arch=amd64 signed-by=/k/a.gpg] http://a/debian/ bookworm main\n"
				   "deb http://b/ bookworm main\n"
				   "deb [signed-by=/k/c.gpg,/k/d.gpg arch=all] file:///c/ bookworm main";
	static const char sources[] =
		"# the first\nTypes: deb\nURIs: http://a/\nSigned-By: /k/a.gpg\nSuites: x\n\n\n"
		"# URIs: http://x/\n\n"
		"Types: deb\nURIs: http://y/y http://b/debian\nsigned-by:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
		" .\n# no\n abc\nSuites: y\n\n"
		"Types: deb\nURIs: http://c/\n";

	keys_of(list, false, "http://a/debian", "/k/a.gpg");
	keys_of(list, false, "http://a/", NULL);
	keys_of(list, false, "http://b/", NULL);
	keys_of(list, false, "http://x/", NULL);
	keys_of(list, false, "file:/c", "/k/c.gpg,/k/d.gpg");
	keys_of(list, false, "", NULL);
	keys_of(sources, true, "http://a", "/k/a.gpg");
	keys_of(sources, true, "http://b/debian/", "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc");
	keys_of(sources, true, "http://c/", NULL);
	keys_of(sources, true, "http://x/", NULL);
	keys_of("", true, "http://a/", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices),    cmocka_unit_test(wrong_choices), cmocka_unit_test(order_of_versions),
		cmocka_unit_test(beginnings), cmocka_unit_test(x86),	       cmocka_unit_test(arm64),
		cmocka_unit_test(zboot),      cmocka_unit_test(real_images),   cmocka_unit_test(file_spec),
		cmocka_unit_test(names),      cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
