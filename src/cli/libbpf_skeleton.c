// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * libbpf_skeleton.c - libbpf's own kind of skeleton (bpf_object_skeleton), for programs that are written against libbpf.
 *
 * Names, members and functions are those that programs know from "bpftool gen skeleton", so that one can be exchanged for the
 * other:
 *
 *	struct NAME { skeleton, obj, maps {...}, progs {...}, links {...}, *rodata, *data, *bss, *kconfig }
 *	NAME__open(), NAME__open_opts(), NAME__load(), NAME__open_and_load(), NAME__attach(), NAME__detach(), NAME__destroy()
 *
 * Variables stand in NAME->rodata and so on with the types of the program's source, which the user of the header has to have
 * defined where they are not basic ones: it is the program's own header that both sides include.
 */
#include "cli/libbpf_skeleton.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 256 };

struct skeleton {
	const void *object;
	size_t size;
	char name[MAX_NAME];
	struct bpf_object *obj;
	struct btf *btf;
	struct btf_dump *dump;
	struct cb_buf *out;
	int err;
};

/* Text in which @ stands for the skeleton's name. */
static void emit(struct skeleton *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '@')
			cb_buf_str(s->out, s->name);
		else
			cb_buf_ch(s->out, *text);
	}
}

static void dump_printf(void *ctx, const char *fmt, va_list ap)
{
	struct skeleton *s = ctx;
	char text[4096];

	vsnprintf(text, sizeof(text), fmt, ap);
	cb_buf_str(s->out, text);
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static void make_identifier(char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name))
			*name = '_';
}

/* "dir/tool.bpf.o" and "tool.bpf.c" to "tool_bpf" */
static void set_name(struct skeleton *s, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	int n = (int)strlen(base);

	if (n > 2 && (!strcmp(base + n - 2, ".o") || !strcmp(base + n - 2, ".c")))
		n -= 2;
	snprintf(s->name, sizeof(s->name), "%s%.*s", isdigit((unsigned char)*base) ? "_" : "", n, base);
	make_identifier(s->name);
}

/* A map's member: its name, or of one that libbpf made of a section the section's (".rodata.cold": rodata_cold). False for a
 * map whose name is no identifier: it has no member. */
static bool map_member(const struct bpf_map *map, char out[MAX_NAME])
{
	static const char *const sections[] = {".data", ".rodata", ".bss", ".kconfig"};
	const char *name = bpf_map__name(map);

	if (!bpf_map__is_internal(map)) {
		snprintf(out, MAX_NAME, "%s", name);
		return !strchr(name, '.');
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const char *at = strstr(name, sections[i]);

		if (!at)
			continue;
		snprintf(out, MAX_NAME, "%s", at + 1);
		make_identifier(out);
		return true;
	}
	return false;
}

/* Can the program's user see the map's memory? */
static bool is_mapped(const struct bpf_map *map)
{
	return bpf_map__is_internal(map) && (bpf_map__map_flags(map) & BPF_F_MMAPABLE);
}

/* ---- Variables -------------------------------------------------------------------------------------------------- */

/* The section of a map that is mapped, as the object's BTF has it; NULL when it says nothing of it. */
static const struct btf_type *section_of(const struct skeleton *s, const struct bpf_map *map, char member[MAX_NAME])
{
	if (!is_mapped(map) || !map_member(map, member))
		return NULL;
	for (__u32 id = 1; id < btf__type_cnt(s->btf); id++) {
		const struct btf_type *t = btf__type_by_id(s->btf, id);
		const char *name = btf__name_by_offset(s->btf, t->name_off);
		char same[MAX_NAME];

		if (!btf_is_datasec(t) || *name != '.')
			continue;
		snprintf(same, sizeof(same), "%s", name + 1);
		make_identifier(same);
		if (!strcmp(same, member))
			return t;
	}
	return NULL;
}

static const char *variable(const struct skeleton *s, const struct btf_var_secinfo *at, __u32 *type, bool *hidden)
{
	const struct btf_type *var = btf__type_by_id(s->btf, at->type);

	*type = var->type;
	*hidden = btf_var(var)->linkage ==
		  BTF_VAR_STATIC; /* the compiler may have thrown it away, or have two of a name */
	return btf__name_by_offset(s->btf, var->name_off);
}

static void emit_variable(struct skeleton *s, __u32 type, const char *name)
{
	char member[MAX_NAME];
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = member, .indent_level = 2, .strip_mods = true);
	int err;

	snprintf(member, sizeof(member), "%s", name);
	make_identifier(member);
	cb_buf_str(s->out, "\t\t");
	err = btf_dump__emit_type_decl(s->dump, type, &opts);
	cb_buf_str(s->out, ";\n");
	if (err && !s->err)
		s->err = err;
}

