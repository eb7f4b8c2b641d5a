// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * minimise.c - see minimise.h.
 *
 * libbpf copies the kernel's 5 MB of BTF, indexes its 150,000 types and compares the name of each with each type that
 * the object asks about. What an object's relocations look at is some hundred types. This takes them out in one pass:
 *
 *   seeds      the names of the types that the relocations ask about                               (seeds.c)
 *   pass       remember where each type stands; take every type that answers a seed, flavours too, because libbpf
 *              compares all of them and refuses when they contradict each other
 *   closure    what a taken type contains by value: members, elements, what is behind typedefs and const. No relocation
 *              looks through a pointer, so that a pointer becomes void *, and a function type one without parameters
 *   write      the taken types, in their old order, with new ids
 *
 * Members are never left out: whether an array is the last member decides if libbpf takes it for one without an end.
 * Integers are all kept: libbpf learns a pointer's size from "long".
 */
#include "btf/minimise.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "btf/bytes.h"
#include "btf/seeds.h"

enum { NAMES_SLACK = 64 << 10 };

struct minimiser {
	struct cb_btf_view in;
	struct cb_btf_seeds seeds;
	uint32_t *offset; /* of type id, in in.types; [0] is not used */
	uint32_t count;	  /* ids are 1 to count - 1 */
	uint32_t *new_id; /* 0: not taken */
	uint32_t *taken;  /* ids, a queue while the closure grows */
	size_t ntaken, taken_cap;
	struct cb_buf types, strs;
	struct cb_err *e;
};

static const struct btf_type *type_of(const struct minimiser *m, uint32_t id)
{
	return (const void *)(m->in.types + m->offset[id]);
}

static int take(struct minimiser *m, uint32_t id)
{
	if (id >= m->count)
		return cb_fail(m->e, EINVAL, "corrupt BTF: type %u is named and not there", id);
	if (!id || m->new_id[id])
		return 0;
	if (m->ntaken == m->taken_cap) {
		size_t cap = m->taken_cap ? m->taken_cap * 2 : 512;
		uint32_t *taken = reallocarray(m->taken, cap, sizeof(*taken));

		if (!taken)
			return cb_fail(m->e, ENOMEM, "out of memory");
		m->taken = taken;
		m->taken_cap = cap;
	}
	m->new_id[id] = 1; /* the real one follows when all are known */
	m->taken[m->ntaken++] = id;
	return 0;
}

/* Memory for a number per type: as many as there may be, of which only what is used is touched. */
static int find_roots(struct minimiser *m)
{
	size_t most = m->in.types_len / sizeof(struct btf_type) + 1, at = 0, here;
	const struct btf_type *t;
	int err = 0;

	m->offset = malloc(most * sizeof(*m->offset));
	m->new_id = calloc(most, sizeof(*m->new_id));
	if (!m->offset || !m->new_id)
		return cb_fail(m->e, ENOMEM, "out of memory");
	m->count = 1;
	for (here = 0; (t = cb_btf_next(&m->in, &at)) && !err; here = at) {
		const char *name = cb_btf_name(&m->in, t->name_off);
		struct cb_btf_seed *seed = NULL;
		int kind = btf_kind(t);

		m->offset[m->count++] = (uint32_t)here;
		if (!name)
			return cb_fail(m->e, EINVAL, "corrupt BTF: the name of type %u is not there", m->count - 1);
		if (*name && kind != BTF_KIND_FUNC)
			seed = cb_btf_seeds_find(&m->seeds, kind, name);
		if (seed)
			seed->found = true;
		if (seed || kind == BTF_KIND_INT)
			err = take(m, m->count - 1);
	}
	if (!err && at != m->in.types_len)
		err = cb_fail(m->e, ENOTSUP, "BTF of a kind that is not known, or cut, after type %u", m->count - 1);
	return err;
}

static int close_over(struct minimiser *m)
{
	for (size_t i = 0; i < m->ntaken; i++) {
		const struct btf_type *t = type_of(m, m->taken[i]);
		int err = 0;

		switch (btf_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			for (uint16_t k = 0; k < btf_vlen(t) && !err; k++)
				err = take(m, btf_members(t)[k].type);
			break;
		case BTF_KIND_ARRAY:
			err = take(m, btf_array(t)->type);
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			err = take(m, t->type);
			break;
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FWD:
		case BTF_KIND_PTR:
		case BTF_KIND_FUNC_PROTO:
			break;
		default:
			err = cb_fail(m->e, EINVAL, "corrupt BTF: type %u cannot be part of another", m->taken[i]);
		}
		if (err)
			return err;
	}
	return 0;
}

/* The new offset of a name; 0 for none. */
static int move_name(struct minimiser *m, uint32_t *offset)
{
	const char *name = cb_btf_name(&m->in, *offset);

	if (!name)
		return cb_fail(m->e, EINVAL, "corrupt BTF: the name at %u is not there", *offset);
	/* names are not shared here as they are in the kernel's; that matters only for a part as large as the whole */
	if (m->strs.len > m->in.strs_len + NAMES_SLACK)
		return cb_fail(m->e, ENOTSUP, "the object needs most of the BTF");
	*offset = *name ? (uint32_t)m->strs.len : 0;
	if (*name)
		cb_buf_add(&m->strs, name, strlen(name) + 1);
	return 0;
}

