// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* What symbols are read from: /proc/kallsyms, /proc/PID/maps, /tmp/perf-PID.map, mangled names; good and bad ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "runtime/symbols.h"

/* ---- kallsyms --------------------------------------------------------------------------------------------------- */

static void load_text(struct cb_ksyms *k, const char *text)
{
	size_t used;

	*k = (struct cb_ksyms){0};
	assert_int_equal(cb_ksyms_add(k, text, strlen(text), &used), 0);
	assert_int_equal(used, strlen(text));
	cb_ksyms_sort(k);
}

static const char *name_at(const struct cb_ksyms *k, uint64_t addr)
{
	const struct cb_ksym *s = cb_ksyms_find(k, addr);

	return s ? k->names.data + s->name : "-";
}

static void kallsyms_lines(void **state)
{
	struct cb_ksyms k;

	/* out of order on purpose: modules are listed in the order of loading */
	load_text(&k, "ffffffff81000000 T _stext\n"
		      "ffffffff81000000 T _text\n"
		      "ffffffff81000040 t do_one\n"
		      "ffffffffc0201000 t tramp\t[ftrace]\n"
		      "ffffffffc0100000 t probe\t[virtio_net]\n"
		      "ffffffffc0100080 d stats\t[virtio_net]\n"
		      "0000000000012340 A cpu_offset\n"
		      "ffffffff81000100 T do_two\n");
	assert_string_equal(name_at(&k, 0xffffffff80ffffff), "-");
	assert_string_equal(name_at(&k, 0xffffffff81000000), "_stext"); /* the first of two */
	assert_string_equal(name_at(&k, 0xffffffff8100003f), "_stext");
	assert_string_equal(name_at(&k, 0xffffffff810000ff), "do_one");
	assert_string_equal(name_at(&k, 0xffffffff81000100), "do_two");
	assert_string_equal(name_at(&k, 0xffffffff82000100), "-"); /* a hole of 16 MB behind do_two */
	assert_string_equal(name_at(&k, 0xffffffffc0100090), "stats");
	assert_string_equal(name_at(&k, 0xffffffffc0201004), "tramp");
	assert_string_equal(name_at(&k, 0x12341), "-"); /* absolute: no address */
	assert_string_equal(k.names.data + cb_ksyms_find(&k, 0xffffffffc0201004)->module, "ftrace");
	assert_string_equal(k.names.data + cb_ksyms_find(&k, 0xffffffffc0100004)->module, "virtio_net");
	assert_string_equal(k.names.data + cb_ksyms_find(&k, 0xffffffff81000100)->module, "");
	cb_ksyms_free(&k);
}

static void kallsyms_bad_lines(void **state)
{
	static const char text[] = "\n \nffff\nffffffff81000000\nffffffff81000000 \nffffffff81000000 T\nT name\n"
				   "ffffffff81000000 T \nffffffff81000000Tname\nzzzz T name\n-1 T name\n"
				   "ffffffff82000000 T ok\t[\nffffffff83000000 T unfinished";
	struct cb_ksyms k = {0};
	size_t used;

	assert_int_equal(cb_ksyms_add(&k, text, sizeof(text) - 1, &used), 0);
	/* the line without its end is left for later */
	assert_string_equal(text + used, "ffffffff83000000 T unfinished");
	cb_ksyms_sort(&k);
	assert_int_equal(k.count, 1);
	assert_string_equal(name_at(&k, 0xffffffff82000001), "ok");
	cb_ksyms_free(&k);
}

