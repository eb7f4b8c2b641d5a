// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_kmods.c - which modules come with a module, in which order, and unpacked. */
#include "check.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/kmods.h"
#include "lab/store.h"

/* ---- The list ---------------------------------------------------------------------------------------------------- */

static int join(void *ctx, const char *path)
{
	char *text = ctx;

	strcat(strcat(text, path), " ");
	return 0;
}

static int walk(const char *dep, const char *module, char *text)
{
	*text = '\0';
	return cb_lab_dep_walk(dep, strlen(dep), module, join, text, NULL);
}

static void order(void **state)
{
	static const char dep[] = "kernel/net/alone.ko:\n"
				  "kernel/net/needs-two.ko.xz: kernel/b.ko kernel/lib/a_first.ko.zst\n"
				  "kernel/net/last.ko: kernel/net/alone.ko";
	char text[1024];

	assert_int_equal(walk(dep, "alone", text), 0);
	assert_string_equal(text, "kernel/net/alone.ko ");
	/* what stands last is needed by what stands before it */
	assert_int_equal(walk(dep, "needs_two", text), 0);
	assert_string_equal(text, "kernel/lib/a_first.ko.zst kernel/b.ko kernel/net/needs-two.ko.xz ");
	assert_int_equal(walk(dep, "needs-two", text), 0);
	assert_int_equal(walk(dep, "last", text), 0);
	assert_string_equal(text, "kernel/net/alone.ko kernel/net/last.ko ");
	assert_int_equal(walk(dep, "need", text), -ENOENT);
	assert_int_equal(walk(dep, "", text), -ENOENT);
	assert_int_equal(walk("", "x", text), -ENOENT);
}