/* Bytes between a variable and the next one that C does not leave by itself, or not everywhere: a 32-bit x86 has eight bytes
 * where four are aligned. */
static void emit_padding(struct skeleton *s, __u32 from, __u32 to, int align, unsigned *n)
{
	__u32 sure = align < 4 ? (__u32)align : 4;
	__u32 natural = align > 1 ? (from + sure - 1) / sure * sure : from;

	if (natural != to)
		cb_buf_printf(s->out, "\t\tchar __pad%u[%u];\n", (*n)++, to - from);
}

static void emit_section(struct skeleton *s, const struct btf_type *section, const char *member)
{
	const struct btf_var_secinfo *at = btf_var_secinfos(section);
	unsigned padding = 0;
	__u32 end = 0;

	cb_buf_printf(s->out, "\tstruct %s__%s {\n", s->name, member);
	for (__u16 i = 0; i < btf_vlen(section); i++, at++) {
		bool hidden;
		__u32 type;
		const char *name = variable(s, at, &type, &hidden);

		if (hidden)
			continue;
		if (at->offset < end) {
			s->err = -EINVAL;
			return;
		}
		emit_padding(s, end, at->offset, btf__align_of(s->btf, type), &padding);
		emit_variable(s, type, name);
		end = at->offset + at->size;
	}
	cb_buf_printf(s->out, "\t} *%s;\n", member);
}

static void emit_sections(struct skeleton *s)
{
	struct bpf_map *map;
	char member[MAX_NAME];

	bpf_object__for_each_map (map, s->obj) {
		const struct btf_type *section = section_of(s, map, member);

		if (section)
			emit_section(s, section, member);
	}
}

/* A type of the user's that is not the program's would shift every variable behind it. */
static void emit_checks(struct skeleton *s)
{
	struct bpf_map *map;
	char member[MAX_NAME];

	emit(s, "\n/* Types that the program knows otherwise than this file do not compile. */\n"
		"__attribute__((unused)) static void @__assert(struct @ *s __attribute__((unused)))\n"
		"{\n"
		"#ifdef __cplusplus\n"
		"#define _Static_assert static_assert\n"
		"#endif\n");
	bpf_object__for_each_map (map, s->obj) {
		const struct btf_type *section = section_of(s, map, member);
		const struct btf_var_secinfo *at = section ? btf_var_secinfos(section) : NULL;

		for (__u16 i = 0; section && i < btf_vlen(section); i++, at++) {
			bool hidden;
			__u32 type;
			char name[MAX_NAME];

			snprintf(name, sizeof(name), "%s", variable(s, at, &type, &hidden));
			make_identifier(name);
			if (!hidden)
				cb_buf_printf(s->out,
					      "\t_Static_assert(sizeof(s->%s->%s) == %u, \"%s has another size\");\n",
					      member, name, at->size, name);
		}
	}
	emit(s, "#ifdef __cplusplus\n"
		"#undef _Static_assert\n"
		"#endif\n"
		"}\n");
}

/* ---- The struct ------------------------------------------------------------------------------------------------- */

static size_t count_maps(const struct skeleton *s)
{
	struct bpf_map *map;
	char member[MAX_NAME];
	size_t n = 0;

	bpf_object__for_each_map (map, s->obj)
		n += map_member(map, member);
	return n;
}

static size_t count_programs(const struct skeleton *s)
{
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program (prog, s->obj)
		n++;
	return n;
}

static void emit_programs(struct skeleton *s, const char *type, const char *member)
{
	struct bpf_program *prog;

	cb_buf_str(s->out, "\tstruct {\n");
	bpf_object__for_each_program (prog, s->obj)
		cb_buf_printf(s->out, "\t\tstruct %s *%s;\n", type, bpf_program__name(prog));
	cb_buf_printf(s->out, "\t} %s;\n", member);
}

static void emit_struct(struct skeleton *s)
{
	struct bpf_map *map;
	char member[MAX_NAME];

	emit(s, "struct @ {\n"
		"\tstruct bpf_object_skeleton *skeleton;\n"
		"\tstruct bpf_object *obj;\n");
	if (count_maps(s)) {
		cb_buf_str(s->out, "\tstruct {\n");
		bpf_object__for_each_map (map, s->obj)
			if (map_member(map, member))
				cb_buf_printf(s->out, "\t\tstruct bpf_map *%s;\n", member);
		cb_buf_str(s->out, "\t} maps;\n");
	}
	if (count_programs(s)) {
		emit_programs(s, "bpf_program", "progs");
		emit_programs(s, "bpf_link", "links");
	}
	emit_sections(s);
	emit(s, "\n#ifdef __cplusplus\n"
		"\tstatic inline struct @ *open(const struct bpf_object_open_opts *opts = nullptr);\n"
		"\tstatic inline struct @ *open_and_load();\n"
		"\tstatic inline int load(struct @ *skel);\n"
		"\tstatic inline int attach(struct @ *skel);\n"
		"\tstatic inline void detach(struct @ *skel);\n"
		"\tstatic inline void destroy(struct @ *skel);\n"
		"\tstatic inline const void *elf_bytes(size_t *sz);\n"
		"#endif\n"
		"};\n");
}

