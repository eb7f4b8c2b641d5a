// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * skeleton.c - write a C header that holds a tool: its object's bytes, the types of its events, maps and parameters, and
 * typed inline functions over libcoolbpf. For a tool NAME with a parameter min and an event map events:
 *
 *	struct NAME *s = NAME_new(NULL);
 *	NAME_open(s) || NAME_set_min(s, 1000) || NAME_on_events(s, function, context) || NAME_load(s) || NAME_attach(s)
 *	NAME_poll(s, 100) ... NAME_errmsg(s) ... NAME_free(s)
 *
 * libbpf's btf_dump writes the types, which gets padding, packing and bit fields right. It works on a copy of the
 * object's BTF that is first made fit for user space:
 *
 *   - whatever has a name of its own is called NAME_... (structs, unions, enums and their values), so that several
 *     skeletons, and the system's headers, can be included side by side;
 *   - integers get the names of <stdint.h>, and typedefs of them go, except those that say how a value prints (lbc_ns_t);
 *   - pointers become uint64_t: what they point to is in the kernel.
 */
#include "cli/skeleton.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_NAME = 256 };

struct skeleton {
	struct coolbpf *cb;
	struct cb_buf *out;
	char name[64];
	struct btf *btf; /* the copy */
	bool *seen;	 /* by type id: already made fit */
	__u32 u64_id;
	int err;
	struct btf_dump *dump;
};

/* ---- Types made fit for user space ------------------------------------------------------------------------------ */

/* The place of a type in the copy. The copy is in libbpf's modifiable form since a type was added to it: what the
 * pointer leads to is ours to change, until the next type is added. */
static struct btf_type *place(const struct skeleton *s, __u32 id)
{
	return (struct btf_type *)btf__type_by_id(s->btf, id);
}

static const char *type_name(const struct skeleton *s, __u32 id)
{
	const char *name = btf__name_by_offset(s->btf, place(s, id)->name_off);

	return name ? name : "";
}

/* Offset of the string NAME_text in the copy; text stays as it is when it begins so already. */
static __u32 own_name(struct skeleton *s, const char *text)
{
	size_t n = strlen(s->name);
	char name[MAX_NAME];
	int off;

	if (!strncmp(text, s->name, n) && text[n] == '_')
		snprintf(name, sizeof(name), "%s", text);
	else
		snprintf(name, sizeof(name), "%s_%s", s->name, text);
	off = btf__add_str(s->btf, name);
	if (off < 0) {
		s->err = off;
		return 0;
	}
	return (__u32)off;
}

static void rename_int(struct skeleton *s, __u32 id)
{
	__u8 encoding = btf_int_encoding(place(s, id));
	__u32 bytes = place(s, id)->size;
	const char *name = type_name(s, id);
	char fixed[16];
	int off;

	if (encoding & BTF_INT_BOOL)
		snprintf(fixed, sizeof(fixed), "bool");
	else if (!strcmp(name, "char") || bytes > 8)
		return; /* text; __int128 */
	else
		snprintf(fixed, sizeof(fixed), "%sint%u_t", encoding & BTF_INT_SIGNED ? "" : "u", bytes * 8);
	off = btf__add_str(s->btf, fixed);
	if (off < 0)
		s->err = off;
	else
		place(s, id)->name_off = (__u32)off;
}

static __u32 make_fit(struct skeleton *s, __u32 id);

static __u32 fit_typedef(struct skeleton *s, __u32 id)
{
	__u32 target = make_fit(s, place(s, id)->type);
	const char *name = type_name(s, id);

	if (btf_is_int(place(s, target)) && !strncmp(name, "lbc_", 4)) {
		place(s, id)->type = target;
		return id;
	}
	if ((btf_is_composite(place(s, target)) || btf_is_any_enum(place(s, target))) && !*type_name(s, target)) {
		__u32 off = own_name(s, name);

		place(s, target)->name_off = off;
	}
	return target;
}

static void rename_own(struct skeleton *s, __u32 id)
{
	__u32 off;

	if (!*type_name(s, id))
		return;
	off = own_name(s, type_name(s, id));
	place(s, id)->name_off = off;
}

static void fit_members(struct skeleton *s, __u32 id)
{
	for (__u16 i = 0; i < btf_vlen(place(s, id)); i++) {
		__u32 member = make_fit(s, btf_members(place(s, id))[i].type);

		btf_members(place(s, id))[i].type = member;
	}
}