static void paths_that_lead_out(void **state)
{
	char text[1024];

	assert_int_equal(walk("/etc/x.ko:\n", "x", text), -EINVAL);
	assert_int_equal(walk("kernel/x.ko: ../../y.ko\n", "x", text), -EINVAL);
	assert_string_equal(text, "");
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

struct tree {
	char dir[64];
	struct cb_lab_kernel k;
};

static void run(const char *dir, const char *command)
{
	char text[2048];

	snprintf(text, sizeof(text), "cd %s && %s", dir, command);
	assert_int_equal(system(text), 0);
}

static int make_tree(void **state)
{
	static struct tree t;

	strcpy(t.dir, "/tmp/coolbpf-test.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	t.k = (struct cb_lab_kernel){.name = (char *)"mine", .modules = t.dir};
	run(t.dir,
	    "mkdir kernel && printf '\\177ELFplain' >kernel/a.ko && printf '\\177ELFxz' | xz >kernel/b.ko.xz && "
	    "printf '\\177ELFzst' | zstd -q >kernel/c.ko.zst && printf '\\177ELFgz' | gzip >kernel/d.ko.gz && "
	    "printf 'no ELF' >kernel/text.ko && printf '\\177ELFcut off' | xz | head -c 40 >kernel/cut.ko.xz && "
	    "echo kernel/net/built-in.ko >modules.builtin && cp kernel/a.ko kernel/user.ko && cp kernel/a.ko "
	    "kernel/algo.ko && "
	    "printf '# comment\\nsoftdep other pre: a\\nsoftdep user post: c\\n"
	    "softdep user pre: unknown crypto-algo post: c\\n' "
	    ">modules.softdep && "
	    "printf 'alias crypto-* not_there\\nalias crypto-a* algo\\n' >modules.alias && "
	    "printf 'kernel/a.ko:\\nkernel/b.ko.xz: kernel/a.ko\\nkernel/c.ko.zst: kernel/b.ko.xz kernel/a.ko\\n"
	    "kernel/d.ko.gz:\\nkernel/text.ko: "
	    "kernel/a.ko\\nkernel/cut.ko.xz:\\nkernel/user.ko:\\nkernel/algo.ko:\\nkernel/gone.ko: kernel/d.ko.gz\\n' "
	    ">modules.dep");
	*state = &t;
	return 0;
}

static int remove_tree(void **state)
{
	cb_lab_remove(((struct tree *)*state)->dir);
	return 0;
}

static void is(const struct cb_lab_ko *ko, const char *name, const char *text)
{
	assert_string_equal(ko->name, name);
	assert_int_equal(ko->len, strlen(text));
	assert_memory_equal(ko->data, text, ko->len);
}

static void unpacked(void **state)
{
	const struct tree *t = *state;
	struct cb_lab_kos kos = {0};

	assert_int_equal(cb_lab_modules(&t->k, "c", &kos, NULL), 0);
	assert_int_equal(kos.n, 3);
	is(&kos.ko[0], "a", "\177ELFplain");
	is(&kos.ko[1], "b", "\177ELFxz");
	is(&kos.ko[2], "c", "\177ELFzst");
	/* what is there already is not added again */
	assert_int_equal(cb_lab_modules(&t->k, "b", &kos, NULL), 0);
	assert_int_equal(kos.n, 3);
	assert_int_equal(cb_lab_modules(&t->k, "d", &kos, NULL), 0);
	assert_int_equal(kos.n, 4);
	is(&kos.ko[3], "d", "\177ELFgz");
	/* its algorithm comes before it, by its alias, and what is not there is no matter */
	assert_int_equal(cb_lab_modules(&t->k, "user", &kos, NULL), 0);
	assert_int_equal(kos.n, 6);
	assert_string_equal(kos.ko[4].name, "algo");
	assert_string_equal(kos.ko[5].name, "user");
	kos.n -= 2;
	for (size_t i = 4; i < 6; i++) {
		free(kos.ko[i].name);
		free(kos.ko[i].data);
	}
	assert_int_equal(cb_lab_modules(&t->k, "built_in", &kos, NULL), 0);
	assert_int_equal(kos.n, 4);
	cb_lab_kos_free(&kos);
}

static void failures_add_nothing(void **state)
{
	const struct tree *t = *state;
	struct cb_lab_kos kos = {0};
	struct cb_err e = {0};

	assert_int_equal(cb_lab_modules(&t->k, "text", &kos, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "not an ELF file"));
	assert_int_equal(kos.n, 0);
	assert_int_equal(cb_lab_modules(&t->k, "cut", &kos, &e), -EINVAL);
	assert_non_null(strstr(e.text, "cut.ko.xz"));
	assert_int_equal(cb_lab_modules(&t->k, "gone", &kos, &e), -ENOENT);
	assert_int_equal(cb_lab_modules(&t->k, "unheard_of", &kos, &e), -ENOENT);
	assert_non_null(strstr(e.text, "there is no module unheard_of"));
	assert_int_equal(kos.n, 0);
	cb_lab_kos_free(&kos);
}

/* ---- Real modules: modprobe knows the order ---------------------------------------------------------------------- */

static void real_modules(void **state)
{
	struct cb_lab_kernels ks;
	unsigned tried = 0;

	assert_int_equal(cb_lab_kernels(&ks, NULL), 0);
	for (size_t i = 0; i < ks.n; i++) {
		static const char *const names[] = {"veth", "nf_conntrack", "ext4", "virtio_net"};
		char root[] = "/tmp/coolbpf-test.XXXXXX", line[PATH_MAX], command[PATH_MAX + 256];

		if (!ks.k[i].modules)
			continue;
		assert_non_null(mkdtemp(root));
		snprintf(command, sizeof(command), "mkdir -p %s/lib/modules && ln -s '%s' %s/lib/modules/", root,
			 ks.k[i].modules, root);
		assert_int_equal(system(command), 0);
		for (size_t j = 0; j < 4; j++) {
			struct cb_lab_kos kos = {0};
			size_t at = 0;
			FILE *f;

			if (cb_lab_modules(&ks.k[i], names[j], &kos, NULL))
				continue;
			snprintf(command, sizeof(command),
				 "/sbin/modprobe -d %s -S %s --show-depends %s | grep ^insmod", root, ks.k[i].release,
				 names[j]);
			f = popen(command, "r");
			while (fgets(line, sizeof(line), f)) {
				line[strcspn(line, " \n") + 1 + strcspn(line + 7, " \n")] = line[strcspn(line, "\n")] =
					'\0';
				assert_true(at < kos.n);
				assert_true(cb_lab_module_is(line + 7, strlen(line + 7), kos.ko[at].name));
				assert_memory_equal(kos.ko[at].data, ELFMAG, SELFMAG);
				at++;
			}
			pclose(f);
			print_message("# %s %s: %zu files\n", ks.k[i].name, names[j], at);
			assert_int_equal(at, kos.n);
			tried += at != 0;
			cb_lab_kos_free(&kos);
		}
		cb_lab_remove(root);
	}
	cb_lab_kernels_free(&ks);
	if (!tried)
		skip_because("there is no kernel with modules in the cache (coolbpf lab fetch debian:6.1)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(paths_that_lead_out),
		cmocka_unit_test_setup_teardown(unpacked, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(failures_add_nothing, make_tree, remove_tree),
		cmocka_unit_test(real_modules),
	};

	return cmocka_run_group_tests_name("kmods", tests, NULL, NULL);
}