static char *write_file(const char *text, size_t len)
{
	char *path = strdup("/tmp/coolbpf-test-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	return path;
}

static void kallsyms_hidden(void **state)
{
	static const char zeros[] = "0000000000000000 T _stext\n0000000000000000 t do_one\t[mod]\n";
	char *path = write_file(zeros, sizeof(zeros) - 1);
	struct cb_ksyms k = {0};
	struct cb_err e = {0};

	assert_int_equal(cb_ksyms_load(&k, path, &e), -EPERM);
	assert_non_null(strstr(e.text, "kptr_restrict"));
	cb_ksyms_free(&k);
	unlink(path);
	assert_int_equal(cb_ksyms_load(&k, path, &e), -ENOENT);
	assert_non_null(strstr(e.text, path));
	free(path);
	path = write_file("", 0);
	assert_int_equal(cb_ksyms_load(&k, path, &e), -ENOENT);
	cb_ksyms_free(&k);
	unlink(path);
	free(path);
}

/* Lines that are cut by the end of a piece, one that is longer than a piece, and no newline at the end. */
static void kallsyms_pieces(void **state)
{
	struct cb_buf text = {0};
	struct cb_ksyms k = {0};
	struct cb_err e = {0};
	char *path, want[32];

	for (unsigned i = 0; i < 20000; i++) {
		cb_buf_printf(&text, "%016llx t function_%u\n", 0xffffffff81000000ULL + i * 16, i);
		if (i == 10000) {
			cb_buf_str(&text, "ffffffff81100000 t ");
			for (unsigned j = 0; j < 200000; j++)
				cb_buf_ch(&text, 'x');
			cb_buf_ch(&text, '\n');
		}
	}
	text.len--;
	path = write_file(text.data, text.len);
	assert_int_equal(cb_ksyms_load(&k, path, &e), 0);
	assert_int_equal(k.count, 20000);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(want, sizeof(want), "function_%u", i);
		assert_string_equal(name_at(&k, 0xffffffff81000000ULL + i * 16 + i % 16), want);
	}
	cb_ksyms_free(&k);
	cb_buf_free(&text);
	unlink(path);
	free(path);
}

/* ---- maps ------------------------------------------------------------------------------------------------------- */

static void maps_of(struct cb_maps *m, const char *text)
{
	assert_int_equal(cb_maps_parse(strdup(text), strlen(text), m), 0);
}

