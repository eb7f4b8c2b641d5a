// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Names of running programs' addresses. Programs in C, C++ and Rust are compiled and started here; what is expected of
 * their addresses comes from binutils (addr2line, nm), which share no code with what is tested.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coolbpf/coolbpf.h"
#include "symbols_child.h"
#include "symbols_programs.h"

enum { FRAMES = 64, FRAME = 2 * TEXT + 8 };

/* ---- addr2line -------------------------------------------------------------------------------------------------- */

/* Names and places differ in ways that mean nothing: what follows "." or " [clone" in the name of a part of a function,
 * and how the path is written. */
static void normal_name(char *out, size_t size, const char *name)
{
	char *p;

	snprintf(out, size, "%s", name);
	p = strstr(out, " [clone");
	if (p)
		*p = '\0';
	p = strchr(out, '.');
	if (p && p > out && !strchr(out, '(') && !strchr(out, ':') && !strchr(out, '<'))
		*p = '\0';
}

static void normal_place(char *out, size_t size, const char *file, unsigned line)
{
	const char *slash = strrchr(file, '/');

	snprintf(out, size, "%.255s:%u", slash ? slash + 1 : file, line);
}

/* The next answer of addr2line -f -i -C -a: the frames as "name at file:line" lines. */
static bool next_answer(FILE *f, uint64_t *addr, char frames[FRAMES][FRAME], size_t *count)
{
	static char line[TEXT], place[TEXT]; /* line holds the address that follows an answer */

	if (!*line && !fgets(line, sizeof(line), f))
		return false;
	*addr = strtoull(line, NULL, 16);
	*count = 0;
	*line = '\0';
	while (fgets(line, sizeof(line), f) && strncmp(line, "0x", 2)) {
		char name[TEXT], where[TEXT], *colon;

		line[strcspn(line, "\n")] = '\0';
		normal_name(name, sizeof(name), line);
		assert_non_null(fgets(place, sizeof(place), f));
		place[strcspn(place, "\n")] = '\0';
		colon = strrchr(place, ':');
		assert_non_null(colon);
		*colon = '\0';
		normal_place(where, sizeof(where), strcmp(place, "??") ? place : "", (unsigned)atoi(colon + 1));
		if (*count < FRAMES)
			snprintf(frames[(*count)++], FRAME, "%s at %s", name, where);
		*line = '\0';
	}
	return true;
}

struct tally {
	unsigned asked, same, inlined;
};

