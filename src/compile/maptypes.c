// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * maptypes.c - see maptypes.h.
 *
 * A map is a variable of the section .maps, whose type is a structure: a member's type says its value, by lbc.h's (that
 * is libbpf's) way. "type" and the like point to an array with as many elements, "key" and "value" to the type.
 */
#include "compile/maptypes.h"

#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "btf/type.h"
#include "compile/cdecl.h"

struct map_def {
	const char *name;
	__u32 type;
	__u32 key, value;	    /* BTF ids, or 0 */
	__u32 key_size, value_size; /* as given beside or instead of them */
};

struct writer {
	const struct btf *btf;
	struct cb_cdecl cdecl;
	json_t *maps;
	unsigned int nevents; /* maps that carry events */
	struct cb_err *err;
};

static const char *str(const struct btf *btf, __u32 offset)
{
	const char *s = btf__name_by_offset(btf, offset);

	return s ? s : "";
}

static bool is_about(const char *name, const char *map, const char *suffix)
{
	size_t n = strlen(map);

	return !strncmp(name, map, n) && !strcmp(name + n, suffix);
}

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "out of memory");
}

/* ---- Definitions -------------------------------------------------------------------------------------------------- */

/* What a member's type points to, or NULL. */
static const struct btf_type *pointed(const struct btf *btf, __u32 member, __u32 *id)
{
	const struct btf_type *t = btf__type_by_id(btf, cb_btf_resolve(btf, member));

	if (!t || !btf_is_ptr(t))
		return NULL;
	*id = t->type;
	return btf__type_by_id(btf, t->type);
}

static void read_member(const struct btf *btf, const struct btf_member *m, struct map_def *def)
{
	const char *name = str(btf, m->name_off);
	__u32 id, n;
	const struct btf_type *t = pointed(btf, m->type, &id);

	if (!t)
		return;
	if (!strcmp(name, "key"))
		def->key = id;
	else if (!strcmp(name, "value"))
		def->value = id;
	if (!btf_is_array(t))
		return;
	n = btf_array(t)->nelems;
	if (!strcmp(name, "type"))
		def->type = n;
	else if (!strcmp(name, "key_size"))
		def->key_size = n;
	else if (!strcmp(name, "value_size"))
		def->value_size = n;
}

/* False: no map. */
static bool read_def(const struct btf *btf, __u32 var_id, struct map_def *def)
{
	const struct btf_type *var = btf__type_by_id(btf, var_id), *t;

	if (!var || !btf_is_var(var))
		return false;
	*def = (struct map_def){.name = str(btf, var->name_off)};
	t = btf__type_by_id(btf, cb_btf_resolve(btf, var->type));
	if (!t || !btf_is_struct(t))
		return false;
	for (int i = 0; i < btf_vlen(t); i++)
		read_member(btf, btf_members(t) + i, def);
	return true;
}

static bool carries_events(const struct map_def *def)
{
	return def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || def->type == BPF_MAP_TYPE_RINGBUF;
}

/* ---- What lbc.h says of a map ------------------------------------------------------------------------------------- */

/* The base of a map's histogram: "log2", "log10", or "". */
static const char *hist_of(const struct btf *btf, const char *map)
{
	const char *prefix = "lbc_hist:";

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *tag = btf__type_by_id(btf, id), *var;
		const char *text = str(btf, tag->name_off);

		if (!btf_is_decl_tag(tag) || strncmp(text, prefix, strlen(prefix)))
			continue;
		var = btf__type_by_id(btf, tag->type);
		if (var && btf_is_var(var) && is_about(str(btf, var->name_off), map, "__lbc_hist"))
			return text + strlen(prefix);
	}
	return "";
}

/* The type of a map's events, by the variable MAP__lbc_event; 0: not said. */
static __u32 event_of(const struct writer *w, const char *map)
{
	__u32 id;
	__s32 guess;

	for (__u32 i = 1; i < btf__type_cnt(w->btf); i++) {
		const struct btf_type *var = btf__type_by_id(w->btf, i);

		if (btf_is_var(var) && is_about(str(w->btf, var->name_off), map, "__lbc_event") &&
		    pointed(w->btf, var->type, &id))
			return id;
	}
	/* as the runtime does: the name that everybody gives it */
	guess = btf__find_by_name_kind(w->btf, "event", BTF_KIND_STRUCT);
	return w->nevents == 1 && guess > 0 ? (__u32)guess : 0;
}

static const char *client_type(const struct btf *btf, const struct map_def *def)
{
	const char *hist = hist_of(btf, def->name);

	if (!strcmp(hist, "log2"))
		return "hist2";
	if (!strcmp(hist, "log10"))
		return "hist10";
	switch (def->type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_RINGBUF:
		return "event";
	case BPF_MAP_TYPE_HASH:
		return "hash";
	case BPF_MAP_TYPE_ARRAY:
		return "array";
	case BPF_MAP_TYPE_LRU_HASH:
		return "lruHash";
	case BPF_MAP_TYPE_PERCPU_HASH:
		return "perHash";
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return "perArray";
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return "lruPerHash";
	case BPF_MAP_TYPE_STACK_TRACE:
		return "stack";
	}
	return NULL;
}

/* ---- Writing ------------------------------------------------------------------------------------------------------ */

/* A type that only its size is known of. */
static void sized(struct cb_buf *out, __u32 size, bool words)
{
	if (size == 4)
		cb_buf_str(out, "unsigned int");
	else if (size == 8)
		cb_buf_str(out, "unsigned long long");
	else if (words && size % 8 == 0)
		cb_buf_printf(out, "unsigned long long[%u]", size / 8);
	else
		cb_buf_printf(out, "unsigned char[%u]", size ? size : 1);
}

