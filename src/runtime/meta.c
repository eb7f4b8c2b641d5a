// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * meta.c - what lbc.h wrote into the object's BTF.
 *
 * Two passes over the types. The first collects what describes something else: declaration tags on variables and
 * functions, and the variables of the section ".lbc". The second looks up what they describe. The names and forms are
 * those that the comment on top of lbc.h lists.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf/type.h"

static const char *type_str(const struct btf *btf, const struct btf_type *t)
{
	const char *s = btf__name_by_offset(btf, t->name_off);

	return s ? s : "";
}

/* The text behind prefix when the tag has it, else NULL. */
static const char *tag_text(const char *tag, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(tag, prefix, n) ? NULL : tag + n;
}

/* name is base followed by suffix. */
static bool is_about(const char *name, const char *base, const char *suffix)
{
	size_t n = strlen(base);

	return !strncmp(name, base, n) && !strcmp(name + n, suffix);
}

/* Where a variable stands in .rodata; NULL with the sentence set: nowhere. */
static const struct btf_var_secinfo *place_in_rodata(struct coolbpf *cb, const struct btf_type *var)
{
	const struct btf *btf = cb->btf;
	__s32 id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *sec = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_var_secinfo *vsi = sec ? btf_var_secinfos(sec) : NULL;

	for (int i = 0; sec && i < btf_vlen(sec); i++) {
		if (btf__type_by_id(btf, vsi[i].type) != var)
			continue;
		if ((size_t)vsi[i].offset + vsi[i].size <= cb->rodata_size)
			return &vsi[i];
		cb_fail(&cb->err, EINVAL, "the object's BTF is corrupt: parameter %s lies outside .rodata",
			type_str(btf, var));
		return NULL;
	}
	cb_fail(&cb->err, EINVAL, "parameter %s does not stand in .rodata", type_str(btf, var));
	return NULL;
}

static int add_param(struct coolbpf *cb, const struct btf_type *var, const char *help)
{
	const struct btf_var_secinfo *place = place_in_rodata(cb, var);
	struct cb_param *p;
	char type[128];

	if (!place)
		return -EINVAL;
	p = realloc(cb->params, (cb->nparams + 1) * sizeof(*p));
	if (!p)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	cb->params = p;
	p += cb->nparams;
	*p = (struct cb_param){
		.name = type_str(cb->btf, var),
		.help = help,
		.type = strdup(cb_btf_type_name(cb->btf, var->type, type, sizeof(type))),
		.type_id = var->type,
		.offset = place->offset,
		.size = place->size,
	};
	if (!p->type)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	cb->nparams++;
	return 0;
}

/* LBC_SELF: the number by which the kernel knows this process, or 0 inside a container, where it is not to be had. */
static int set_self(struct coolbpf *cb, const struct btf_type *var)
{
	const struct btf_var_secinfo *place = place_in_rodata(cb, var);
	const ino_t initial_pid_namespace = 0xeffffffc; /* PROC_PID_INIT_INO */
	uint32_t pid = (uint32_t)getpid();
	struct stat st;

	if (!place || place->size != sizeof(pid))
		return place ? cb_fail(&cb->err, EINVAL, "LBC_SELF is not a number of 4 bytes") : -EINVAL;
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino == initial_pid_namespace)
		memcpy(cb->rodata + place->offset, &pid, sizeof(pid));
	return 0;
}

static void tag_prog(struct coolbpf *cb, const struct btf_type *func, const char *tag)
{
	const char *name = type_str(cb->btf, func), *text;

	for (size_t i = 0; i < cb->nprogs; i++) {
		struct cb_prog *p = &cb->progs[i];

		if (strcmp(p->name, name))
			continue;
		if ((text = tag_text(tag, "lbc_alternative:")))
			p->group = text;
		else if ((text = tag_text(tag, "lbc_attach:")))
			p->tagged = text;
	}
}