static void maps_lines(void **state)
{
	struct cb_maps m;

	maps_of(&m, "55a000-55b000 r--p 00000000 fe:00 42                     /usr/bin/cat\n"
		    "55b000-55c000 r-xp 00001000 fe:00 42                     /usr/bin/cat\n"
		    "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
		    "7f0000001000-7f0000002000 r-xp 00002000 00:1f 7          /tmp/a b (deleted)\n"
		    "7fff00000000-7fff00001000 r-xp 00000000 00:00 0          [vdso]\n"
		    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n");
	assert_int_equal(m.count, 5);
	assert_null(cb_maps_find(&m, 0x55a800)); /* not executable */
	assert_null(cb_maps_find(&m, 0x55c000)); /* the end is outside */
	assert_string_equal(cb_maps_find(&m, 0x55b000)->path, "/usr/bin/cat");
	assert_int_equal(cb_maps_find(&m, 0x55bfff)->offset, 0x1000);
	assert_int_equal(cb_maps_find(&m, 0x55bfff)->inode, 42);
	assert_string_equal(cb_maps_find(&m, 0x7f0000000000)->path, "");
	assert_string_equal(cb_maps_find(&m, 0x7f0000001234)->path, "/tmp/a b");
	assert_int_equal(cb_maps_find(&m, 0x7f0000001234)->inode, 7);
	assert_string_equal(cb_maps_find(&m, 0x7fff00000010)->path, "[vdso]");
	assert_string_equal(cb_maps_find(&m, 0xffffffffff600400)->path, "[vsyscall]");
	cb_maps_free(&m);
}

static void maps_bad_lines(void **state)
{
	struct cb_maps m;

	maps_of(&m, "\n\n1000\n1000-\n1000-2000\n1000-2000 \n1000-2000 r-x\n1000-2000 r-xp\n1000-2000 r-xp 0\n"
		    "1000-2000 r-xp 0 0\n1000-2000 r-xp 0 0:0\n1000-2000 r-xp 0 0:0 \n1000-2000 r-xp 0 0:0 x\n"
		    "2000-1000 r-xp 0 0:0 0\n-1000-2000 r-xp 0 0:0 0\n 1000-2000 r-xp 0 0:0 0\n"
		    "10000000000000000-20000000000000000 r-xp 0 0:0 0\n");
	assert_int_equal(m.count, 0);
	assert_null(cb_maps_find(&m, 0x1000));
	cb_maps_free(&m);
	/* one that lies over the one before is dropped; the last has no newline */
	maps_of(&m, "1000-3000 r-xp 0 0:0 1 /a\n2000-4000 r-xp 0 0:0 2 /b\n4000-5000 r-xp 0 0:0 3 /c");
	assert_int_equal(m.count, 2);
	assert_string_equal(cb_maps_find(&m, 0x2fff)->path, "/a");
	assert_string_equal(cb_maps_find(&m, 0x4fff)->path, "/c");
	cb_maps_free(&m);
}

/* ---- perf map --------------------------------------------------------------------------------------------------- */

static const char *jit_at(const struct cb_perfmap *p, uint64_t addr)
{
	const struct cb_jitsym *s = cb_perfmap_find(p, addr);

	return s ? p->names.data + s->name : "-";
}

static void jit_add(struct cb_perfmap *p, const char *text)
{
	size_t used;

	assert_int_equal(cb_perfmap_add(p, text, strlen(text), &used), 0);
	assert_int_equal(cb_perfmap_settle(p), 0);
}

static void perfmap_lines(void **state)
{
	struct cb_perfmap p = {0};

	jit_add(&p, "3ef414c0 398 LazyCompile:~fib /srv/app.js:1\r\n0x1000 0x10 with prefix\n1010 10 next\n");
	assert_string_equal(jit_at(&p, 0x3ef414c0), "LazyCompile:~fib /srv/app.js:1");
	assert_string_equal(jit_at(&p, 0x3ef414c0 + 0x397), "LazyCompile:~fib /srv/app.js:1");
	assert_string_equal(jit_at(&p, 0x3ef414c0 + 0x398), "-");
	assert_string_equal(jit_at(&p, 0x100f), "with prefix");
	assert_string_equal(jit_at(&p, 0x1010), "next");
	assert_string_equal(jit_at(&p, 0xfff), "-");
	cb_perfmap_free(&p);
}

static void perfmap_bad_lines(void **state)
{
	struct cb_perfmap p = {0};

	jit_add(&p, "\n \nx\n10\n10 \n10 20\n10 20 \n10 0 empty\nffffffffffffffff 2 wraps\n11111111111111111 1 long\n"
		    "10  20 two blanks\n-10 20 sign\n");
	assert_int_equal(p.count, 0);
	assert_string_equal(jit_at(&p, 0x10), "-");
	cb_perfmap_free(&p);
}

/* Against a plain model: a byte per address, painted in the order of the lines. */
static void perfmap_overlap(void **state)
{
	enum { SPACE = 512, LINES = 40, ROUNDS = 200 };

	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned char model[SPACE + 64] = {0};
		struct cb_perfmap p = {0};

		for (unsigned i = 1; i <= LINES; i++) {
			unsigned start = (unsigned)rand() % SPACE, size = 1 + (unsigned)rand() % 64;
			char line[64];
			size_t used;

			snprintf(line, sizeof(line), "%x %x n%u\n", start, size, i);
			assert_int_equal(cb_perfmap_add(&p, line, strlen(line), &used), 0);
			memset(model + start, (int)i, size);
			/* as when the file is read on from time to time */
			if (i % 7 == 0)
				assert_int_equal(cb_perfmap_settle(&p), 0);
		}
		assert_int_equal(cb_perfmap_settle(&p), 0);
		for (unsigned addr = 0; addr < sizeof(model); addr++) {
			char want[16] = "-";

			if (model[addr])
				snprintf(want, sizeof(want), "n%u", model[addr]);
			assert_string_equal(jit_at(&p, addr), want);
		}
		cb_perfmap_free(&p);
	}
}

static void perfmap_file(void **state)
{
	char *path = write_file("1000 10 first\n2000 10 unfini", 28), link[64];
	struct cb_perfmap p = {0};
	FILE *f;

	assert_true(cb_perfmap_update(&p, path, getuid()));
	assert_string_equal(jit_at(&p, 0x1000), "first");
	assert_string_equal(jit_at(&p, 0x2000), "-");
	assert_false(cb_perfmap_update(&p, path, getuid())); /* nothing new */
	f = fopen(path, "a");
	fputs("shed\n3000 10 third\n", f);
	fclose(f);
	assert_true(cb_perfmap_update(&p, path, getuid()));
	assert_string_equal(jit_at(&p, 0x2000), "unfinished");
	assert_string_equal(jit_at(&p, 0x3000), "third");
	/* written anew, shorter */
	f = fopen(path, "w");
	fputs("1000 10 again\n", f);
	fclose(f);
	assert_true(cb_perfmap_update(&p, path, getuid()));
	assert_string_equal(jit_at(&p, 0x1000), "again");
	assert_string_equal(jit_at(&p, 0x3000), "-");
	cb_perfmap_free(&p);

	/* a link, which could point at anything, and somebody else's file are not read */
	snprintf(link, sizeof(link), "%s.link", path);
	assert_int_equal(symlink(path, link), 0);
	assert_false(cb_perfmap_update(&p, link, getuid()));
	unlink(link);
	if (!getuid()) {
		assert_int_equal(chown(path, 4242, 4242), 0);
		assert_false(cb_perfmap_update(&p, path, 4243));
		assert_true(cb_perfmap_update(&p, path, 4242));
	}
	unlink(path);
	/* a pipe must not block */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(cb_perfmap_update(&p, path, getuid()));
	cb_perfmap_free(&p);
	unlink(path);
	free(path);
}

