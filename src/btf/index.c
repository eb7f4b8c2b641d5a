// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * index.c - see index.h.
 *
 * An index file holds, in this machine's byte order:
 *
 *   header     sizes, the digest, and a sum over the header itself
 *   offsets    of each type, by id (4 bytes each)
 *   buckets    where the names of each bucket begin, and where the last ends
 *   names      {hash, name, type}: those of one bucket beside each other, in the order of their types
 *   marks      of each type, by id (1 byte each)
 *   BTF        as it came (turned, when it was in the other byte order)
 *
 * In the cache stands btf/DIGEST.idx, and for each file that BTF was taken from btf/HASH.of, which holds DIGEST and what
 * changes with that file's content: its key, of which HASH is one. So opening reads some hundred bytes and maps a file,
 * and nothing is digested (the first digest of a process costs a millisecond in OpenSSL alone). Index files are replaced,
 * never written to, so that one which is mapped stays whole.
 */
#include "btf/index.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hmap.h"
#include "base/ints.h"
#include "btf/check.h"
#include "btf/kernel.h"

enum { VERSION = 2, NATIVE = 0x01020304, NOTES_MAX = 64 << 10, BUCKET_MAX = 512 /* a kernel's fullest has some 20 */ };

static const char MAGIC[8] = "CBBTFIX";

struct header {
	char magic[8];
	uint32_t native; /* NATIVE, as this machine writes it */
	uint32_t version;
	uint64_t size; /* of the file */
	uint64_t btf_size;
	uint32_t count, nbuckets, nnames;
	char digest[CB_SHA256_HEX];
	char zero[3];
	uint64_t sum; /* of what stands before it */
};

struct cb_btf_index_name {
	uint32_t hash;
	uint32_t offset; /* of the name, in view.strs */
	uint32_t id : 28, space : 4;
};

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static bool is_called(const struct cb_btf_view *v, const struct cb_btf_index_name *n, uint32_t hash, const char *name,
		      size_t len)
{
	return n->hash == hash && len < v->strs_len - n->offset && !memcmp(v->strs + n->offset, name, len) &&
	       !v->strs[n->offset + len];
}

/* The bucket of a hash: *from to before *to. */
static void bucket_of(const struct cb_btf_index *ix, uint32_t hash, const struct cb_btf_index_name **from,
		      const struct cb_btf_index_name **to)
{
	const uint32_t *bucket = &ix->buckets[hash & (ix->nbuckets - 1)];

	*from = &ix->names[bucket[0]];
	*to = &ix->names[bucket[1]];
}

uint32_t cb_btf_index_named(const struct cb_btf_index *ix, const char *name, size_t len, uint32_t after)
{
	uint32_t hash = cb_btf_name_hash(name, len);
	const struct cb_btf_index_name *n, *to;

	for (bucket_of(ix, hash, &n, &to); n < to; n++)
		if (n->id > after && is_called(&ix->view, n, hash, name, len))
			return n->id;
	return 0;
}

uint32_t cb_btf_index_first(const struct cb_btf_index *ix, uint32_t hash, const char *name, size_t len,
			    enum cb_btf_space space)
{
	const struct cb_btf_index_name *n, *to;

	for (bucket_of(ix, hash, &n, &to); n < to; n++)
		if (n->space == space && is_called(&ix->view, n, hash, name, len))
			return n->id;
	return 0;
}

uint32_t cb_btf_index_before(const struct cb_btf_index *ix, const char *name, enum cb_btf_space space, uint32_t id)
{
	size_t len = strlen(name);
	uint32_t hash = cb_btf_name_hash(name, len), count = 0;
	const struct cb_btf_index_name *n, *to;

	for (bucket_of(ix, hash, &n, &to); n < to && n->id < id; n++)
		count += n->space == space && is_called(&ix->view, n, hash, name, len);
	return count;
}

