// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_slice_same.c - what clang makes of a program is the same with a slice as with the whole vmlinux.h: the bytes of
 * every section that is loaded, and every CO-RE relocation: where, of which kind, what it accesses, and the type's name.
 * With COOLBPF_SLOW set, tools and examples are compared for old kernels, too.
 */
#include "check.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gelf.h>
#include <linux/bpf.h>

#include "btf/elf.h"
#include "btf/ext.h"
#include "slices.h"

static struct slices s;
static unsigned compiled; /* programs that both ways compiled */

struct object {
	char *data;
	size_t size;
};

static struct object read_object(const char *file)
{
	struct object o;

	assert_int_equal(cb_file_read(slices_path(&s, file), 1 << 28, &o.data, &o.size, NULL), 0);
	return o;
}

/* The relocations, one a line. The instruction that a relocation of a type's number belongs to holds the number that the
 * type has in this object, which says nothing: it becomes zero. */
struct listing {
	struct cb_buf text;
	const struct btf *btf;
	const struct object *o;
};

static void blank(const struct object *o, const char *section, __u32 offset)
{
	const void *data;
	size_t len;

	assert_int_equal(cb_elf_section(o->data, o->size, section, &data, &len), 0);
	assert_true(offset + 16 <= len);
	memset((char *)data + offset + 4, 0, 4);
	memset((char *)data + offset + 12, 0, 4);
}

static void list_relocations(struct listing *l)
{
	const void *btf, *ext;
	size_t btf_len, ext_len;
	const __u32 *word, *end;
	__u32 record;

	assert_int_equal(cb_elf_section(l->o->data, l->o->size, ".BTF", &btf, &btf_len), 0);
	assert_int_equal(cb_elf_section(l->o->data, l->o->size, ".BTF.ext", &ext, &ext_len), 0);
	l->btf = btf__new(btf, (__u32)btf_len);
	assert_non_null(l->btf);
	/* words of the header: magic, length, offset and length of functions, lines, relocations */
	word = ext;
	if (word[1] < 32 || !word[7])
		goto out;
	end = (const void *)((const char *)ext + word[1] + word[6] + word[7]);
	word = (const void *)((const char *)ext + word[1] + word[6]);
	record = *word++ / sizeof(*word);
	while (word < end) {
		const char *section = btf__name_by_offset(l->btf, word[0]);
		__u32 n = word[1];

		for (word += 2; n--; word += record) {
			const struct btf_type *t = btf__type_by_id(l->btf, word[1]);

			if (word[3] == BPF_CORE_TYPE_ID_LOCAL || word[3] == BPF_CORE_TYPE_ID_TARGET)
				blank(l->o, section, word[0]);
			cb_buf_printf(&l->text, "%s+%u kind %u %s of %s (%d)\n", section, word[0], word[3],
				      btf__name_by_offset(l->btf, word[2]), btf__name_by_offset(l->btf, t->name_off),
				      btf_kind(t));
		}
	}
out:
	btf__free((struct btf *)l->btf);
}

/* Names and bytes of what a loader takes; the number of programs' sections. */
static unsigned list_sections(const struct object *o, struct cb_buf *out)
{
	Elf *elf = elf_memory(o->data, o->size);
	Elf_Scn *section = NULL;
	unsigned programs = 0;
	size_t names;

	assert_non_null(elf);
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr sh;

		gelf_getshdr(section, &sh);
		if (!(sh.sh_flags & SHF_ALLOC) || sh.sh_type != SHT_PROGBITS ||
		    !strcmp(elf_strptr(elf, names, sh.sh_name), ".eh_frame"))
			continue;
		programs += sh.sh_flags & SHF_EXECINSTR && sh.sh_size;
		cb_buf_printf(out, "\n%s %zu\n", elf_strptr(elf, names, sh.sh_name), (size_t)sh.sh_size);
		cb_buf_add(out, o->data + sh.sh_offset, sh.sh_size);
	}
	elf_end(elf);
	return programs;
}

static void assert_objects_same(const char *name)
{
	struct object whole = read_object("whole/out"), slice = read_object("slice/out");
	struct listing a = {.o = &whole}, b = {.o = &slice};
	struct cb_buf x = {0}, y = {0};

	list_relocations(&a);
	list_relocations(&b);
	if (strcmp(cb_buf_cstr(&a.text), cb_buf_cstr(&b.text)))
		fail_msg("%s, %s: relocations differ:\n%s---\n%s", s.name, name, cb_buf_cstr(&a.text),
			 cb_buf_cstr(&b.text));
	assert_true(list_sections(&whole, &x));
	assert_true(list_sections(&slice, &y));
	if (x.len != y.len || memcmp(x.data, y.data, x.len))
		fail_msg("%s, %s: sections differ", s.name, name);
	cb_buf_free(&a.text);
	cb_buf_free(&b.text);
	cb_buf_free(&x);
	cb_buf_free(&y);
	free(whole.data);
	free(slice.data);
}