/* t is a whole type of its own at the end of m->types. */
static int adapt(struct minimiser *m, struct btf_type *t)
{
	int err = move_name(m, &t->name_off);
	uint16_t vlen = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < vlen && !err; i++) {
			struct btf_member *member = &btf_members(t)[i];

			member->type = m->new_id[member->type];
			err = move_name(m, &member->name_off);
		}
		break;
	case BTF_KIND_ENUM:
		for (uint16_t i = 0; i < vlen && !err; i++)
			err = move_name(m, &btf_enum(t)[i].name_off);
		break;
	case BTF_KIND_ENUM64:
		for (uint16_t i = 0; i < vlen && !err; i++)
			err = move_name(m, &btf_enum64(t)[i].name_off);
		break;
	case BTF_KIND_ARRAY:
		btf_array(t)->type = m->new_id[btf_array(t)->type];
		btf_array(t)->index_type = 0; /* no relocation asks */
		break;
	case BTF_KIND_PTR:
		t->type = 0;
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		t->type = m->new_id[t->type];
		break;
	default:
		break;
	}
	return err;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int write_types(struct minimiser *m)
{
	static const struct btf_type function = {.info = BTF_KIND_FUNC_PROTO << 24};
	int err = 0;

	if (m->ntaken)
		qsort(m->taken, m->ntaken, sizeof(*m->taken), by_number);
	for (size_t i = 0; i < m->ntaken; i++)
		m->new_id[m->taken[i]] = (uint32_t)i + 1;
	cb_buf_ch(&m->strs, '\0');
	for (size_t i = 0; i < m->ntaken && !err; i++) {
		const struct btf_type *t = type_of(m, m->taken[i]);
		size_t from = m->offset[m->taken[i]], end = from, at = m->types.len;

		if (btf_is_func_proto(t)) {
			cb_buf_add(&m->types, &function, sizeof(function));
			continue;
		}
		cb_btf_next(&m->in, &end);
		cb_buf_add(&m->types, t, end - from);
		if (m->types.failed)
			break;
		err = adapt(m, (void *)(m->types.data + at));
	}
	return err;
}

static int finish(struct minimiser *m, void **btf, size_t *size)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = (uint32_t)m->types.len,
		.str_off = (uint32_t)m->types.len,
		.str_len = (uint32_t)m->strs.len,
	};
	struct cb_buf out = {0};

	cb_buf_add(&out, &h, sizeof(h));
	cb_buf_add(&out, m->types.data, m->types.len);
	cb_buf_add(&out, m->strs.data, m->strs.len);
	if (m->types.failed || m->strs.failed || out.failed) {
		cb_buf_free(&out);
		return cb_fail(m->e, ENOMEM, "out of memory");
	}
	*btf = out.data;
	*size = out.len;
	return 0;
}

/* libbpf looks into the BTF of modules for a type that the kernel proper does not have. That of the ring buffer, by which
 * lbc.h decides how events travel, is never in a module. */
static int no_module_needed(const struct minimiser *m)
{
	for (size_t i = 0; i < m->seeds.n; i++) {
		const struct cb_btf_seed *s = &m->seeds.list[i];

		if (!s->found && strcmp(s->name, "bpf_ringbuf"))
			return cb_fail(m->e, ENOTSUP, "the type %s may be in a kernel module", s->name);
	}
	return 0;
}

static int minimise(struct minimiser *m, const void *data, size_t size, bool modules, void **btf, size_t *btf_size)
{
	int err = cb_btf_view(data, size, &m->in, m->e);

	if (!err)
		err = find_roots(m);
	if (!err && modules)
		err = no_module_needed(m);
	if (!err)
		err = close_over(m);
	if (!err)
		err = write_types(m);
	if (!err)
		err = finish(m, btf, btf_size);
	free(m->offset);
	free(m->new_id);
	free(m->taken);
	cb_buf_free(&m->types);
	cb_buf_free(&m->strs);
	return err;
}

int cb_btf_minimise_bytes(const void *object, size_t object_size, const void *data, size_t size, bool modules,
			  void **btf, size_t *btf_size, struct cb_err *e)
{
	struct minimiser m = {.e = e};
	int err = cb_btf_seeds_of(object, object_size, &m.seeds, e);

	*btf = NULL;
	*btf_size = 0;
	if (!err && m.seeds.n)
		err = minimise(&m, data, size, modules, btf, btf_size);
	cb_btf_seeds_free(&m.seeds);
	return err;
}

/* Does the running kernel have modules with BTF? */
static bool modules_have_btf(void)
{
	DIR *dir = opendir("/sys/kernel/btf");
	const struct dirent *d;
	bool found = false;

	while (dir && !found && (d = readdir(dir)))
		found = d->d_name[0] != '.' && strcmp(d->d_name, "vmlinux") != 0;
	if (dir)
		closedir(dir);
	return found;
}

int cb_btf_minimise(const void *object, size_t object_size, const char *kernel_btf_path, void **btf, size_t *btf_size,
		    struct cb_err *e)
{
	struct minimiser m = {.e = e};
	struct cb_btf_bytes b = {0};
	int err = cb_btf_seeds_of(object, object_size, &m.seeds, e);

	*btf = NULL;
	*btf_size = 0;
	if (!err && m.seeds.n) {
		err = cb_btf_bytes_open(kernel_btf_path, &b, e);
		if (!err) {
			/* a file that the user names is all there is: libbpf does not look further then either */
			bool modules = !strcmp(kernel_btf_path, "/sys/kernel/btf/vmlinux") && modules_have_btf();

			err = minimise(&m, b.data, b.size, modules, btf, btf_size);
			if (err)
				cb_fail_in(e, err, "%s", kernel_btf_path);
		}
		cb_btf_bytes_close(&b);
	}
	cb_btf_seeds_free(&m.seeds);
	return err;
}