uint64_t cb_btf_index_size(const struct cb_btf_index *ix, uint32_t id)
{
	return cb_btf_size(&ix->view, ix->offsets, id);
}

/* ---- Making ----------------------------------------------------------------------------------------------------- */

struct maker {
	struct cb_btf_view view;
	struct cb_btf_table table;
	struct cb_btf_index_name *names;
	uint32_t nnames, cap;
	uint32_t *buckets, nbuckets;
	struct cb_err *e;
};

static int add_name(struct maker *m, uint32_t offset, uint32_t id, enum cb_btf_space space)
{
	const char *name = m->view.strs + offset;
	uint32_t hash;

	if (!*name)
		return 0;
	if (m->nnames == m->cap) {
		uint32_t cap = m->cap ? m->cap * 2 : 32768;
		void *names = reallocarray(m->names, cap, sizeof(*m->names));

		if (!names)
			return cb_fail(m->e, ENOMEM, "out of memory");
		m->names = names;
		m->cap = cap;
	}
	hash = cb_btf_name_hash(name, strlen(name));
	m->names[m->nnames++] = (struct cb_btf_index_name){.hash = hash, .offset = offset, .id = id, .space = space};
	return 0;
}

static int add_names_of(struct maker *m, const struct btf_type *t, uint32_t id)
{
	uint16_t vlen = btf_vlen(t);
	int err = 0;

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_name(m, t->name_off, id, CB_BTF_TAGS);
	case BTF_KIND_TYPEDEF:
		return add_name(m, t->name_off, id, CB_BTF_IDENTS);
	case BTF_KIND_FWD:
		return add_name(m, t->name_off, id, CB_BTF_FORWARD);
	case BTF_KIND_ENUM:
		for (uint16_t i = 0; i < vlen && !err; i++)
			err = add_name(m, btf_enum(t)[i].name_off, id, CB_BTF_IDENTS);
		break;
	case BTF_KIND_ENUM64:
		for (uint16_t i = 0; i < vlen && !err; i++)
			err = add_name(m, btf_enum64(t)[i].name_off, id, CB_BTF_IDENTS);
		break;
	default:
		return 0;
	}
	return err ? err : add_name(m, t->name_off, id, vlen ? CB_BTF_TAGS : CB_BTF_FORWARD);
}

