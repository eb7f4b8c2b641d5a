// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * map.c - maps: list, lookup, walk, sum.
 *
 * A walk takes batches of entries with one system call where the kernel has them (5.6 for hashes); elsewhere it steps
 * from key to key. Stepping over a hash while others delete from it can restart the walk, so keys are collected first.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"
#include "base/ints.h"
#include "btf/type.h"

enum { BATCH = 256, DEPTH_MAX = 16 };

size_t coolbpf_map_count(const struct coolbpf *cb)
{
	return cb->nmaps;
}

static bool is_percpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static void describe(const struct coolbpf *cb, const struct cb_runtime_map *m, struct coolbpf_map *out)
{
	*out = (struct coolbpf_map){
		.name = bpf_map__name(m->map),
		.type = bpf_map__type(m->map),
		.key_size = bpf_map__key_size(m->map),
		.value_size = bpf_map__value_size(m->map),
		.max_entries = bpf_map__max_entries(m->map),
		.key_type_id = m->key_type_id,
		.value_type_id = m->value_type_id,
		.show = m->show,
		.hist = m->hist,
		.percpu = is_percpu(bpf_map__type(m->map)),
		.internal = m->internal,
		.fd = cb->loaded ? bpf_map__fd(m->map) : -1,
		.map = m->map,
	};
}

int coolbpf_map_get(const struct coolbpf *cb, size_t i, struct coolbpf_map *out)
{
	if (i >= cb->nmaps)
		return -ERANGE;
	describe(cb, &cb->maps[i], out);
	return 0;
}

int coolbpf_map_find(struct coolbpf *cb, const char *name, struct coolbpf_map *out)
{
	const struct cb_runtime_map *m = cb_map_named(cb, name);

	if (!m)
		return -ENOENT;
	describe(cb, m, out);
	return 0;
}

size_t coolbpf_map_value_room(const struct coolbpf_map *m)
{
	int cpus = m->percpu ? libbpf_num_possible_cpus() : 1;

	return m->percpu ? (m->value_size + 7UL) / 8 * 8 * (size_t)(cpus > 0 ? cpus : 1) : m->value_size;
}

/* A map that is there to be read and written. */
static int open_map(struct coolbpf *cb, const char *name, struct coolbpf_map *m)
{
	int err = coolbpf_map_find(cb, name, m);

	if (!err && m->fd < 0)
		return cb_fail(&cb->err, EINVAL, "map %s is not loaded yet", name);
	return err;
}

static int failed(struct coolbpf *cb, const char *what, const char *map, int err)
{
	return err ? cb_fail(&cb->err, -err, "cannot %s map %s: %s", what, map, strerror(-err)) : 0;
}

int coolbpf_map_lookup(struct coolbpf *cb, const char *map, const void *key, void *value)
{
	struct coolbpf_map m;
	int err = open_map(cb, map, &m);

	return err ? err : failed(cb, "look up a key in", map, bpf_map_lookup_elem(m.fd, key, value));
}

int coolbpf_map_update(struct coolbpf *cb, const char *map, const void *key, const void *value, uint64_t flags)
{
	struct coolbpf_map m;
	int err = open_map(cb, map, &m);

	return err ? err : failed(cb, "update", map, bpf_map_update_elem(m.fd, key, value, flags));
}

int coolbpf_map_delete(struct coolbpf *cb, const char *map, const void *key)
{
	struct coolbpf_map m;
	int err = open_map(cb, map, &m);

	return err ? err : failed(cb, "delete from", map, bpf_map_delete_elem(m.fd, key));
}

/* ---- Walking ---------------------------------------------------------------------------------------------------- */

struct walk {
	struct coolbpf_map m;
	size_t room; /* of one value */
	unsigned flags;
	coolbpf_map_fn fn;
	void *ctx;
	char *keys, *values;
	bool seen;    /* something was passed on */
	bool stopped; /* by fn */
};

static int pass_on(struct walk *w, const char *keys, const char *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int err;

		w->seen = true;
		err = w->fn(w->ctx, keys + (size_t)i * w->m.key_size, values + (size_t)i * w->room);
		if (err) {
			w->stopped = true;
			return err;
		}
	}
	return 0;
}