/* A program that does not compile against the whole (a kernel without what it needs) compiles against no slice. */
static bool compare(const char *name, const char *text, size_t len)
{
	bool whole, slice;

	slices_write(&s, "program.bpf.c", text, len);
	slices_slice(&s, text, len);
	whole = slices_compile(&s, "whole", "-c");
	slice = slices_compile(&s, "slice", "-c");
	if (whole != slice)
		fail_msg("%s, %s: compiles against the %s only", s.name, name, whole ? "whole" : "slice");
	if (whole)
		assert_objects_same(name);
	if (whole && slices_run("test ! -s %s/whole/log -a -s %s/slice/log", s.dir, s.dir))
		fail_msg("%s, %s: clang warns of the slice", s.name, name);
	compiled += whole;
	return whole;
}

static void compare_files(const char *dir)
{
	char pattern[PATH_MAX];
	glob_t files;

	snprintf(pattern, sizeof(pattern), "%s/%s/*.bpf.c", getenv("SRC"), dir);
	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *text;
		size_t len;

		assert_int_equal(cb_file_read(files.gl_pathv[i], 1 << 20, &text, &len, NULL), 0);
		if (!compare(strrchr(files.gl_pathv[i], '/') + 1, text, len) && !strstr(s.name, "aarch64"))
			fail_msg("%s, %s does not compile", s.name, files.gl_pathv[i]);
		free(text);
	}
	globfree(&files);
}

/* One case of odd.bpf.c: what stands outside of any, and what stands inside its own. */
static void cut_case(struct cb_buf *out, const char *text, const char *name)
{
	bool inside = false, mine = false;

	out->len = 0;
	for (const char *line = text, *end; *line; line = end) {
		size_t len = strcspn(line, "\n");

		end = line + len + (line[len] == '\n');
		if (!strncmp(line, "#ifdef CASE_", 12)) {
			inside = true;
			mine = !strncmp(line + 12, name, strlen(name)) && strchr(" \n", line[12 + strlen(name)]);
		} else if (inside && !strncmp(line, "#endif", 6)) {
			inside = false;
		} else if (!inside || mine) {
			cb_buf_add(out, line, (size_t)(end - line));
		}
	}
}

static void compare_odd(struct slices *unused)
{
	struct cb_buf one = {0};
	char path[PATH_MAX], *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/compile/odd.bpf.c", getenv("SRC"));
	assert_int_equal(cb_file_read(path, 1 << 20, &text, &len, NULL), 0);
	for (const char *at = text; (at = strstr(at, "#ifdef CASE_")); at++) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 12, " \n"), at + 12);
		cut_case(&one, text, name);
		compare(name, one.data, one.len);
	}
	cb_buf_free(&one);
	free(text);
}

static void need_kernel(void)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip_because("this kernel has no BTF");
	slices_kernel(&s, "/sys/kernel/btf/vmlinux", "the running kernel");
}

static void tools(void **state)
{
	need_kernel();
	compare_files("tools");
}

static void examples(void **state)
{
	need_kernel();
	compare_files("examples");
}

static void odd(void **state)
{
	need_kernel();
	compiled = 0;
	compare_odd(&s);
	assert_true(compiled >= 20); /* of some two dozen; the rest are for kernels and clangs of another age */
}

static void odd_of_old_kernels(void **state)
{
	compiled = 0;
	if (!slices_old_kernels(&s, compare_odd))
		skip_because("there is no BTF of old kernels in ../shared/data/btf beside the source tree");
	assert_true(compiled >= 80);
}

static void compare_all(struct slices *unused)
{
	compare_files("tools");
	compare_files("examples");
}

static void tools_of_old_kernels(void **state)
{
	if (!getenv("COOLBPF_SLOW"))
		skip_because("slow: COOLBPF_SLOW is not set");
	if (!slices_old_kernels(&s, compare_all))
		skip_because("there is no BTF of old kernels in ../shared/data/btf beside the source tree");
}

/* ---- Layouts ---------------------------------------------------------------------------------------------------- */

static const char *text_of(uint32_t offset)
{
	return s.ix.view.strs + offset;
}

/* A program that names every struct of a kernel, and puts its size, its alignment and the places of its members into a
 * table. */