/* The two names of a key or value, into the map's entry: f is cffi's. */
static int put_type(struct writer *w, json_t *entry, const struct map_def *def, bool key, __u32 id, __u32 size)
{
	const char *what = key ? "key" : "value";
	char tag[160], plain[256];
	struct cb_buf name = {0};
	int err = 0;

	snprintf(tag, sizeof(tag), "%.128s_%s", def->name, what);
	if (id)
		err = cb_cdecl_type(&w->cdecl, id, tag, &name);
	else
		sized(&name, size, def->type == BPF_MAP_TYPE_STACK_TRACE && !key);
	if (err)
		cb_fail_in(w->err, err, "map %s: its %s", def->name, what);
	else if (json_object_set_new(entry, key ? "fktype" : "fvtype", json_string(cb_buf_cstr(&name))) ||
		 json_object_set_new(
			 entry, key ? "ktype" : "vtype",
			 json_string(id ? cb_btf_type_name(w->btf, id, plain, sizeof(plain)) : cb_buf_cstr(&name))) ||
		 name.failed)
		err = no_memory(w->err);
	cb_buf_free(&name);
	return err;
}

static int put_map(struct writer *w, const struct map_def *def, const char *type)
{
	json_t *entry = json_object();
	int err = 0;

	/* the entry is the maps' from here on */
	if (!entry || json_object_set_new(entry, "type", json_string(type)) ||
	    json_object_set(w->maps, def->name, entry))
		err = no_memory(w->err);
	if (!err && carries_events(def)) {
		if (json_object_set_new(entry, "fktype", json_string("")) ||
		    json_object_set_new(entry, "ktype", json_null()))
			err = no_memory(w->err);
		else
			err = put_type(w, entry, def, false, event_of(w, def->name), 0);
	} else if (!err) {
		err = put_type(w, entry, def, true, def->key, def->key_size);
		if (!err)
			err = put_type(w, entry, def, false, def->value, def->value_size);
	}
	json_decref(entry);
	return err;
}

static const struct btf_type *maps_section(const struct btf *btf)
{
	__s32 id = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);

	return id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
}

/* NAME__lbc is what LBC_EVENTS(NAME) adds for its own use. */
static bool is_internal(const struct btf *btf, const char *name)
{
	const struct btf_type *sec = maps_section(btf);
	struct map_def def;

	for (int i = 0; i < btf_vlen(sec); i++)
		if (read_def(btf, btf_var_secinfos(sec)[i].type, &def) && carries_events(&def) &&
		    is_about(name, def.name, "__lbc"))
			return true;
	return false;
}

static int put_maps(struct writer *w)
{
	const struct btf_type *sec = maps_section(w->btf);
	struct map_def def;
	int err = 0;

	for (int i = 0; sec && i < btf_vlen(sec); i++)
		w->nevents += read_def(w->btf, btf_var_secinfos(sec)[i].type, &def) && carries_events(&def);
	for (int i = 0; !err && sec && i < btf_vlen(sec); i++) {
		const char *type;

		if (!read_def(w->btf, btf_var_secinfos(sec)[i].type, &def))
			continue;
		type = client_type(w->btf, &def);
		if (type && !is_internal(w->btf, def.name))
			err = put_map(w, &def, type);
	}
	return err;
}

/* Which of several programs fits this kernel is chosen by libcoolbpf; this loader would attach them all. */
static int refuse_alternatives(const struct btf *btf, struct cb_err *e)
{
	const char *prefix = "lbc_alternative:";

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *tag = btf__type_by_id(btf, id);

		if (btf_is_decl_tag(tag) && !strncmp(str(btf, tag->name_off), prefix, strlen(prefix)))
			return cb_fail(e, ENOTSUP,
				       "the format .so knows no alternatives among programs, and this object has some "
				       "(LBC_ALTERNATIVE)");
	}
	return 0;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int put_text(json_t *root, const char *key, const char *text, struct cb_err *e)
{
	json_t *value = json_string(or_empty(text));

	if (!value)
		return cb_fail(e, EINVAL, "%s of a .so is not UTF-8", key);
	return json_object_set_new(root, key, value) ? no_memory(e) : 0;
}

int cb_map_types(const struct btf *btf, const struct cb_so_meta *meta, char **json, struct cb_err *e)
{
	struct writer w = {.btf = btf, .maps = json_object(), .err = e};
	json_t *root = json_object();
	int err = refuse_alternatives(btf, e);

	*json = NULL;
	cb_cdecl_init(&w.cdecl, btf, e);
	if (!err && (!root || !w.maps))
		err = no_memory(e);
	if (!err)
		err = put_text(root, "hash", meta->hash, e);
	if (!err)
		err = put_text(root, "arch", meta->arch, e);
	if (!err)
		err = put_text(root, "kern_version", meta->kern_version, e);
	if (!err)
		err = put_maps(&w);
	if (!err && (json_object_set(root, "maps", w.maps) ||
		     json_object_set_new(root, "ffi", json_string(cb_buf_cstr(&w.cdecl.text))) || w.cdecl.text.failed))
		err = no_memory(e);
	if (!err) {
		*json = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
		if (!*json)
			err = no_memory(e);
	}
	json_decref(w.maps);
	json_decref(root);
	cb_cdecl_free(&w.cdecl);
	return err;
}
