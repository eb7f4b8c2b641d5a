// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * maps.c - the elements of maps.
 *
 * Clients have room for one value. A map with a value for each CPU gives one for all of them and more, so it is read into
 * memory of our own, and made one value (api.h says how).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "loader.h"

enum {
	PERF_PAGES = 8, /* for each CPU, where the program says nothing */
	ENOTSUPP = 524	/* the kernel's own, which it lets out */
};

/* ---- What maps there are ----------------------------------------------------------------------------------------- */

struct bpf_map *lbc_map_named(const char *name, const char *suffix)
{
	size_t len = strlen(name);
	struct bpf_map *map;

	bpf_object__for_each_map (map, lbc_loader.object) {
		const char *other = bpf_map__name(map);

		if (!strncmp(other, name, len) && !strcmp(other + len, suffix))
			return map;
	}
	return NULL;
}

/* The text of the tag on MAP__lbc_pages, as lbc.h writes it. */
static unsigned int pages_of(const char *map)
{
	const struct btf *btf = bpf_object__btf(lbc_loader.object);
	const char *prefix = "lbc_pages:";
	unsigned long pages = 0, two = PERF_PAGES;

	for (__u32 id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *tag = btf__type_by_id(btf, id), *var;
		const char *text, *name;

		if (btf_kind(tag) != BTF_KIND_DECL_TAG)
			continue;
		var = btf__type_by_id(btf, tag->type);
		text = btf__name_by_offset(btf, tag->name_off);
		name = var ? btf__name_by_offset(btf, var->name_off) : NULL;
		if (text && name && !strncmp(text, prefix, strlen(prefix)) && !strncmp(name, map, strlen(map)) &&
		    !strcmp(name + strlen(map), "__lbc_pages"))
			pages = strtoul(text + strlen(prefix), NULL, 0);
	}
	if (!pages)
		return PERF_PAGES;
	for (two = 1; two * 2 <= pages && two < 1 << 16; two *= 2)
		;
	return (unsigned int)two;
}

static bool is_percpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static bool is_integer(__u32 id, __u32 size)
{
	const struct btf *btf = bpf_object__btf(lbc_loader.object);
	int real = btf ? btf__resolve_type(btf, id) : -1;
	const struct btf_type *t = real > 0 ? btf__type_by_id(btf, (__u32)real) : NULL;

	/* two to a power: 128 bits are no integer here */
	return t && btf_is_int(t) && size <= 8 && !(size & (size - 1));
}

/* lbc.h's LBC_EVENTS sends through a perf buffer where the kernel has no ring buffers (before 5.8). */
static int without_ring(struct bpf_map *map)
{
	int err = bpf_map__set_type(map, BPF_MAP_TYPE_PERF_EVENT_ARRAY);

	if (!err)
		err = bpf_map__set_key_size(map, sizeof(int));
	if (!err)
		err = bpf_map__set_value_size(map, sizeof(int));
	if (!err)
		err = bpf_map__set_max_entries(map, (__u32)lbc_loader.ncpus);
	return err ? lbc_fail(-err, "map %s: this kernel has no ring buffer", bpf_map__name(map)) : 0;
}

int lbc_maps_list(void)
{
	struct lbc_loader *l = &lbc_loader;
	bool rings = false, have_rings = false;
	struct bpf_map *map;
	int n = 0;

	l->ncpus = libbpf_num_possible_cpus();
	if (l->ncpus < 0)
		return lbc_fail(-l->ncpus, "cannot count the CPUs");
	bpf_object__for_each_map (map, l->object) {
		rings = rings || bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF;
		n++;
	}
	have_rings = rings && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) > 0;
	l->maps = calloc(n ? (size_t)n : 1, sizeof(*l->maps));
	if (!l->maps)
		return lbc_fail(ENOMEM, "cannot list the maps");
	bpf_object__for_each_map (map, l->object) {
		struct lbc_map *m = &l->maps[l->nmaps++];

		m->map = map;
		m->pages = pages_of(bpf_map__name(map));
		m->percpu = is_percpu(bpf_map__type(map));
		m->value_stride = (bpf_map__value_size(map) + 7) & ~(size_t)7;
		m->sums = m->percpu && is_integer(bpf_map__btf_value_type_id(map), bpf_map__value_size(map));
		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF && !have_rings && without_ring(map))
			return -EOPNOTSUPP;
	}
	return 0;
}

int lbc_maps_ready(void)
{
	for (int i = 0; i < lbc_loader.nmaps; i++) {
		struct lbc_map *m = &lbc_loader.maps[i];

		m->fd = bpf_map__fd(m->map);
		if (bpf_map__type(m->map) == BPF_MAP_TYPE_RINGBUF)
			m->events.room = lbc_map_named(bpf_map__name(m->map), "__lbc");
	}
	return 0;
}