/* Names into buckets, which keep the order in which they were added: that of their types. */
static int fill_buckets(struct maker *m)
{
	struct cb_btf_index_name *sorted;
	uint32_t mask, at = 0;

	m->nbuckets = 64;
	while (m->nbuckets < m->nnames && m->nbuckets < 1U << 30)
		m->nbuckets *= 2;
	mask = m->nbuckets - 1;
	m->buckets = calloc(m->nbuckets + 1, sizeof(*m->buckets));
	sorted = malloc((m->nnames + 1) * sizeof(*sorted));
	if (!m->buckets || !sorted) {
		free(sorted);
		return cb_fail(m->e, ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < m->nnames; i++)
		m->buckets[m->names[i].hash & mask]++;
	for (uint32_t i = 0; i <= mask; i++) {
		uint32_t n = m->buckets[i];

		m->buckets[i] = at;
		at += n;
	}
	for (uint32_t i = 0; i < m->nnames; i++)
		sorted[m->buckets[m->names[i].hash & mask]++] = m->names[i];
	/* each is now where the next begins */
	memmove(m->buckets + 1, m->buckets, m->nbuckets * sizeof(*m->buckets));
	m->buckets[0] = 0;
	free(m->names);
	m->names = sorted;
	return 0;
}

/* first: of the bucket of n */
static void mark_double(struct maker *m, const struct cb_btf_index_name *first, const struct cb_btf_index_name *n)
{
	const char *strs = m->view.strs;

	for (; first < n; first++) {
		const struct btf_type *t = (const void *)(m->view.types + m->table.offsets[n->id]);

		if (first->hash != n->hash || first->space != n->space || first->id == n->id ||
		    strcmp(strs + first->offset, strs + n->offset))
			continue;
		if (n->space == CB_BTF_IDENTS && btf_is_any_enum(t))
			m->table.aligns[n->id] |= CB_BTF_VALUE_TWICE;
		else if (n->space != CB_BTF_FORWARD)
			m->table.aligns[n->id] |= CB_BTF_NOT_FIRST;
		return;
	}
}

/* Marks for the second and following types of one name. */
static int mark_doubles(struct maker *m)
{
	for (uint32_t b = 0; b < m->nbuckets; b++) {
		uint32_t from = m->buckets[b], to = m->buckets[b + 1];

		if (to - from > BUCKET_MAX)
			return cb_fail(m->e, EINVAL, "corrupt BTF: %u names that are made to look alike", to - from);
		for (uint32_t i = from; i < to; i++)
			mark_double(m, &m->names[from], &m->names[i]);
	}
	return 0;
}

static int write_parts(const struct maker *m, const void *btf, size_t size, const char *digest, struct cb_buf *out)
{
	struct header h = {
		.native = NATIVE,
		.version = VERSION,
		.btf_size = size,
		.count = m->table.count,
		.nbuckets = m->nbuckets,
		.nnames = m->nnames,
	};
	static const char zeros[8];

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	memcpy(h.digest, digest, sizeof(h.digest));
	cb_buf_add(out, &h, sizeof(h));
	cb_buf_add(out, m->table.offsets, m->table.count * sizeof(*m->table.offsets));
	cb_buf_add(out, m->buckets, (m->nbuckets + 1) * sizeof(*m->buckets));
	cb_buf_add(out, m->names, m->nnames * sizeof(*m->names));
	cb_buf_add(out, m->table.aligns, m->table.count);
	cb_buf_add(out, zeros, -out->len % 8);
	cb_buf_add(out, btf, size);
	if (out->failed)
		return cb_fail(m->e, ENOMEM, "out of memory");
	h.size = out->len;
	h.sum = cb_hash(&h, offsetof(struct header, sum));
	memcpy(out->data, &h, sizeof(h));
	return 0;
}

/* The bytes of an index file for BTF in this machine's byte order. */
static int make(const void *btf, size_t size, const char *digest, struct cb_buf *out, struct cb_err *e)
{
	struct maker m = {.e = e};
	int err = cb_btf_view(btf, size, &m.view, e);

	if (err)
		return err;
	err = cb_btf_check(&m.view, &m.table, e);
	for (uint32_t id = 1; id < m.table.count && !err; id++)
		err = add_names_of(&m, (const void *)(m.view.types + m.table.offsets[id]), id);
	if (!err)
		err = fill_buckets(&m);
	if (!err)
		err = mark_doubles(&m);
	if (!err)
		err = write_parts(&m, btf, size, digest, out);
	cb_btf_table_free(&m.table);
	free(m.names);
	free(m.buckets);
	return err;
}

/* The same from the other byte order, which cb_btf_parse() turns. */
static int make_turned(const void *btf, size_t size, const char *digest, struct cb_buf *out, struct cb_err *e)
{
	struct btf *turned = cb_btf_parse(btf, size, e);
	const void *raw;
	__u32 raw_size;
	int err;

	if (!turned)
		return -errno;
	raw = btf__raw_data(turned, &raw_size);
	err = raw ? make(raw, raw_size, digest, out, e) : cb_fail(e, ENOMEM, "out of memory");
	btf__free(turned);
	return err;
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

/* Find the parts in the bytes of an index; false when it is not one that this version made whole. */
static bool find_parts(struct cb_btf_index *ix, const void *map, size_t size)
{
	const struct header *h = map;
	const uint32_t *words = (const void *)(h + 1);
	uint64_t at = sizeof(*h);

	if (size < sizeof(*h) || memcmp(h->magic, MAGIC, sizeof(MAGIC)) || h->native != NATIVE ||
	    h->version != VERSION || h->size != size || h->sum != cb_hash(h, offsetof(struct header, sum)))
		return false;
	at += (h->count + (uint64_t)h->nbuckets + 1) * sizeof(*words) + (uint64_t)h->nnames * sizeof(*ix->names);
	at += h->count;
	at += -at % 8;
	if (!h->count || !h->nbuckets || at > size || size - at != h->btf_size)
		return false;
	ix->map = map;
	ix->map_size = size;
	ix->count = h->count;
	ix->nbuckets = h->nbuckets;
	ix->offsets = words;
	ix->buckets = ix->offsets + h->count;
	ix->names = (const void *)(ix->buckets + h->nbuckets + 1);
	ix->marks = (const void *)(ix->names + h->nnames);
	ix->btf = (const char *)map + at;
	ix->btf_size = h->btf_size;
	memcpy(ix->digest, h->digest, sizeof(ix->digest));
	return !cb_btf_view(ix->btf, ix->btf_size, &ix->view, NULL);
}

static void *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		*size = (size_t)st.st_size;
		map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static bool is_digest(const char *text)
{
	unsigned char bytes[CB_SHA256];

	return strlen(text) == CB_SHA256_HEX - 1 && cb_unhex(text, bytes, sizeof(bytes));
}

static bool path_of(const char *cache_dir, const char *name, const char *suffix, char path[PATH_MAX])
{
	return cache_dir && snprintf(path, PATH_MAX, "%s/btf/%s%s", cache_dir, name, suffix) < PATH_MAX;
}

int cb_btf_index_find_digest(const char *digest, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e)
{
	char path[PATH_MAX];
	size_t size = 0;
	void *map;

	*ix = (struct cb_btf_index){0};
	if (!is_digest(digest) || !path_of(cache_dir, digest, ".idx", path))
		return cb_fail(e, ENOENT, "there is no BTF with the digest %.64s", digest);
	map = map_file(path, &size);
	if (map && find_parts(ix, map, size) && !strcmp(ix->digest, digest))
		return 0;
	if (map)
		munmap(map, size);
	*ix = (struct cb_btf_index){0};
	return cb_fail(e, ENOENT, "there is no BTF with the digest %s", digest);
}

/* An index in memory that can be unmapped like one in a file. */
static int keep_in_memory(const struct cb_buf *made, struct cb_btf_index *ix, struct cb_err *e)
{
	void *map = MAP_FAILED;

	if (made->data)
		map = mmap(NULL, made->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return cb_fail(e, ENOMEM, "out of memory");
	memcpy(map, made->data, made->len);
	if (find_parts(ix, map, made->len))
		return 0;
	munmap(map, made->len);
	return cb_fail(e, EINVAL, "corrupt BTF");
}

/* Nobody is told when it cannot be kept: then it is made again. */
static bool keep_in_cache(const char *cache_dir, const char *name, const char *suffix, const void *data, size_t len)
{
	char path[PATH_MAX], dir[PATH_MAX];

	return path_of(cache_dir, name, suffix, path) && path_of(cache_dir, "", "", dir) && !cb_mkdirs(dir, NULL) &&
	       !cb_file_write(path, data, len, 0644, NULL);
}

int cb_btf_index_make(const void *btf, size_t size, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e)
{
	char digest[CB_SHA256_HEX];
	struct cb_buf made = {0};
	uint16_t magic = 0;
	int err;

	cb_sha256_hex(btf, size, digest);
	if (!cb_btf_index_find_digest(digest, cache_dir, ix, NULL))
		return 0;
	if (size >= sizeof(magic))
		memcpy(&magic, btf, sizeof(magic));
	err = magic == __builtin_bswap16(BTF_MAGIC) ? make_turned(btf, size, digest, &made, e)
						    : make(btf, size, digest, &made, e);
	if (!err && (!keep_in_cache(cache_dir, digest, ".idx", made.data, made.len) ||
		     cb_btf_index_find_digest(digest, cache_dir, ix, NULL)))
		err = keep_in_memory(&made, ix, e);
	cb_buf_free(&made);
	return err;
}

void cb_btf_index_close(struct cb_btf_index *ix)
{
	if (ix->map)
		munmap((void *)ix->map, ix->map_size);
	*ix = (struct cb_btf_index){0};
}

/* ---- Of a path -------------------------------------------------------------------------------------------------- */

/* What the running kernel is: the build id among its notes, its names, and the size of its BTF. */
static bool key_of_kernel(const struct stat *st, struct cb_buf *key)
{
	struct utsname u;
	char *notes;
	size_t len;

	if (uname(&u) || cb_file_read("/sys/kernel/notes", NOTES_MAX, &notes, &len, NULL))
		return false;
	cb_buf_printf(key, "kernel %s %s %s %lld ", u.release, u.version, u.machine, (long long)st->st_size);
	cb_buf_add(key, notes, len);
	free(notes);
	return true;
}

/* What changes when somebody writes to a file. One that was changed just now could change again within the same tick of
 * the clock that stamps it. */
static bool key_of_file(const struct stat *st, struct cb_buf *key)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!S_ISREG(st->st_mode) || now.tv_sec - st->st_ctim.tv_sec < 2)
		return false;
	cb_buf_printf(key, "file %llu %llu %lld %lld.%ld %lld.%ld", (unsigned long long)st->st_dev,
		      (unsigned long long)st->st_ino, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
		      st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	return true;
}

/* False when nothing says whether the file at path is the one that it was. */
static bool key_of(const char *path, struct cb_buf *key)
{
	struct stat st;

	return !stat(path, &st) && (cb_btf_kernel_is_running(path) ? key_of_kernel(&st, key) : key_of_file(&st, key)) &&
	       !key->failed;
}

static void name_of(const struct cb_buf *key, char name[20])
{
	snprintf(name, 20, "%016" PRIx64, cb_hash(key->data, key->len));
}

static bool open_known(const struct cb_buf *key, const char *cache_dir, struct cb_btf_index *ix)
{
	enum { DIGEST = CB_SHA256_HEX - 1 };
	char path[PATH_MAX], name[20], *said;
	bool found = false;
	size_t len;

	name_of(key, name);
	if (!path_of(cache_dir, name, ".of", path) || cb_file_read(path, DIGEST + key->len, &said, &len, NULL))
		return false;
	if (len == DIGEST + key->len && !memcmp(said + DIGEST, key->data, key->len)) {
		said[DIGEST] = '\0';
		found = !cb_btf_index_find_digest(said, cache_dir, ix, NULL);
	}
	free(said);
	return found;
}

static void keep_known(const struct cb_buf *key, const char *cache_dir, const char *digest)
{
	struct cb_buf text = {0};
	char name[20];

	name_of(key, name);
	cb_buf_str(&text, digest);
	cb_buf_add(&text, key->data, key->len);
	if (!text.failed)
		keep_in_cache(cache_dir, name, ".of", text.data, text.len);
	cb_buf_free(&text);
}

int cb_btf_index_open(const char *path, const char *cache_dir, struct cb_btf_index *ix, struct cb_err *e)
{
	struct cb_buf key = {0};
	bool known = key_of(path, &key);
	struct cb_btf_bytes b;
	int err = 0;

	if (!known || !open_known(&key, cache_dir, ix)) {
		*ix = (struct cb_btf_index){0};
		err = cb_btf_bytes_open(path, &b, e);
		if (!err) {
			err = cb_btf_index_make(b.data, b.size, cache_dir, ix, e);
			cb_btf_bytes_close(&b);
			if (err)
				cb_fail_in(e, err, "%s", path);
			else if (known)
				keep_known(&key, cache_dir, ix->digest);
		}
	}
	cb_buf_free(&key);
	return err;
}
