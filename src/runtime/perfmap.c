// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * perfmap.c - /tmp/perf-PID.map, in which JIT compilers tell profilers what they have compiled.
 *
 *	3ef414c0 398 LazyCompile:~fib /srv/app.js:1
 *	start    size name to the end of the line (hexadecimal, with or without 0x)
 *
 * The file grows while the process runs, so it is read on from where the last look ended. A compiler uses the room of
 * dead code again: where two lines overlap, the later one is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/symbols.h"

enum {
	PIECE = 256 << 10,
	FILE_MAX_BYTES = 256 << 20,
	NAME_MAX_BYTES = 4096,
};

static const char *hex(const char *p, const char *end, uint64_t *v)
{
	const char *start;
	int digit;

	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	for (start = p, *v = 0; p < end && p - start <= 16 && (digit = cb_hex_digit(*p)) >= 0; p++)
		*v = *v << 4 | (unsigned)digit;
	/* one blank behind it, and 64 bits at most */
	return p > start && p - start <= 16 && p < end && *p == ' ' ? p + 1 : NULL;
}

/* One line without its newline. A line that makes no sense is passed over. */
static int add_line(struct cb_perfmap *m, const char *p, const char *end)
{
	uint64_t start, size;
	size_t len;

	p = hex(p, end, &start);
	p = p ? hex(p, end, &size) : NULL;
	if (!p || p == end || !size || start + size < start)
		return 0;
	if (m->count == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 256;
		struct cb_jitsym *v = reallocarray(m->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->v = v;
		m->cap = cap;
	}
	len = (size_t)(end - p) < NAME_MAX_BYTES ? (size_t)(end - p) : NAME_MAX_BYTES;
	m->v[m->count] = (struct cb_jitsym){
		.start = start, .end = start + size, .name = (uint32_t)m->names.len, .age = m->next_age};
	cb_buf_add(&m->names, p, len);
	cb_buf_ch(&m->names, '\0');
	if (m->names.failed)
		return -ENOMEM;
	if (m->names.len > UINT32_MAX)
		return -EFBIG;
	m->count++;
	m->next_age++;
	return 0;
}

int cb_perfmap_add(struct cb_perfmap *m, const char *text, size_t len, size_t *used)
{
	const char *p = text, *end = text + len, *nl;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		int err = add_line(m, p, nl > p && nl[-1] == '\r' ? nl - 1 : nl);

		if (err)
			return err;
	}
	*used = (size_t)(p - text);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct cb_jitsym *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->age < y->age ? -1 : x->age > y->age;
}

/* The heap holds indices of lines that began before the place we are at; the youngest is on top. */
static void heap_push(uint32_t *heap, size_t *n, const struct cb_jitsym *v, uint32_t x)
{
	size_t i = (*n)++;

	for (; i && v[heap[(i - 1) / 2]].age < v[x].age; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = x;
}

static void heap_pop(uint32_t *heap, size_t *n, const struct cb_jitsym *v)
{
	uint32_t x = heap[--*n];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < *n; i = child) {
		if (child + 1 < *n && v[heap[child + 1]].age > v[heap[child]].age)
			child++;
		if (v[heap[child]].age <= v[x].age)
			break;
		heap[i] = heap[child];
	}
	heap[i] = x;
}

/* Walk along the addresses; at each place the youngest line that covers it counts. A line begins or ends a piece at
 * most twice, so n lines make less than 2n pieces. */
int cb_perfmap_settle(struct cb_perfmap *m)
{
	size_t n = m->count, in_heap = 0, next = 0, made = 0;
	struct cb_jitsym *out = reallocarray(NULL, 2 * n + 1, sizeof(*out));
	uint32_t *heap = reallocarray(NULL, n + 1, sizeof(*heap));
	const struct cb_jitsym *v = m->v;
	uint64_t at = 0;

	if (!out || !heap) {
		free(out);
		free(heap);
		return -ENOMEM;
	}
	if (n)
		qsort(m->v, n, sizeof(*m->v), compare);
	while (next < n || in_heap) {
		const struct cb_jitsym *top;
		uint64_t end;

		if (!in_heap)
			at = v[next].start;
		for (; next < n && v[next].start <= at; next++)
			heap_push(heap, &in_heap, v, (uint32_t)next);
		while (in_heap && v[heap[0]].end <= at)
			heap_pop(heap, &in_heap, v);
		if (!in_heap)
			continue;
		top = &v[heap[0]];
		end = next < n && v[next].start < top->end ? v[next].start : top->end;
		if (made && out[made - 1].age == top->age && out[made - 1].end == at)
			out[made - 1].end = end;
		else
			out[made++] = (struct cb_jitsym){at, end, top->name, top->age};
		at = end;
	}
	free(heap);
	free(m->v);
	m->v = out;
	m->count = made;
	m->cap = 2 * n + 1;
	return 0;
}

static void forget(struct cb_perfmap *m)
{
	m->count = 0;
	m->names.len = 0;
	m->next_age = 0;
	m->read = 0;
}

/* From m->read to the end of the last complete line. */
static bool read_on(struct cb_perfmap *m, int fd, uint64_t size)
{
	char *piece = malloc(PIECE);
	bool more = false;

	while (piece && m->read < size) {
		ssize_t n = pread(fd, piece, PIECE, (off_t)m->read);
		size_t used;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || cb_perfmap_add(m, piece, (size_t)n, &used))
			break;
		if (!used && n < PIECE)
			break;
		more = true;
		m->read += used ? used : PIECE; /* a line without end is passed over */
	}
	free(piece);
	return more;
}

bool cb_perfmap_update(struct cb_perfmap *m, const char *path, uid_t owner)
{
	/* the directory may be everybody's: no link, no pipe or device that would block, nobody else's file */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	bool more = false;
	struct stat st;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_uid == owner || !st.st_uid) &&
	    st.st_size <= FILE_MAX_BYTES) {
		if (st.st_ino != m->inode || (uint64_t)st.st_size < m->read)
			forget(m);
		m->inode = st.st_ino;
		more = read_on(m, fd, (uint64_t)st.st_size);
	}
	close(fd);
	return more && !cb_perfmap_settle(m);
}

const struct cb_jitsym *cb_perfmap_find(const struct cb_perfmap *m, uint64_t addr)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (addr >= m->v[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && addr >= m->v[low].start ? &m->v[low] : NULL;
}

void cb_perfmap_free(struct cb_perfmap *m)
{
	free(m->v);
	cb_buf_free(&m->names);
	*m = (struct cb_perfmap){0};
}