/* ---- demangling ------------------------------------------------------------------------------------------------- */

static void expect_demangled(const char *mangled, const char *want)
{
	struct cb_buf out = {0};

	cb_buf_str(&out, "before:");
	if (want) {
		assert_true(cb_demangle(mangled, &out));
		assert_string_equal(cb_buf_cstr(&out) + 7, want);
	} else {
		assert_false(cb_demangle(mangled, &out));
		assert_string_equal(cb_buf_cstr(&out), "before:");
	}
	cb_buf_free(&out);
}

/* Wanted names: from the Itanium C++ ABI's and Rust RFC 2603's examples, written by hand. */
static void demangle_names(void **state)
{
	expect_demangled("_Z3addii", "add(int, int)");
	expect_demangled("_ZN2ns3Box3getEv", "ns::Box::get()");
	expect_demangled("_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size() const");
	expect_demangled("_Z1fv.cold", "f() [clone .cold]");
	expect_demangled("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt");
	expect_demangled("_RNvC6_123foo3bar", "123foo::bar");
	expect_demangled("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
	expect_demangled("main", NULL);
	expect_demangled("", NULL);
	expect_demangled("_", NULL);
	expect_demangled("__x64_sys_read", NULL);
	expect_demangled("_Z", NULL);
	expect_demangled("_Z3ad", NULL);
	expect_demangled("_R", NULL);
}

/* Names that grow without end, and ones that nest without end, must cost neither time nor memory. */
static void demangle_hostile(void **state)
{
	static const char base62[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct cb_buf name = {0}, out = {0};

	/* f(A<int, int>, A<S0, S0>, A<S1, S1>, ...): each type holds the one before twice */
	cb_buf_str(&name, "_Z1f1AIiiE");
	for (unsigned i = 0; i < 34; i++) {
		char id = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i];

		cb_buf_printf(&name, "S_IS%c_S%c_E", id, id);
	}
	assert_false(cb_demangle(cb_buf_cstr(&name), &out));
	assert_int_equal(out.len, 0);

	/* a::f::<((), ()), (B, B), (B, B), ...>: each B is a reference back to the whole tuple before */
	name.len = 0;
	cb_buf_str(&name, "_RINvC1a1fTuuE");
	for (size_t i = 0, back = 8; i < 60; i++) {
		size_t here = name.len - 2;

		cb_buf_ch(&name, 'T');
		for (int twice = 0; twice < 2; twice++) {
			cb_buf_ch(&name, 'B');
			if (back - 1 >= 62)
				cb_buf_ch(&name, base62[(back - 1) / 62]);
			cb_buf_ch(&name, base62[(back - 1) % 62]);
			cb_buf_ch(&name, '_');
		}
		cb_buf_ch(&name, 'E');
		back = here;
	}
	cb_buf_ch(&name, 'E');
	assert_false(cb_demangle(cb_buf_cstr(&name), &out));
	assert_int_equal(out.len, 0);

	/* pointers to pointers ... */
	name.len = 0;
	cb_buf_str(&name, "_Z1f");
	for (unsigned i = 0; i < 1000000; i++)
		cb_buf_ch(&name, 'P');
	cb_buf_ch(&name, 'i');
	assert_false(cb_demangle(cb_buf_cstr(&name), &out));
	cb_buf_free(&name);
	cb_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kallsyms_lines),  cmocka_unit_test(kallsyms_bad_lines),
		cmocka_unit_test(kallsyms_hidden), cmocka_unit_test(kallsyms_pieces),
		cmocka_unit_test(maps_lines),	   cmocka_unit_test(maps_bad_lines),
		cmocka_unit_test(perfmap_lines),   cmocka_unit_test(perfmap_bad_lines),
		cmocka_unit_test(perfmap_overlap), cmocka_unit_test(perfmap_file),
		cmocka_unit_test(demangle_names),  cmocka_unit_test(demangle_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