/* ---- Functions -------------------------------------------------------------------------------------------------- */

static void emit_bytes(struct skeleton *s)
{
	const unsigned char *p = s->object;

	emit(s, "\n/* The object file. */\n"
		"static inline const void *@__elf_bytes(size_t *sz)\n"
		"{\n"
		"\tstatic const unsigned char bytes[] __attribute__((aligned(8))) = {");
	for (size_t i = 0; i < s->size; i++) {
		cb_buf_str(s->out, i % 24 ? "," : i ? ",\n\t\t" : "\n\t\t");
		cb_buf_u64(s->out, p[i]);
	}
	emit(s, "\n\t};\n"
		"\n"
		"\t*sz = sizeof(bytes);\n"
		"\treturn bytes;\n"
		"}\n");
}

static void emit_destroy(struct skeleton *s)
{
	emit(s, "\n/* Detach, unload, free; NULL is fine. */\n"
		"static inline void @__destroy(struct @ *obj)\n"
		"{\n"
		"\tif (obj && obj->skeleton)\n"
		"\t\tbpf_object__destroy_skeleton(obj->skeleton);\n"
		"\tfree(obj);\n"
		"}\n");
}

static void emit_map_entries(struct skeleton *s)
{
	struct bpf_map *map;
	char member[MAX_NAME], has[MAX_NAME];
	size_t i = 0;

	bpf_object__for_each_map (map, s->obj) {
		if (!map_member(map, member))
			continue;
		cb_buf_printf(s->out, "\ts->maps[%zu].name = \"%s\";\n\ts->maps[%zu].map = &obj->maps.%s;\n", i,
			      bpf_map__name(map), i, member);
		if (section_of(s, map, has))
			cb_buf_printf(s->out, "\ts->maps[%zu].mmaped = (void **)&obj->%s;\n", i, member);
		i++;
	}
}

static void emit_program_entries(struct skeleton *s)
{
	struct bpf_program *prog;
	size_t i = 0;

	bpf_object__for_each_program (prog, s->obj) {
		const char *name = bpf_program__name(prog);

		cb_buf_printf(s->out,
			      "\ts->progs[%zu].name = \"%s\";\n"
			      "\ts->progs[%zu].prog = &obj->progs.%s;\n"
			      "\ts->progs[%zu].link = &obj->links.%s;\n",
			      i, name, i, name, i, name);
		i++;
	}
}

/* libbpf takes maps and programs as arrays, whose elements have the size that we know of them. */
static void emit_array(struct skeleton *s, const char *array, const char *kind, const char *prefix, size_t n)
{
	cb_buf_printf(s->out,
		      "\n\ts->%s_cnt = %zu;\n"
		      "\ts->%s_skel_sz = sizeof(*s->%s);\n"
		      "\ts->%s = (struct %s *)calloc(%zu, sizeof(*s->%s));\n"
		      "\tif (!s->%s)\n"
		      "\t\tgoto no_memory;\n",
		      prefix, n, prefix, array, array, kind, n, array, array);
}

static void emit_create(struct skeleton *s)
{
	size_t maps = count_maps(s), programs = count_programs(s);

	emit(s, "\n/* Tell libbpf where everything goes; 0 or -ENOMEM. */\n"
		"static inline int @__create_skeleton(struct @ *obj)\n"
		"{\n"
		"\tstruct bpf_object_skeleton *s = (struct bpf_object_skeleton *)calloc(1, sizeof(*s));\n"
		"\n"
		"\tif (!s)\n"
		"\t\tgoto no_memory;\n"
		"\ts->sz = sizeof(*s);\n"
		"\ts->name = \"@\";\n"
		"\ts->obj = &obj->obj;\n");
	if (maps) {
		emit_array(s, "maps", "bpf_map_skeleton", "map", maps);
		emit_map_entries(s);
	}
	if (programs) {
		emit_array(s, "progs", "bpf_prog_skeleton", "prog", programs);
		emit_program_entries(s);
	}
	emit(s, "\n\ts->data = (void *)@__elf_bytes(&s->data_sz);\n"
		"\tobj->skeleton = s;\n"
		"\treturn 0;\n"
		"no_memory:\n"
		"\tbpf_object__destroy_skeleton(s);\n"
		"\treturn -ENOMEM;\n"
		"}\n");
}