static void rename_enumerators(struct skeleton *s, __u32 id)
{
	bool is64 = btf_is_enum64(place(s, id));

	for (__u16 i = 0; i < btf_vlen(place(s, id)); i++) {
		__u32 *name = is64 ? &btf_enum64(place(s, id))[i].name_off : &btf_enum(place(s, id))[i].name_off;
		__u32 off = own_name(s, btf__name_by_offset(s->btf, *name));

		*name = off;
	}
}

/* lbc_ipv6_t: plain bytes serve inet_ntop() better than a struct around them. */
static bool is_ipv6(const struct skeleton *s, __u32 id)
{
	const struct btf_type *t = place(s, id);

	return btf_is_struct(t) && btf_vlen(t) == 1 &&
	       !strcmp(btf__name_by_offset(s->btf, btf_members(t)[0].name_off), "lbc_ipv6");
}

/* Make a type and what it is made of fit; returns the type to use in its place. */
static __u32 make_fit(struct skeleton *s, __u32 id)
{
	bool seen = s->seen[id];

	s->seen[id] = true;
	switch (btf_kind(place(s, id))) {
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return make_fit(s, place(s, id)->type);
	case BTF_KIND_TYPEDEF:
		return fit_typedef(s, id);
	case BTF_KIND_PTR:
		return s->u64_id;
	case BTF_KIND_INT:
		if (!seen)
			rename_int(s, id);
		return id;
	case BTF_KIND_ARRAY: {
		__u32 element = make_fit(s, btf_array(place(s, id))->type);

		btf_array(place(s, id))->type = element;
		return id;
	}
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (!seen) {
			rename_own(s, id);
			fit_members(s, id);
		}
		return is_ipv6(s, id) ? btf_members(place(s, id))[0].type : id;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!seen) {
			rename_own(s, id);
			rename_enumerators(s, id);
		}
		return id;
	default:
		return id;
	}
}

static void fit_type(struct skeleton *s, __u32 id)
{
	make_fit(s, id);
}

static void dump_printf(void *ctx, const char *fmt, va_list ap)
{
	struct skeleton *s = ctx;
	char text[4096];

	vsnprintf(text, sizeof(text), fmt, ap);
	cb_buf_str(s->out, text);
}

static void emit_definition(struct skeleton *s, __u32 id)
{
	int err = btf_dump__dump_type(s->dump, make_fit(s, id));

	if (err && !s->err)
		s->err = err;
}

/* "TYPE name", "TYPE name[16]" */
static void emit_declaration(struct skeleton *s, __u32 id, const char *name)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = name);
	int err = btf_dump__emit_type_decl(s->dump, make_fit(s, id), &opts);

	if (err && !s->err)
		s->err = err;
}

/* Call fn for the type of each parameter, event, key and value. */
static void each_type(struct skeleton *s, void (*fn)(struct skeleton *s, __u32 id))
{
	struct coolbpf_event_map ev;
	struct coolbpf_param p;
	struct coolbpf_map m;

	for (size_t i = 0; !coolbpf_param_get(s->cb, i, &p); i++)
		fn(s, p.type_id);
	for (size_t i = 0; !coolbpf_event_map_get(s->cb, i, &ev); i++)
		if (ev.type_id)
			fn(s, ev.type_id);
	for (size_t i = 0; !coolbpf_map_get(s->cb, i, &m); i++) {
		if (!m.internal && m.key_type_id)
			fn(s, m.key_type_id);
		if (!m.internal && m.value_type_id)
			fn(s, m.value_type_id);
	}
}

/* The sizes that the program uses and the compiler's must agree, or every field would be read wrong. */
static void emit_size_checks(struct skeleton *s)
{
	struct coolbpf_event_map ev;

	for (size_t i = 0; !coolbpf_event_map_get(s->cb, i, &ev); i++) {
		if (!ev.type_id)
			continue;
		cb_buf_printf(s->out, "COOLBPF_SKELETON_ASSERT(sizeof(");
		emit_declaration(s, ev.type_id, "");
		cb_buf_printf(s->out, ") == %lld);\n", (long long)btf__resolve_size(s->btf, ev.type_id));
	}
}

/* ---- Functions -------------------------------------------------------------------------------------------------- */