struct lbc_map *lbc_map_at(const char *function, int id)
{
	if (lbc_loader.object && id >= 0 && id < lbc_loader.nmaps)
		return &lbc_loader.maps[id];
	if (!lbc_loader.object)
		lbc_fail(EINVAL, "%s: nothing is loaded; call lbc_bpf_init() first", function);
	else
		lbc_fail(EINVAL, "%s: there is no map of number %d", function, id);
	return NULL;
}

int lbc_bpf_get_maps_id(char *name)
{
	for (int i = 0; name && i < lbc_loader.nmaps; i++)
		if (!strcmp(bpf_map__name(lbc_loader.maps[i].map), name))
			return i;
	return -1;
}

/* ---- One value for all CPUs -------------------------------------------------------------------------------------- */

static bool is_zero(const unsigned char *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

/* Values wrap around in their own size, as the program's counters do. */
static void add_up(const struct lbc_map *m, const unsigned char *all, void *value)
{
	unsigned long long sum = 0, one;

	for (int cpu = 0; cpu < lbc_loader.ncpus; cpu++) {
		one = 0;
		/* both architectures are little-endian: the low bytes come first */
		memcpy(&one, all + (size_t)cpu * m->value_stride, bpf_map__value_size(m->map));
		sum += one;
	}
	memcpy(value, &sum, bpf_map__value_size(m->map));
}

static void one_for_all(const struct lbc_map *m, const unsigned char *all, void *value)
{
	size_t size = bpf_map__value_size(m->map);

	if (m->sums) {
		add_up(m, all, value);
		return;
	}
	for (int cpu = 0; cpu < lbc_loader.ncpus; cpu++, all += m->value_stride) {
		memcpy(value, all, size);
		if (!is_zero(all, size))
			return;
	}
}

/* ---- The functions of api.h -------------------------------------------------------------------------------------- */

typedef int lookup_fn(int fd, const void *key, void *value, __u64 flags);

static int lookup_with(lookup_fn *lookup, const struct lbc_map *m, const void *key, void *value, __u64 flags)
{
	unsigned char *all;
	int err;

	if (!m->percpu)
		return lookup(m->fd, key, value, flags);
	all = malloc((size_t)lbc_loader.ncpus * m->value_stride);
	if (!all)
		return -ENOMEM;
	err = lookup(m->fd, key, all, flags);
	if (!err)
		one_for_all(m, all, value);
	free(all);
	return err;
}

int lbc_map_lookup_elem_flags(int id, void *key, void *value, unsigned long flags)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	return m ? lookup_with(bpf_map_lookup_elem_flags, m, key, value, flags) : -EINVAL;
}

static int lookup(int fd, const void *key, void *value, __u64 flags)
{
	return bpf_map_lookup_elem(fd, key, value);
}

int lbc_map_lookup_elem(int id, const void *key, void *value)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	return m ? lookup_with(lookup, m, key, value, 0) : -EINVAL;
}

static int lookup_and_delete(int fd, const void *key, void *value, __u64 flags)
{
	int err = bpf_map_lookup_and_delete_elem(fd, key, value);

	/* hash maps can since 5.14; what is added in between is lost */
	if (err != -EINVAL && err != -EOPNOTSUPP && err != -ENOTSUPP)
		return err;
	err = bpf_map_lookup_elem(fd, key, value);
	return err ? err : bpf_map_delete_elem(fd, key);
}

int lbc_map_lookup_and_delete_elem(int id, void *key, void *value)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	return m ? lookup_with(lookup_and_delete, m, key, value, 0) : -EINVAL;
}

int lbc_map_delete_elem(int id, void *key)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	return m ? bpf_map_delete_elem(m->fd, key) : -EINVAL;
}

int lbc_map_update_elem(int id, void *key, void *value)
{
	struct lbc_map *m = lbc_map_at(__func__, id);
	unsigned char *all;
	int err;

	if (!m)
		return -EINVAL;
	if (!m->percpu)
		return bpf_map_update_elem(m->fd, key, value, BPF_ANY);
	all = calloc((size_t)lbc_loader.ncpus, m->value_stride);
	if (!all)
		return -ENOMEM;
	memcpy(all, value, bpf_map__value_size(m->map));
	err = bpf_map_update_elem(m->fd, key, all, BPF_ANY);
	free(all);
	return err;
}

int lbc_map_get_next_key(int id, void *key, void *next_key)
{
	struct lbc_map *m = lbc_map_at(__func__, id);

	return m ? bpf_map_get_next_key(m->fd, key, next_key) : -EINVAL;
}