static void ask_for_layouts(struct cb_buf *out)
{
	cb_buf_str(out, "#include \"vmlinux.h\"\n#define GLUE(a, b) a##b\nconst unsigned values[] = {\n");
	for (uint32_t id = 1; id < s.ix.count; id++) {
		const struct btf_type *t = cb_btf_index_type(&s.ix, id);
		const char *kind = btf_is_union(t) ? "union" : "struct";

		if (!btf_is_composite(t) || !t->name_off || s.ix.marks[id] & CB_BTF_NOT_FIRST)
			continue;
		cb_buf_printf(out, "sizeof(%s %s), _Alignof(%s %s),\n", kind, text_of(t->name_off), kind,
			      text_of(t->name_off));
		for (uint16_t i = 0; i < btf_vlen(t); i++) {
			const struct btf_member *m = &btf_members(t)[i];

			if (m->name_off && !btf_member_bitfield_size(t, i) && !strstr(text_of(m->name_off), "rh_kabi"))
				cb_buf_printf(out, "__builtin_offsetof(%s %s, %s),\n", kind, text_of(t->name_off),
					      text_of(m->name_off));
		}
	}
	cb_buf_str(out, "};\n");
}

/* A function for each struct that reads all of its bit fields. */
static void ask_for_bit_fields(struct cb_buf *out)
{
	cb_buf_str(out, "#define BPF_NO_PRESERVE_ACCESS_INDEX\n#include \"vmlinux.h\"\n");
	for (uint32_t id = 1; id < s.ix.count; id++) {
		const struct btf_type *t = cb_btf_index_type(&s.ix, id);
		bool any = false;

		if (!btf_is_composite(t) || !t->name_off || s.ix.marks[id] & CB_BTF_NOT_FIRST)
			continue;
		for (uint16_t i = 0; i < btf_vlen(t); i++) {
			if (!btf_member_bitfield_size(t, i) || !btf_members(t)[i].name_off ||
			    strstr(text_of(btf_members(t)[i].name_off), "rh_kabi"))
				continue;
			if (!any)
				cb_buf_printf(out, "long f%u(%s %s *p) { return 0", id,
					      btf_is_union(t) ? "union" : "struct", text_of(t->name_off));
			any = true;
			cb_buf_printf(out, " + p->%s", text_of(btf_members(t)[i].name_off));
		}
		cb_buf_str(out, any ? "; }\n" : "");
	}
}

/* Both ways, and what comes out is the same, but for lines that begin with this. */
static void compare_outputs(const struct cb_buf *program, const char *flags, const char *but, const char *what)
{
	slices_write(&s, "program.bpf.c", program->data, program->len);
	slices_slice(&s, program->data, program->len);
	for (int i = 0; i < 2; i++) {
		const char *kind = i ? "slice" : "whole";

		if (!slices_compile(&s, kind, flags)) {
			slices_run("grep -m5 error: %s/%s/log | sed 's/^/# /'", s.dir, kind);
			fail_msg("%s: %s do not compile against the %s", s.name, what, kind);
		}
		assert_true(slices_run("grep -v '^%s' %s/%s/out >%s/%s/lines", but, s.dir, kind, s.dir, kind));
	}
	if (!slices_run("cmp -s %s/whole/lines %s/slice/lines", s.dir, s.dir))
		fail_msg("%s: %s differ", s.name, what);
}

/* What libbpf does not get right, slices do not get right in the same way: else their objects would differ. The IR of bit
 * fields shows the size and place of what is loaded for each; types in it (lines with %) hold hidden members. */
static void compare_layouts(struct slices *unused)
{
	struct cb_buf program = {0};

	ask_for_layouts(&program);
	compare_outputs(&program, "-g0 -S", "\t\\.file", "layouts");
	program.len = 0;
	ask_for_bit_fields(&program);
	compare_outputs(&program, "-g0 -S -emit-llvm -Xclang -disable-llvm-passes", "%", "bit fields");
	cb_buf_free(&program);
}

static void layouts(void **state)
{
	need_kernel();
	compare_layouts(&s);
}

static void layouts_of_old_kernels(void **state)
{
	if (!slices_old_kernels(&s, compare_layouts))
		skip_because("there is no BTF of old kernels in ../shared/data/btf beside the source tree");
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tools),
		cmocka_unit_test(examples),
		cmocka_unit_test(odd),
		cmocka_unit_test(odd_of_old_kernels),
		cmocka_unit_test(tools_of_old_kernels),
		cmocka_unit_test(layouts),
		cmocka_unit_test(layouts_of_old_kernels),
	};
	int failed;

	libbpf_set_print(quiet);
	elf_version(EV_CURRENT);
	slices_begin(&s);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	slices_end(&s);
	return failed;
}