static void emit_handle(struct skeleton *s)
{
	struct coolbpf_event_map ev;

	for (size_t i = 0; !coolbpf_event_map_get(s->cb, i, &ev); i++) {
		cb_buf_printf(s->out,
			      "\n/* Called for each event of %s; a negative result stops the poll and comes back from "
			      "it. */\n"
			      "typedef int (*%s_%s_fn)(void *ctx, const ",
			      ev.map, s->name, ev.map);
		if (ev.type_id)
			emit_declaration(s, ev.type_id, "");
		else
			cb_buf_str(s->out, "struct coolbpf_event");
		cb_buf_str(s->out, " *event);\n");
	}
	cb_buf_printf(s->out, "\nstruct %s {\n\tstruct coolbpf *cb; /* for every function of coolbpf.h */\n", s->name);
	for (size_t i = 0; !coolbpf_event_map_get(s->cb, i, &ev); i++)
		cb_buf_printf(s->out, "\t%s_%s_fn %s_fn;\n\tvoid *%s_ctx;\n", s->name, ev.map, ev.map, ev.map);
	cb_buf_str(s->out, "};\n");
}

/* Text in which @ stands for the tool's name. */
static void emit_template(struct skeleton *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '@')
			cb_buf_str(s->out, s->name);
		else
			cb_buf_ch(s->out, *text);
	}
}

static void emit_life(struct skeleton *s)
{
	emit_template(s, "\n/* NULL when there is no memory, or opts is wrong (errno); opts may be NULL. */\n"
			 "static inline struct @ *@_new(const struct coolbpf_opts *opts)\n"
			 "{\n"
			 "\tstruct @ *s = (struct @ *)calloc(1, sizeof(*s));\n"
			 "\n"
			 "\tif (s && !(s->cb = coolbpf_new(opts))) {\n"
			 "\t\tfree(s);\n"
			 "\t\ts = NULL;\n"
			 "\t}\n"
			 "\treturn s;\n"
			 "}\n"
			 "\n"
			 "/* Detach, unload, free. */\n"
			 "static inline void @_free(struct @ *s)\n"
			 "{\n"
			 "\tif (s)\n"
			 "\t\tcoolbpf_free(s->cb);\n"
			 "\tfree(s);\n"
			 "}\n"
			 "\n"
			 "/* What the last call that failed had to say. */\n"
			 "static inline const char *@_errmsg(const struct @ *s)\n"
			 "{\n"
			 "\treturn coolbpf_errmsg(s->cb);\n"
			 "}\n"
			 "\n"
			 "/* These return 0 or a negative errno; open, then set and on, then load, then attach. */\n"
			 "static inline int @_open(struct @ *s)\n"
			 "{\n"
			 "\treturn coolbpf_open_memory(s->cb, @_object, sizeof(@_object), \"@\");\n"
			 "}\n"
			 "\n"
			 "static inline int @_load(struct @ *s)\n"
			 "{\n"
			 "\treturn coolbpf_load(s->cb);\n"
			 "}\n"
			 "\n"
			 "static inline int @_attach(struct @ *s)\n"
			 "{\n"
			 "\treturn coolbpf_attach(s->cb);\n"
			 "}\n"
			 "\n"
			 "/* Events that came within timeout_ms (-1: wait for one), or a negative errno. */\n"
			 "static inline int @_poll(struct @ *s, int timeout_ms)\n"
			 "{\n"
			 "\treturn coolbpf_poll(s->cb, timeout_ms);\n"
			 "}\n");
}

/* Whatever the text says, it does not end the comment that it stands in. */
static void emit_comment(struct skeleton *s, const char *text)
{
	for (; *text; text++)
		cb_buf_ch(s->out, text[0] == '*' && text[1] == '/' ? '.' : *text);
}

static void emit_params(struct skeleton *s)
{
	struct coolbpf_param p;

	for (size_t i = 0; !coolbpf_param_get(s->cb, i, &p); i++) {
		bool text = btf_is_array(place(s, make_fit(s, p.type_id)));

		cb_buf_str(s->out, "\n/* ");
		emit_comment(s, p.help);
		cb_buf_printf(s->out, " (%s; default: ", p.type);
		emit_comment(s, p.value);
		cb_buf_printf(s->out, ") */\nstatic inline int %s_set_%s(struct %s *s, ", s->name, p.name, s->name);
		if (text) {
			cb_buf_printf(s->out,
				      "const char *text)\n{\n\treturn coolbpf_param_set(s->cb, \"%s\", text);\n}\n",
				      p.name);
		} else {
			emit_declaration(s, p.type_id, "value");
			cb_buf_printf(
				s->out,
				")\n{\n\treturn coolbpf_param_set_value(s->cb, \"%s\", &value, sizeof(value));\n}\n",
				p.name);
		}
	}
}

