// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_compile.c - what comes out of a source that compiles. */
#include "check.h"

#include <bpf/btf.h>
#include <gelf.h>
#include <glob.h>
#include <sys/utsname.h>

#include "compile/headers.h"
#include "fixture.h"

static const char tool[] = "#include <coolbpf/lbc.h>\n"
			   "#include \"part.h\"\n"
			   "struct event { u32 pid; lbc_comm_t comm; };\n"
			   "LBC_EVENTS(events, struct event, 65536);\n"
			   "LBC_PARAM(u32, least, 3, \"at least so many\");\n"
			   "LBC_ABOUT(\"a test\");\n"
			   "SEC(\"tracepoint/sched/sched_switch\")\n"
			   "int on_switch(void *ctx)\n"
			   "{\n"
			   "	struct task_struct *t = (void *)bpf_get_current_task();\n"
			   "	struct event e = {.pid = BPF_CORE_READ(t, tgid) + part(least)};\n"
			   "	lbc_emit(ctx, events, &e);\n"
			   "	return 0;\n"
			   "}\n"
			   "char _license[] SEC(\"license\") = \"GPL\";\n";
static const char part[] =
	"static __noinline int part(int a)\n{\n	return a * bpf_get_prandom_u32(); /* in part */\n}\n";

#define need_btf()                                                                                                     \
	do {                                                                                                           \
		if (access("/sys/kernel/btf/vmlinux", R_OK))                                                           \
			skip_because("this kernel has no BTF to make vmlinux.h of");                                   \
	} while (0)

static void sections(void **state)
{
	struct fixture *f = *state;
	bool btf = false, ext = false, lbc = false;
	Elf_Scn *section = NULL;
	size_t names;
	Elf *elf;

	need_btf();
	write_text("tool.bpf.c", tool);
	write_text("part.h", part);
	assert_compiles(f, "tool.bpf.c", NULL);
	elf_version(EV_CURRENT);
	elf = elf_memory(f->object, f->size);
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr sh;
		const char *name = elf_strptr(elf, names, gelf_getshdr(section, &sh)->sh_name);

		btf |= !strcmp(name, ".BTF");
		ext |= !strcmp(name, ".BTF.ext");
		lbc |= !strcmp(name, ".lbc");
		assert_null(strstr(name, "debug"));
	}
	elf_end(elf);
	assert_true(btf && ext && lbc);
	assert_string_equal(cb_buf_cstr(&f->said), "");
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

static void libbpf_opens_it(void **state)
{
	struct fixture *f = *state;
	struct bpf_object *obj;
	bool tagged = false;
	struct btf *btf;

	need_btf();
	assert_compiles(f, "tool.bpf.c", NULL);
	obj = bpf_object__open_mem(f->object, f->size, NULL);
	assert_non_null(obj);
	assert_string_equal(bpf_program__section_name(bpf_object__find_program_by_name(obj, "on_switch")),
			    "tracepoint/sched/sched_switch");
	assert_int_equal(bpf_map__max_entries(bpf_object__find_map_by_name(obj, "events")), 65536);
	btf = bpf_object__btf(obj);
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		tagged |= btf_is_decl_tag(t) &&
			  !strcmp(btf__name_by_offset(btf, t->name_off), "lbc_param:at least so many");
	}
	assert_true(tagged);
	bpf_object__close(obj);
}

/* The same bytes from another directory, by another path, and from memory. */
static void reproducible(void **state)
{
	struct fixture *f = *state;
	char path[128];
	void *first;
	size_t size;

	need_btf();
	assert_compiles(f, "tool.bpf.c", NULL);
	first = f->object;
	size = f->size;
	f->object = NULL;
	mkdir("elsewhere", 0700);
	mkdir("elsewhere/deep", 0700);
	write_text("elsewhere/deep/tool.bpf.c", tool);
	write_text("elsewhere/deep/part.h", part);
	snprintf(path, sizeof(path), "%s/elsewhere/deep/tool.bpf.c", f->dir);
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			assert_int_equal(chdir("elsewhere"), 0);
		assert_compiles(f,
				i == 0	 ? "elsewhere/deep/tool.bpf.c"
				: i == 1 ? path
					 : "deep/../deep/tool.bpf.c",
				i == 3 ? tool : NULL);
		assert_int_equal(f->size, size);
		assert_memory_equal(f->object, first, size);
	}
	assert_int_equal(chdir(f->dir), 0);
	free(first);
}