/* -EOPNOTSUPP: this map has no batches, and nothing was passed on. */
static int walk_batches(struct walk *w)
{
	bool take = w->flags & COOLBPF_EACH_DELETE;
	uint32_t batch = BATCH;
	/* for hashes the kernel's position is 4 bytes; for others as large as a key */
	char *position = calloc(1, w->m.key_size > 8 ? w->m.key_size : 8);
	bool first = true;
	int err = 0;

	if (!position)
		return -ENOMEM;
	for (;;) {
		uint32_t n = batch;
		int done;

		if (take)
			done = bpf_map_lookup_and_delete_batch(w->m.fd, first ? NULL : position, position, w->keys,
							       w->values, &n, NULL);
		else
			done = bpf_map_lookup_batch(w->m.fd, first ? NULL : position, position, w->keys, w->values, &n,
						    NULL);
		if (done == -ENOSPC && batch < w->m.max_entries) {
			/* one bucket of the hash holds more than a batch */
			char *keys, *values;

			batch *= 2;
			keys = realloc(w->keys, (size_t)batch * w->m.key_size);
			w->keys = keys ? keys : w->keys;
			values = realloc(w->values, (size_t)batch * w->room);
			w->values = values ? values : w->values;
			if (!keys || !values) {
				err = -ENOMEM;
				break;
			}
			continue;
		}
		if (done && done != -ENOENT) {
			err = w->seen ? done : -EOPNOTSUPP;
			break;
		}
		first = false;
		err = pass_on(w, w->keys, w->values, n);
		if (err || done)
			break;
	}
	free(position);
	return err;
}

/* All keys, each once, in the map's order; *list is malloc'd. A map that others change may send the walk back to its
 * beginning: it ends, too, after far more steps than a map that rests takes. */
static int collect_keys(const struct walk *w, char **list, size_t *n)
{
	size_t cap = BATCH, key_size = w->m.key_size;
	char *keys = malloc(cap * key_size), *previous = malloc(key_size);
	struct cb_hmap known = {0};
	int err = keys && previous ? 0 : -ENOMEM;

	*n = 0;
	for (uint64_t step = 0; !err && step < (uint64_t)w->m.max_entries * 8; step++) {
		char *key = keys + *n * key_size;

		err = bpf_map_get_next_key(w->m.fd, step ? previous : NULL, key);
		if (err)
			break;
		memcpy(previous, key, key_size);
		if (cb_hmap_get(&known, key, key_size))
			continue;
		err = cb_hmap_put(&known, key, key_size, previous);
		if (++*n == cap) {
			char *bigger = realloc(keys, (cap *= 2) * key_size);

			keys = bigger ? bigger : keys;
			err = bigger ? err : -ENOMEM;
		}
	}
	cb_hmap_free(&known);
	free(previous);
	*list = keys;
	return err == -ENOENT ? 0 : err;
}

/* All keys, then their values one by one: an entry that is gone by then is left out. */
static int walk_keys(struct walk *w)
{
	char *keys;
	size_t n;
	int err = collect_keys(w, &keys, &n);

	for (size_t i = 0; !err && i < n; i++) {
		const char *key = keys + i * w->m.key_size;

		if (bpf_map_lookup_elem(w->m.fd, key, w->values))
			continue;
		if (w->flags & COOLBPF_EACH_DELETE)
			bpf_map_delete_elem(w->m.fd, key);
		err = pass_on(w, key, w->values, 1);
	}
	free(keys);
	return err;
}

/* Arrays have every key from 0 on, and nothing can be deleted from them: a taken entry is set to zero. */
static int walk_array(struct walk *w)
{
	char *zero = calloc(1, w->room ? w->room : 1);
	int err = zero ? 0 : -ENOMEM;

	for (uint32_t key = 0; !err && key < w->m.max_entries; key++) {
		err = bpf_map_lookup_elem(w->m.fd, &key, w->values);
		if (!err && (w->flags & COOLBPF_EACH_DELETE))
			err = bpf_map_update_elem(w->m.fd, &key, zero, BPF_ANY);
		if (!err)
			err = pass_on(w, (char *)&key, w->values, 1);
	}
	free(zero);
	return err;
}

int coolbpf_map_each(struct coolbpf *cb, const char *map, unsigned flags, coolbpf_map_fn fn, void *ctx)
{
	struct walk w = {.flags = flags, .fn = fn, .ctx = ctx};
	int err = open_map(cb, map, &w.m);
	bool array = !err && (w.m.type == BPF_MAP_TYPE_ARRAY || w.m.type == BPF_MAP_TYPE_PERCPU_ARRAY);

	if (err)
		return err;
	if (!w.m.key_size || !w.m.value_size)
		return cb_fail(&cb->err, EINVAL, "map %s has no entries to walk", map);
	w.room = coolbpf_map_value_room(&w.m);
	w.keys = malloc((size_t)BATCH * w.m.key_size);
	w.values = malloc((size_t)BATCH * w.room);
	if (!w.keys || !w.values)
		err = -ENOMEM;
	else if (array && (flags & COOLBPF_EACH_DELETE))
		err = walk_array(&w);
	else
		err = walk_batches(&w);
	if (err == -EOPNOTSUPP && !w.seen)
		err = array ? walk_array(&w) : walk_keys(&w);
	free(w.keys);
	free(w.values);
	if (err < 0 && !w.stopped)
		return failed(cb, "read", map, err);
	return err < 0 ? err : 0;
}