static void emit_events(struct skeleton *s)
{
	struct coolbpf_event_map ev;

	for (size_t i = 0; !coolbpf_event_map_get(s->cb, i, &ev); i++) {
		cb_buf_printf(s->out,
			      "\nstatic inline int %s_pass_%s(void *ctx, const struct coolbpf_event *event)\n"
			      "{\n"
			      "\tstruct %s *s = (struct %s *)ctx;\n"
			      "\n"
			      "\treturn s->%s_fn(s->%s_ctx, ",
			      s->name, ev.map, s->name, s->name, ev.map, ev.map);
		if (ev.type_id) {
			cb_buf_str(s->out, "(const ");
			emit_declaration(s, ev.type_id, "");
			cb_buf_str(s->out, " *)event->data);\n}\n");
		} else {
			cb_buf_str(s->out, "event);\n}\n");
		}
		cb_buf_printf(s->out,
			      "\nstatic inline int %s_on_%s(struct %s *s, %s_%s_fn fn, void *ctx)\n"
			      "{\n"
			      "\ts->%s_fn = fn;\n"
			      "\ts->%s_ctx = ctx;\n"
			      "\treturn coolbpf_on_event(s->cb, \"%s\", %s_pass_%s, s);\n"
			      "}\n",
			      s->name, ev.map, s->name, s->name, ev.map, ev.map, ev.map, ev.map, s->name, ev.map);
	}
}

static void emit_object(struct skeleton *s)
{
	const unsigned char *data;
	size_t size;

	data = coolbpf_object_data(s->cb, &size);
	cb_buf_printf(s->out, "\nstatic const unsigned char %s_object[%zu] = {", s->name, size);
	for (size_t i = 0; i < size; i++) {
		cb_buf_str(s->out, i % 24 ? "," : i ? ",\n\t" : "\n\t");
		cb_buf_u64(s->out, data[i]);
	}
	cb_buf_str(s->out, "\n};\n");
}

/* ---- The header ------------------------------------------------------------------------------------------------- */

static void emit_header(struct skeleton *s)
{
	emit_template(s, "/* Made by \"coolbpf build --skeleton\" from the tool @. Changes belong into its source. */\n"
			 "#ifndef COOLBPF_SKELETON_@\n"
			 "#define COOLBPF_SKELETON_@\n"
			 "\n"
			 "#include <coolbpf/coolbpf.h>\n"
			 "#include <stdbool.h>\n"
			 "#include <stdint.h>\n"
			 "#include <stdlib.h>\n"
			 "\n"
			 "#ifndef COOLBPF_SKELETON_ASSERT\n"
			 "#ifdef __cplusplus\n"
			 "#define COOLBPF_SKELETON_ASSERT(x) static_assert(x, \"not the layout of the BPF program\")\n"
			 "#else\n"
			 "#define COOLBPF_SKELETON_ASSERT(x) _Static_assert(x, \"not the layout of the BPF program\")\n"
			 "#endif\n"
			 "#endif\n"
			 "\n");
	each_type(s, emit_definition);
	emit_size_checks(s);
	emit_handle(s);
	emit_object(s);
	emit_life(s);
	emit_params(s);
	emit_events(s);
	cb_buf_str(s->out, "\n#endif\n");
}

static int copy_btf(struct skeleton *s)
{
	const void *raw;
	__u32 size;
	int id;

	raw = btf__raw_data(coolbpf_btf(s->cb), &size);
	if (!raw)
		return -ENOMEM;
	s->btf = btf__new(raw, size);
	if (!s->btf)
		return -errno;
	id = btf__add_int(s->btf, "uint64_t", 8, 0);
	if (id < 0)
		return id;
	s->u64_id = (__u32)id;
	s->seen = calloc(btf__type_cnt(s->btf), sizeof(*s->seen));
	if (!s->seen)
		return -ENOMEM;
	each_type(s, fit_type); /* all of them first: the dump remembers names */
	s->dump = btf_dump__new(s->btf, dump_printf, s, NULL);
	return s->dump ? 0 : -errno;
}

int cb_skeleton(struct coolbpf *cb, struct cb_buf *out, struct cb_err *e)
{
	struct skeleton s = {.cb = cb, .out = out};
	int err;

	snprintf(s.name, sizeof(s.name), "%s%s", isdigit((unsigned char)*coolbpf_name(cb)) ? "_" : "",
		 coolbpf_name(cb));
	for (char *c = s.name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	err = copy_btf(&s);
	if (!err)
		emit_header(&s);
	if (!err)
		err = s.err ? s.err : out->failed ? -ENOMEM : 0;
	btf_dump__free(s.dump);
	btf__free(s.btf);
	free(s.seen);
	return err ? cb_fail(e, -err, "cannot write the types of %s as C: %s", coolbpf_name(cb), strerror(-err)) : 0;
}