/* For the verifier's messages: the text of lines, and names that say where. */
static void lines_and_names(void **state)
{
	struct fixture *f = *state;

	need_btf();
	assert_compiles(f, "elsewhere/deep/tool.bpf.c", tool);
	assert_true(holds(f, "	lbc_emit(ctx, events, &e);"));
	assert_true(holds(f, "	return a * bpf_get_prandom_u32(); /* in part */"));
	assert_true(memmem(f->object, f->size, "\0tool.bpf.c", 12));
	assert_true(memmem(f->object, f->size, "\0part.h", 8));
	assert_false(holds(f, f->dir));
	assert_false(holds(f, "/proc/self"));
}

static void long_names(void **state)
{
	struct fixture *f = *state;
	static const char name[] = "a_name_that_is_longer_than_what_clang_reads_by_default.bpf.c";

	assert_compiles(f, name,
			"__attribute__((section(\"socket\"))) int p(void *ctx)\n{\n	return 0;\n}\n"
			"const char *file(void) { return __FILE__; }\n");
	assert_true(memmem(f->object, f->size, name, sizeof(name)));
	assert_false(holds(f, "/proc"));
}

/* The source's own directory comes before the present one, which is not searched at all. */
static void quoted_includes(void **state)
{
	struct fixture *f = *state;

	mkdir("inc", 0700);
	write_text("inc/which.h", "int right;\n");
	write_text("which.h", "#error wrong file\n");
	write_text("only_here.h", "\n");
	assert_compiles(f, "inc/x.bpf.c", "#include \"which.h\"\nint *p = &right;\n");
	assert_int_equal(compile_with(f, "inc/x.bpf.c", "#include \"only_here.h\"\n", NULL, NULL), -EINVAL);
}

static void file_macro(void **state)
{
	struct fixture *f = *state;

	write_text("inc/file.h", "const char *header(void) { return __FILE__; }\n");
	assert_compiles(f, "inc/x.bpf.c", "#include \"file.h\"\nconst char *source(void) { return __FILE__; }\n");
	assert_true(memmem(f->object, f->size, "\0file.h", 8));
	assert_false(holds(f, f->dir));
	assert_false(holds(f, "/proc/self"));
}

static void both_names_of_lbc(void **state)
{
	struct fixture *f = *state;

	need_btf();
	assert_compiles(f, "x.bpf.c",
			"#include \"lbc.h\"\n#include <coolbpf/lbc.h>\n#include \"vmlinux.h\"\n"
			"struct task_struct *t;\n");
}

static void target_machine(void **state)
{
	struct fixture *f = *state;
	struct utsname u;

	uname(&u);
	if (strcmp(u.machine, "x86_64") && strcmp(u.machine, "aarch64"))
		skip_because("no expectation for %s", u.machine);
	assert_compiles(f, "x.bpf.c",
			!strcmp(u.machine, "x86_64") ? "#ifndef __TARGET_ARCH_x86\n#error\n#endif\nint x;\n"
						     : "#ifndef __TARGET_ARCH_arm64\n#error\n#endif\nint x;\n");
}

static void cflags(void **state)
{
	struct fixture *f = *state;
	const char *flags[] = {"-DNAME=found_it", "-Wunused-macros", NULL};

	assert_int_equal(compile_with(f, "x.bpf.c", "int NAME;\n#define UNUSED\n", flags, NULL), 0);
	assert_true(holds(f, "found_it"));
	assert_non_null(strstr(cb_buf_cstr(&f->said), "x.bpf.c:2:9: warning: macro is not used"));
}

/* As bpftool writes it; the two carry different versions of libbpf, which write (void) and the size of an enum in their
 * own ways. Since 7.5 bpftool sorts the types unless told not to, and adds the kernel's functions for programs: libbpf
 * does not write these. */