/* Compare every third byte of the functions of a binary (at most max addresses); only says where they differ. */
static struct tally compare_with(const char *addr2line, struct coolbpf_symbols *s, pid_t pid, const char *debug_binary,
				 const char *name, uint64_t base, const char *only, unsigned max)
{
	char path[TEXT];
	static char want[FRAMES][FRAME];
	struct coolbpf_symbol got[FRAMES];
	struct tally t = {0};
	uint64_t addr;
	size_t count;
	FILE *f;

	command("nm -S --defined-only %s | grep -i ' t ' | grep -E '%s' | awk -v max=%u '"
		"function hex(s,  i, v) { v = 0; for (i = 1; i <= length(s); i++) "
		"v = v * 16 + index(\"0123456789abcdef\", substr(s, i, 1)) - 1; return v } "
		"NF == 4 { a = hex($1); n = hex($2); for (i = 0; i < n && k < max; i += 3) { printf \"0x%%x\\n\", a + "
		"i; "
		"k++ } }' >addresses && %s -f -i -C -a -e %s <addresses >answers",
		debug_binary, only, max, addr2line, debug_binary);
	snprintf(path, sizeof(path), "%s/answers", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while (next_answer(f, &addr, want, &count)) {
		int n = coolbpf_symbols_user(s, pid, base + addr, got, FRAMES);
		bool same = n == (int)count;

		for (int i = 0; i < n && same; i++) {
			char frame[FRAME], shown[TEXT], where[TEXT];

			normal_name(shown, sizeof(shown), got[i].name);
			normal_place(where, sizeof(where), got[i].file, got[i].line);
			snprintf(frame, sizeof(frame), "%s at %s", shown, where);
			same = !strcmp(frame, want[i]) && got[i].inlined == (i + 1 < n) && strstr(got[i].module, name);
		}
		t.asked++;
		t.same += same;
		t.inlined += n > 1;
		if (!same && t.asked - t.same <= 5) {
			print_message("# %s: 0x%" PRIx64 ": %d frames, addr2line has %zu\n", name, addr, n, count);
			for (int i = 0; i < n; i++)
				print_message("#   %s at %s:%u\n", got[i].name, got[i].file, got[i].line);
			for (size_t i = 0; i < count; i++)
				print_message("#     addr2line: %s\n", want[i]);
		}
	}
	fclose(f);
	return t;
}

static struct tally compare(struct coolbpf_symbols *s, pid_t pid, const char *debug_binary, const char *name,
			    uint64_t base, const char *only, unsigned max)
{
	return compare_with("addr2line", s, pid, debug_binary, name, base, only, max);
}

static void expect_all(struct tally t, unsigned at_least, unsigned inlined)
{
	print_message("# %u addresses, %u the same, %u inlined\n", t.asked, t.same, t.inlined);
	assert_true(t.asked >= at_least);
	assert_true(t.inlined >= inlined);
	assert_int_equal(t.same, t.asked);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static void c_program(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct child c;

	write_source("prog.c", c_source);
	command("gcc -g -O2 -o c_pie prog.c && gcc -g -O2 -no-pie -o c_fixed prog.c && gcc -g -gdwarf-4 -O2 -o "
		"c_dwarf4 "
		"prog.c");
	c = start("c_pie");
	expect_all(compare(s, c.pid, "c_pie", "/c_pie", base_of(c.pid, "/c_pie"), "outer|parse|main", 1000), 50, 20);
	stop(&c);
	c = start("c_fixed");
	expect_all(compare(s, c.pid, "c_fixed", "/c_fixed", 0, "outer|parse|main", 1000), 50, 20);
	stop(&c);
	c = start("c_dwarf4");
	expect_all(compare(s, c.pid, "c_dwarf4", "/c_dwarf4", base_of(c.pid, "/c_dwarf4"), "outer|parse|main", 1000),
		   50, 20);
	stop(&c);
	coolbpf_symbols_free(s);
}

static void clang_program(void **state)
{
	struct coolbpf_symbols *s;
	struct child c;

	if (!have("clang") || !have("llvm-addr2line"))
		skip_because("no clang, or no llvm-addr2line (binutils' misses inlined functions in clang's DWARF 5)");
	s = coolbpf_symbols_new();
	/* clang writes no .debug_aranges, and in DWARF 5 counts files from 0 */
	write_source("prog.c", c_source);
	for (int version = 4; version <= 5; version++) {
		command("clang -g -gdwarf-%d -O2 -o c_clang%d prog.c", version, version);
		c = start(version == 4 ? "c_clang4" : "c_clang5");
		expect_all(compare_with("llvm-addr2line", s, c.pid, version == 4 ? "c_clang4" : "c_clang5", "/c_clang",
					base_of(c.pid, "/c_clang"), "outer|parse|main", 1000),
			   50, 20);
		stop(&c);
	}
	coolbpf_symbols_free(s);
}

static void cpp_program(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct child c;

	write_source("prog.cc", cpp_source);
	command("g++ -g -O2 -o cpp prog.cc");
	c = start("cpp");
	expect_all(compare(s, c.pid, "cpp", "/cpp", base_of(c.pid, "/cpp"), "main|shop", 3000), 200, 100);
	stop(&c);
	coolbpf_symbols_free(s);
}

static void rust_program(void **state)
{
	static const char *const manglings[] = {"legacy", "v0"};
	struct coolbpf_symbols *s;

	if (!have("rustc"))
		skip_because("no rustc");
	s = coolbpf_symbols_new();
	write_source("prog.rs", rust_source);
	for (int i = 0; i < 2; i++) {
		struct child c;

		/* only one of the two is stable in any version of rustc */
		command("RUSTC_BOOTSTRAP=1 rustc -O -g -Z unstable-options -C symbol-mangling-version=%s -o rust "
			"prog.rs",
			manglings[i]);
		c = start("rust");
		expect_all(compare(s, c.pid, "rust", "/rust", base_of(c.pid, "/rust"), "prog|4main", 3000), 100, 50);
		stop(&c);
		coolbpf_symbols_forget(s, c.pid);
	}
	coolbpf_symbols_free(s);
}

/* What is left in a program once its symbols and DWARF are in a file of their own. */
static void split_off(const char *binary)
{
	command("cp %s %s.whole && objcopy --only-keep-debug %s %s.debug && strip -s %s && objcopy --add-gnu-debuglink="
		"%s.debug %s",
		binary, binary, binary, binary, binary, binary, binary);
}

static void debuglink(void **state)
{
	static const char *const ids[] = {"sha1", "none"};

	write_source("prog.c", c_source);
	for (int i = 0; i < 2; i++) {
		struct coolbpf_symbols *s = coolbpf_symbols_new();
		struct coolbpf_symbol sym;
		struct child c;
		uint64_t base;

		/* with a build id, that is checked; without, the checksum in the link */
		command("gcc -g -O2 -Wl,--build-id=%s -o linked prog.c", ids[i]);
		split_off("linked");
		command("mkdir -p .debug && mv linked.debug .debug/");
		c = start("linked");
		base = base_of(c.pid, "/linked");
		expect_all(compare(s, c.pid, "linked.whole", "/linked", base, "outer|parse|main", 1000), 50, 20);
		coolbpf_symbols_free(s);

		/* a debug file of something else is not taken */
		command("gcc -g -O2 -Wl,--build-id=%s -DX -x c - -o other <<'end'\nint outer(void) { return 1; }\n"
			"int main(void) { return outer(); }\nend\n"
			"objcopy --only-keep-debug other .debug/linked.debug",
			ids[i]);
		s = coolbpf_symbols_new();
		assert_int_equal(coolbpf_symbols_user(s, c.pid, base + address_of("linked.whole", "outer"), &sym, 1),
				 -ENOENT);
		/* but what is known is said */
		assert_string_equal(sym.name, "");
		assert_non_null(strstr(sym.module, "/linked"));
		assert_int_equal(sym.offset, address_of("linked.whole", "outer"));
		assert_non_null(strstr(coolbpf_symbols_errmsg(s), "/linked"));
		stop(&c);
		coolbpf_symbols_free(s);
	}
}

/* .gnu_debugdata: Fedora's way of giving a stripped program its function names, xz-compressed. */
static void minidebuginfo(void **state)
{
	struct coolbpf_symbols *s;
	struct coolbpf_symbol sym;
	struct child c;

	if (!have("xz"))
		skip_because("no xz");
	s = coolbpf_symbols_new();
	write_source("prog.c", c_source);
	command("gcc -g -O2 -o mini prog.c && cp mini mini.whole && objcopy --only-keep-debug mini mini.data && "
		"objcopy -S --remove-section .comment --keep-symbol=parse mini.data && xz mini.data && strip -s mini "
		"&& "
		"objcopy --add-section .gnu_debugdata=mini.data.xz mini");
	c = start("mini");
	assert_int_equal(coolbpf_symbols_user(s, c.pid, base_of(c.pid, "/mini") + address_of("mini.whole", "parse") + 4,
					      &sym, 1),
			 1);
	assert_string_equal(sym.name, "parse");
	assert_int_equal(sym.offset, 4);
	assert_string_equal(sym.file, "");
	stop(&c);
	coolbpf_symbols_free(s);
}

static void deleted_and_replaced(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct child c;
	uint64_t base;

	write_source("prog.c", c_source);
	write_source("prog.cc", cpp_source);
	command("gcc -g -O2 -o gone prog.c && cp gone gone.whole && gcc -g -O2 -o changed prog.c && cp changed "
		"changed.whole");
	c = start("gone");
	base = base_of(c.pid, "/gone");
	command("rm gone");
	expect_all(compare(s, c.pid, "gone.whole", "/gone", base, "outer|parse|main", 1000), 50, 20);
	stop(&c);
	/* as an upgrade does: another program with the same name */
	c = start("changed");
	base = base_of(c.pid, "/changed");
	command("rm changed && g++ -g -O2 -o changed prog.cc");
	expect_all(compare(s, c.pid, "changed.whole", "/changed", base, "outer|parse|main", 1000), 50, 20);
	stop(&c);
	coolbpf_symbols_free(s);
}

/* A program in a root of its own: its path means nothing outside, its debug file is found inside by build id. */
static void in_another_root(void **state)
{
	struct coolbpf_symbols *s;
	char root[TEXT], path[TEXT], id[64] = "";
	struct child c;
	FILE *f;

	if (getuid())
		skip_because("chroot needs root");
	s = coolbpf_symbols_new();
	write_source("prog.c", c_source);
	command("mkdir -p root/bin root/usr/lib/debug/.build-id && gcc -g -O2 -static -o root/bin/inside prog.c");
	split_off("root/bin/inside");
	command("readelf -n root/bin/inside | sed -n 's/.*Build ID: //p' >id");
	snprintf(path, sizeof(path), "%s/id", dir);
	f = fopen(path, "r");
	assert_non_null(fgets(id, sizeof(id), f));
	fclose(f);
	command("mkdir -p root/usr/lib/debug/.build-id/%.2s && mv root/bin/inside.debug "
		"root/usr/lib/debug/.build-id/%.2s/%.38s.debug",
		id, id, id + 2);
	snprintf(root, sizeof(root), "%s/root", dir);
	c = start_in(root, "/bin/inside");
	expect_ready(&c);
	expect_all(compare(s, c.pid, "root/bin/inside.whole", "/bin/inside", 0, " outer| parse| main", 1000), 50, 20);
	stop(&c);
	coolbpf_symbols_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c_program),
		cmocka_unit_test(clang_program),
		cmocka_unit_test(cpp_program),
		cmocka_unit_test(rust_program),
		cmocka_unit_test(debuglink),
		cmocka_unit_test(minidebuginfo),
		cmocka_unit_test(deleted_and_replaced),
		cmocka_unit_test(in_another_root),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