static void emit_open(struct skeleton *s)
{
	emit(s, "\n/* NULL with errno; opts may be NULL. */\n"
		"static inline struct @ *@__open_opts(const struct bpf_object_open_opts *opts)\n"
		"{\n"
		"\tstruct @ *obj = (struct @ *)calloc(1, sizeof(*obj));\n"
		"\tint err = -ENOMEM;\n"
		"\n"
		"\tif (obj)\n"
		"\t\terr = @__create_skeleton(obj);\n"
		"\tif (!err)\n"
		"\t\terr = bpf_object__open_skeleton(obj->skeleton, opts);\n"
		"\tif (!err)\n"
		"\t\treturn obj;\n"
		"\t@__destroy(obj);\n"
		"\terrno = -err;\n"
		"\treturn NULL;\n"
		"}\n"
		"\n"
		"static inline struct @ *@__open(void)\n"
		"{\n"
		"\treturn @__open_opts(NULL);\n"
		"}\n");
}

static void emit_rest(struct skeleton *s)
{
	emit(s, "\nstatic inline int @__load(struct @ *obj)\n"
		"{\n"
		"\treturn bpf_object__load_skeleton(obj->skeleton);\n"
		"}\n"
		"\n"
		"static inline struct @ *@__open_and_load(void)\n"
		"{\n"
		"\tstruct @ *obj = @__open();\n"
		"\tint err = obj ? @__load(obj) : 0;\n"
		"\n"
		"\tif (!err)\n"
		"\t\treturn obj;\n"
		"\t@__destroy(obj);\n"
		"\terrno = -err;\n"
		"\treturn NULL;\n"
		"}\n"
		"\n"
		"static inline int @__attach(struct @ *obj)\n"
		"{\n"
		"\treturn bpf_object__attach_skeleton(obj->skeleton);\n"
		"}\n"
		"\n"
		"static inline void @__detach(struct @ *obj)\n"
		"{\n"
		"\tbpf_object__detach_skeleton(obj->skeleton);\n"
		"}\n"
		"\n"
		"#ifdef __cplusplus\n"
		"struct @ *@::open(const struct bpf_object_open_opts *opts) { return @__open_opts(opts); }\n"
		"struct @ *@::open_and_load() { return @__open_and_load(); }\n"
		"int @::load(struct @ *skel) { return @__load(skel); }\n"
		"int @::attach(struct @ *skel) { return @__attach(skel); }\n"
		"void @::detach(struct @ *skel) { @__detach(skel); }\n"
		"void @::destroy(struct @ *skel) { @__destroy(skel); }\n"
		"const void *@::elf_bytes(size_t *sz) { return @__elf_bytes(sz); }\n"
		"#endif\n");
}

/* ---- The header ------------------------------------------------------------------------------------------------- */

static void emit_header(struct skeleton *s)
{
	emit(s, "/* Made by \"coolbpf build --format skel\" from the object @. Changes belong into its source. */\n"
		"#ifndef @_SKELETON_H\n"
		"#define @_SKELETON_H\n"
		"\n"
		"#include <bpf/libbpf.h>\n"
		"#include <errno.h>\n"
		"#include <stdbool.h>\n"
		"#include <stddef.h>\n"
		"#include <stdlib.h>\n"
		"\n");
	emit_struct(s);
	emit_bytes(s);
	emit_destroy(s);
	emit_create(s);
	emit_open(s);
	emit_rest(s);
	emit_checks(s);
	cb_buf_str(s->out, "\n#endif\n");
}

static int open_object(struct skeleton *s)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = s->name);

	/* the names of the maps that libbpf makes begin with the object's: they are asked for by these at run time */
	s->obj = bpf_object__open_mem(s->object, s->size, &opts);
	if (!s->obj)
		return -errno;
	s->btf = bpf_object__btf(s->obj);
	if (!s->btf)
		return -EINVAL;
	s->dump = btf_dump__new(s->btf, dump_printf, s, NULL);
	return s->dump ? 0 : -errno;
}

int cb_libbpf_skeleton(const void *object, size_t size, const char *name, struct cb_buf *out, struct cb_err *e)
{
	struct skeleton s = {.object = object, .size = size, .out = out};
	int err;

	set_name(&s, name);
	err = open_object(&s);
	if (!err)
		emit_header(&s);
	if (!err)
		err = s.err ? s.err : out->failed ? -ENOMEM : 0;
	btf_dump__free(s.dump);
	bpf_object__close(s.obj);
	return err ? cb_fail(e, -err, "cannot make a skeleton of %s: %s", name, strerror(-err)) : 0;
}