static void tag_map(struct coolbpf *cb, const char *var, const char *tag)
{
	const char *text;

	for (size_t i = 0; i < cb->nmaps; i++) {
		struct cb_runtime_map *m = &cb->maps[i];
		const char *name = bpf_map__name(m->map);

		if (is_about(var, name, "__lbc_show") && (text = tag_text(tag, "lbc_show:")))
			m->show = text;
		else if (is_about(var, name, "__lbc_hist") && (text = tag_text(tag, "lbc_hist:")))
			m->hist = text;
	}
	for (size_t i = 0; i < cb->nevmaps; i++)
		if (is_about(var, bpf_map__name(cb->evmaps[i].map->map), "__lbc_pages") &&
		    (text = tag_text(tag, "lbc_pages:")))
			cb->evmaps[i].pages = (uint32_t)strtoul(text, NULL, 0);
}

static int read_tag(struct coolbpf *cb, const struct btf_type *t)
{
	const struct btf_type *on = btf__type_by_id(cb->btf, t->type);
	const char *tag = type_str(cb->btf, t), *text;

	if (!on || btf_decl_tag(t)->component_idx != -1)
		return 0;
	if (btf_is_func(on)) {
		tag_prog(cb, on, tag);
	} else if (btf_is_var(on)) {
		if ((text = tag_text(tag, "lbc_param:")))
			return add_param(cb, on, text);
		if (!strcmp(tag, "lbc_self"))
			return set_self(cb, on);
		if ((text = tag_text(tag, "lbc_about:")))
			cb->about = text;
		else
			tag_map(cb, type_str(cb->btf, on), tag);
	}
	return 0;
}

/* MAP__lbc_event: a pointer to the type of the map's events. */
static void read_event_var(struct coolbpf *cb, const struct btf_type *var)
{
	const char *name = type_str(cb->btf, var);

	for (size_t i = 0; i < cb->nevmaps; i++) {
		struct cb_evmap *m = &cb->evmaps[i];
		const struct btf_type *t;

		if (!is_about(name, bpf_map__name(m->map->map), "__lbc_event"))
			continue;
		t = btf__type_by_id(cb->btf, cb_btf_resolve(cb->btf, var->type));
		if (t && btf_is_ptr(t))
			m->type_id = t->type;
	}
}

/* An event map that says nothing of its events: if the object has a struct of the name that everybody gives it, that. */
static void guess_event_type(struct coolbpf *cb, struct cb_evmap *m)
{
	__s32 id = btf__find_by_name_kind(cb->btf, "event", BTF_KIND_STRUCT);

	if (!m->type_id && id > 0 && cb->nevmaps == 1)
		m->type_id = (uint32_t)id;
}

static int finish_event_map(struct coolbpf *cb, struct cb_evmap *m)
{
	const char *name = bpf_map__name(m->map->map);

	guess_event_type(cb, m);
	if (m->type_id) {
		__s64 size = btf__resolve_size(cb->btf, m->type_id);

		if (size < 0 || size > UINT32_MAX)
			return cb_fail(&cb->err, EINVAL,
				       "the object's BTF is corrupt: the events of map %s have no size", name);
		m->type_size = (uint32_t)size;
	}
	for (size_t i = 0; i < cb->nmaps; i++) {
		if (!is_about(bpf_map__name(cb->maps[i].map), name, "__lbc"))
			continue;
		cb->maps[i].internal = true;
		if (bpf_map__type(cb->maps[i].map) == BPF_MAP_TYPE_PERCPU_ARRAY &&
		    bpf_map__value_size(cb->maps[i].map) >= sizeof(uint64_t))
			m->room = &cb->maps[i];
	}
	return 0;
}

static int list_progs(struct coolbpf *cb)
{
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program (prog, cb->obj)
		n++;
	cb->nprogs = 0;
	cb->progs = calloc(n ? n : 1, sizeof(*cb->progs));
	if (!cb->progs)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	bpf_object__for_each_program (prog, cb->obj) {
		struct cb_prog *p = &cb->progs[cb->nprogs++];
		__s32 id = btf__find_by_name_kind(cb->btf, bpf_program__name(prog), BTF_KIND_FUNC);

		p->prog = prog;
		p->name = bpf_program__name(prog);
		p->section = bpf_program__section_name(prog);
		/* libbpf has taken the '?' off the section's name and remembers it so */
		p->optional = !bpf_program__autoload(prog);
		p->group = "";
		p->func_id = id > 0 ? (uint32_t)id : 0;
	}
	return 0;
}