/* ---- Per-CPU values --------------------------------------------------------------------------------------------------- */

static void add_int(void *to, const void *from, size_t size)
{
	cb_store_uint(to, size, cb_load_uint(to, size) + cb_load_uint(from, size));
}

static void keep_first(char *to, const char *from, size_t n)
{
	if (cb_is_zero(to, n))
		memcpy(to, from, n);
}

/* The same for a bit field; BTF numbers bits from the end where the machine begins. */
static void keep_first_bits(char *to, const char *from, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		if (to[i / 8] & 1 << (CB_BIG_ENDIAN ? 7 - i % 8 : i % 8))
			return;
	for (uint32_t i = first; i < first + count; i++)
		to[i / 8] = (char)(to[i / 8] | (from[i / 8] & 1 << (CB_BIG_ENDIAN ? 7 - i % 8 : i % 8)));
}

/* Add the value at from to the one at to, by type. */
static void sum_type(const struct btf *btf, uint32_t id, char *to, const char *from, size_t room, int depth)
{
	const struct btf_type *t;
	__s64 size;

	id = cb_btf_resolve(btf, id);
	t = btf__type_by_id(btf, id);
	size = btf__resolve_size(btf, id);
	if (!t || size <= 0 || (size_t)size > room || depth > DEPTH_MAX)
		return;
	if (btf_is_int(t) && size <= 8) {
		/* a bool, or a text's character, is no number to add up */
		if (btf_int_encoding(t) & (BTF_INT_BOOL | BTF_INT_CHAR))
			keep_first(to, from, (size_t)size);
		else
			add_int(to, from, (size_t)size);
	} else if (btf_is_array(t)) {
		const struct btf_array *a = btf_array(t);
		__s64 step = btf__resolve_size(btf, a->type);
		const struct btf_type *elem = btf__type_by_id(btf, cb_btf_resolve(btf, a->type));

		if (elem && btf_is_int(elem) && elem->size == 1) {
			keep_first(to, from, (size_t)size);
			return;
		}
		for (__u32 i = 0; step > 0 && i < a->nelems; i++)
			sum_type(btf, a->type, to + i * step, from + i * step, (size_t)step, depth + 1);
	} else if (btf_is_struct(t)) {
		const struct btf_member *m = btf_members(t);

		for (int i = 0; i < btf_vlen(t); i++) {
			__u32 bits = btf_member_bit_offset(t, (__u32)i);
			__u32 width = btf_member_bitfield_size(t, (__u32)i);

			if (bits / 8 > (size_t)size || (width && (bits + width + 7) / 8 > (size_t)size))
				continue;
			if (width) {
				keep_first_bits(to, from, bits, width);
				continue;
			}
			sum_type(btf, m[i].type, to + bits / 8, from + bits / 8, (size_t)size - bits / 8, depth + 1);
		}
	} else {
		keep_first(to, from, (size_t)size);
	}
}

int coolbpf_map_sum(struct coolbpf *cb, const struct coolbpf_map *m, const void *value, void *out)
{
	size_t step = (m->value_size + 7UL) / 8 * 8;
	int cpus = libbpf_num_possible_cpus();

	if (!m->percpu) {
		memcpy(out, value, m->value_size);
		return 0;
	}
	if (cpus < 0)
		return cb_fail(&cb->err, -cpus, "cannot tell how many CPUs there are");
	memset(out, 0, m->value_size);
	for (int i = 0; i < cpus; i++) {
		const char *from = (const char *)value + step * (size_t)i;

		if (m->value_type_id)
			sum_type(cb->btf, m->value_type_id, out, from, m->value_size, 0);
		else if (m->value_size <= 8)
			add_int(out, from, m->value_size);
		else
			keep_first(out, from, m->value_size);
	}
	return 0;
}

int coolbpf_map_stack(struct coolbpf *cb, const char *map, int32_t id, uint64_t *addrs, size_t max)
{
	struct coolbpf_map m;
	uint64_t *all;
	size_t n;
	int err = open_map(cb, map, &m);

	if (err)
		return err;
	if (m.type != BPF_MAP_TYPE_STACK_TRACE)
		return cb_fail(&cb->err, EINVAL, "map %s holds no stacks", map);
	if (id < 0)
		return cb_fail(&cb->err, ENOENT, "the stack was not recorded: %s", strerror(id < -4095 ? EINVAL : -id));
	all = calloc(1, m.value_size + sizeof(*all));
	if (!all)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	err = bpf_map_lookup_elem(m.fd, &id, all);
	for (n = 0; !err && n < max && n < m.value_size / sizeof(*all) && all[n]; n++)
		addrs[n] = all[n];
	free(all);
	return err ? failed(cb, "look up a stack in", map, err) : (int)n;
}