static void vmlinux_h_is_bpftools(void **state)
{
	struct fixture *f = *state;

	need_btf();
	if (system("dump='bpftool btf dump file /sys/kernel/btf/vmlinux format c'\n"
		   "$dump unsorted > bpftool.h 2>/dev/null || $dump > bpftool.h 2>/dev/null"))
		skip_because("bpftool does not show this kernel's BTF");
	close(cb_headers_whole("/sys/kernel/btf/vmlinux", true, NULL, &f->err));
	assert_int_equal(system("same() { sed 's/(void)/()/; s/ __attribute__((mode(byte)))//' $1 | cat -s; }\n"
				"sed -e '/^#ifndef __ksym$/,/^#endif$/d' -e '/^#ifndef __weak$/,/^#endif$/d' \\\n"
				"    -e '/^\\/\\* BPF kfuncs \\*\\/$/d' \\\n"
				"    -e '/^#ifndef BPF_NO_KFUNC_PROTOTYPES$/,/^#endif$/d' -i bpftool.h\n"
				"same bpftool.h > a; same cache/vmlinux/*/vmlinux.h > b; cmp a b"),
			 0);
}

static void with_btf(struct fixture *f, struct btf *btf, const char *text)
{
	char custom[128];
	const void *raw;
	__u32 size;

	raw = btf__raw_data(btf, &size);
	assert_int_equal(cb_file_write("other.btf", raw, size, 0600, NULL), 0);
	btf__free(btf);
	snprintf(custom, sizeof(custom), "%s/other.btf", f->dir);
	setenv("BPF_CUSTOM_BTF", custom, 1);
	assert_compiles(f, "x.bpf.c", text);
	unsetenv("BPF_CUSTOM_BTF");
}

/* The index of the kernel's BTF, lbc.h, and the whole vmlinux.h, when somebody asks for it. */
static void what_is_kept(void **state)
{
	struct fixture *f = *state;
	struct btf *btf = btf__new_empty();

	need_btf();
	assert_int_equal(entries("cache/vmlinux"), 1);
	assert_int_equal(system("find cache -type f -exec stat -c '%n %i %y' {} + | sort > before"), 0);
	assert_compiles(f, "x.bpf.c", "#include \"vmlinux.h\"\nstruct task_struct *t;\n");
	close(cb_headers_whole("/sys/kernel/btf/vmlinux", true, NULL, &f->err));
	assert_int_equal(system("find cache -type f -exec stat -c '%n %i %y' {} + | sort | cmp - before"), 0);

	/* another kernel has another one */
	btf__add_struct(btf, "of_another_kernel", 8);
	with_btf(f, btf, "#include \"vmlinux.h\"\nint x = sizeof(struct of_another_kernel);\n");
	assert_int_equal(entries("cache/lbc"), 1);
}

/* Whatever slicing overlooks: here a name that the preprocessor puts together. */
static void whole_when_the_slice_lacks(void **state)
{
	struct fixture *f = *state;
	struct cb_log log = {.level = CB_INFO, .say = fixture_say, .ctx = f};
	static const char text[] = "#include \"vmlinux.h\"\n#define GLUE(a, b) a##b\n"
				   "int x = sizeof(struct GLUE(task_, struct));\nint y = GLUE(BPF_MAP_TYPE_, HASH);\n";
	struct cb_compile_request rq = {.path = "x.bpf.c", .text = text, .text_len = sizeof(text) - 1, .log = &log};
	struct cb_compile_answer a;

	need_btf();
	f->said.len = 0;
	if (cb_compile_full(&rq, &a, &f->err))
		fail_msg("%s", f->err.text);
	assert_true(a.fell_back);
	assert_int_equal(a.diags.n, 0);
	assert_non_null(strstr(cb_buf_cstr(&f->said), "x.bpf.c needs more of the kernel's types"));
	cb_compile_answer_free(&a);
}