static int list_maps(struct coolbpf *cb)
{
	struct bpf_map *map;
	size_t n = 0;

	bpf_object__for_each_map (map, cb->obj)
		n++;
	cb->nmaps = cb->nevmaps = 0;
	cb->maps = calloc(n ? n : 1, sizeof(*cb->maps));
	cb->evmaps = calloc(n ? n : 1, sizeof(*cb->evmaps));
	if (!cb->maps || !cb->evmaps)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	bpf_object__for_each_map (map, cb->obj) {
		struct cb_runtime_map *m = &cb->maps[cb->nmaps++];
		enum bpf_map_type type = bpf_map__type(map);

		*m = (struct cb_runtime_map){
			.map = map,
			.show = "",
			.hist = "",
			.internal = bpf_map__is_internal(map),
			.key_type_id = bpf_map__btf_key_type_id(map),
			.value_type_id = bpf_map__btf_value_type_id(map),
		};
		if (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			cb->evmaps[cb->nevmaps++] = (struct cb_evmap){
				.map = m,
				.ring = type == BPF_MAP_TYPE_RINGBUF,
				.cb = cb,
			};
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct cb_param *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

int cb_meta_read(struct coolbpf *cb)
{
	__u32 n = btf__type_cnt(cb->btf);
	int err = list_progs(cb);

	if (!err)
		err = list_maps(cb);
	for (__u32 id = 1; !err && id < n; id++) {
		const struct btf_type *t = btf__type_by_id(cb->btf, id);

		if (btf_is_decl_tag(t))
			err = read_tag(cb, t);
		else if (btf_is_var(t))
			read_event_var(cb, t);
	}
	for (size_t i = 0; !err && i < cb->nevmaps; i++)
		err = finish_event_map(cb, &cb->evmaps[i]);
	if (!err && cb->nparams)
		qsort(cb->params, cb->nparams, sizeof(*cb->params), by_offset);
	return err;
}

long cb_prog_find(struct coolbpf *cb, const char *name)
{
	if (!cb->nprogs) {
		cb_fail(&cb->err, EINVAL, "no object has been opened");
		return -1;
	}
	for (size_t i = 0; i < cb->nprogs; i++)
		if (!strcmp(cb->progs[i].name, name))
			return (long)i;
	cb_fail(&cb->err, ENOENT, "there is no program %s; there is", name);
	for (size_t i = 0; i < cb->nprogs; i++)
		cb_fail_more(&cb->err, 0, "%s %s", i ? "," : "", cb->progs[i].name);
	return -1;
}

struct cb_runtime_map *cb_map_named(struct coolbpf *cb, const char *name)
{
	const char *between = "";

	for (size_t i = 0; i < cb->nmaps; i++)
		if (!strcmp(bpf_map__name(cb->maps[i].map), name))
			return &cb->maps[i];
	cb_fail(&cb->err, ENOENT, "there is no map %s; there is", name);
	for (size_t i = 0; i < cb->nmaps; i++) {
		if (cb->maps[i].internal)
			continue;
		cb_fail_more(&cb->err, 0, "%s %s", between, bpf_map__name(cb->maps[i].map));
		between = ",";
	}
	if (!*between)
		cb_fail_more(&cb->err, 0, " none");
	return NULL;
}

size_t coolbpf_program_count(const struct coolbpf *cb)
{
	return cb->nprogs;
}

int coolbpf_program_get(const struct coolbpf *cb, size_t i, struct coolbpf_program *out)
{
	const struct cb_prog *p;

	if (i >= cb->nprogs)
		return -ERANGE;
	p = &cb->progs[i];
	*out = (struct coolbpf_program){
		.name = p->name,
		.section = p->section,
		.hook = p->hook ? p->hook : "",
		.group = p->group,
		.loaded = cb->loaded && !p->skip,
		.attached = p->attached,
		.reason = p->reason ? p->reason : "",
		.prog = p->prog,
	};
	return 0;
}

int coolbpf_program_target(struct coolbpf *cb, const char *program, const char *target)
{
	long i = cb_prog_find(cb, program);
	char *copy;

	if (i < 0)
		return -ENOENT;
	if (cb->loaded)
		return cb_fail(&cb->err, EBUSY, "the target of %s must be set before the load", program);
	copy = strdup(target ? target : "");
	if (!copy)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	free(cb->progs[i].given);
	cb->progs[i].given = copy;
	return 0;
}