/* A name that nobody has costs no second compile. */
static void not_whole_for_a_typo(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
		"#include \"vmlinux.h\"\nint f(struct task_struct *t) { return t->pidd + nosuch; }\n";
	struct cb_compile_request rq = {.path = "x.bpf.c", .text = text, .text_len = sizeof(text) - 1};
	struct cb_compile_answer a;

	need_btf();
	assert_int_equal(cb_compile_full(&rq, &a, &f->err), -EINVAL);
	assert_false(a.fell_back);
	assert_int_equal(a.diags.n, 2);
	assert_true(a.slice_size > 0 && a.slice_size < 200000);
	cb_compile_answer_free(&a);
}

/* As in the BTF of RHEL 7 kernels: struct s { union { int a; int hidden; }; union { int b; int hidden; }; } */
static void members_of_one_name(void **state)
{
	struct btf *btf = btf__new_empty();
	int i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), unions[2];

	for (int i = 0; i < 2; i++) {
		unions[i] = btf__add_union(btf, NULL, 4);
		btf__add_field(btf, i ? "b" : "a", i32, 0, 0);
		btf__add_field(btf, "hidden", i32, 0, 0);
	}
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, NULL, unions[0], 0, 0);
	btf__add_field(btf, NULL, unions[1], 32, 0);
	with_btf(*state, btf,
		 "#include \"vmlinux.h\"\nint f(struct s *s) { return s->a + s->b + s->hidden; }\n"
		 "_Static_assert(__builtin_offsetof(struct s, hidden) == 0, \"first\");\n");
}

static void old_kernels(void **state)
{
	struct fixture *f = *state;
	char pattern[PATH_MAX], command[3 * PATH_MAX], custom[128];
	glob_t files;

	snprintf(pattern, sizeof(pattern), "%s/../shared/data/btf/*.btf.zst", getenv("SRC"));
	if (glob(pattern, 0, NULL, &files))
		skip_because("there is no BTF of old kernels in ../shared/data/btf beside the source tree");
	snprintf(custom, sizeof(custom), "%s/old.btf", f->dir);
	setenv("BPF_CUSTOM_BTF", custom, 1);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		snprintf(command, sizeof(command), "zstd -dqfc '%s' > %s", files.gl_pathv[i], custom);
		assert_int_equal(system(command), 0);
		assert_compiles(f, "tool.bpf.c", NULL);
	}
	unsetenv("BPF_CUSTOM_BTF");
	globfree(&files);
}

static void own_vmlinux_h(void **state)
{
	struct fixture *f = *state;

	mkdir("own", 0700);
	write_text("own/vmlinux.h", "typedef int only_in_mine;\n");
	setenv("BPF_CUSTOM_BTF", "/nonexistent", 1);
	assert_compiles(f, "own/x.bpf.c", "#include \"vmlinux.h\"\nonly_in_mine x;\n");
	unsetenv("BPF_CUSTOM_BTF");
}

static void unwritable_cache(void **state)
{
	struct fixture *f = *state;
	char *cache = strdup(getenv("COOLBPF_CACHE"));

	need_btf();
	setenv("COOLBPF_CACHE", "/proc/nothing/can/be/made/here", 1);
	assert_compiles(f, "tool.bpf.c", NULL);
	setenv("COOLBPF_CACHE", cache, 1);
	free(cache);
	assert_non_null(strstr(cb_buf_cstr(&f->said), "the cache cannot be used"));
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections),
		cmocka_unit_test(libbpf_opens_it),
		cmocka_unit_test(reproducible),
		cmocka_unit_test(lines_and_names),
		cmocka_unit_test(long_names),
		cmocka_unit_test(quoted_includes),
		cmocka_unit_test(file_macro),
		cmocka_unit_test(both_names_of_lbc),
		cmocka_unit_test(target_machine),
		cmocka_unit_test(cflags),
		cmocka_unit_test(vmlinux_h_is_bpftools),
		cmocka_unit_test(what_is_kept),
		cmocka_unit_test(whole_when_the_slice_lacks),
		cmocka_unit_test(not_whole_for_a_typo),
		cmocka_unit_test(members_of_one_name),
		cmocka_unit_test(old_kernels),
		cmocka_unit_test(own_vmlinux_h),
		cmocka_unit_test(unwritable_cache),
	};

	return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
