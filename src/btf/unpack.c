// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * unpack.c - see unpack.h. Each streaming library's loop is the same: give it room, let it fill that, until it says that its stream
 * is at its end; one that neither takes nor gives any more wants input that is not there.
 */
#include "btf/unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	ROOM = 1 << 20,
	/* xz's strongest preset has a dictionary of 64 MiB, the kernel's scripts/xz_wrap.sh one of 128 MiB at most */
	XZ_MEMORY = 192 << 20,
	ZSTD_WINDOW_LOG = 27, /* zstd -22 --ultra, as the kernel's Makefile calls it */
};

/* One stream on its way out of its compression. */
struct flow {
	const char *in;
	size_t in_len;
	struct cb_buf *out;
	size_t start, max; /* out->len before, and how many bytes may come */
};

/* Room for the next step; 0 or a negative errno. */
static int make_room(const struct flow *f)
{
	if (f->out->len - f->start > f->max)
		return -EFBIG;
	return cb_buf_reserve(f->out, ROOM) ? 0 : -ENOMEM;
}

static char *room_at(const struct flow *f)
{
	return f->out->data + f->out->len;
}

static int unpack_gzip(struct flow *f)
{
	z_stream z = {.next_in = (Bytef *)f->in, .avail_in = (uInt)f->in_len};
	int err, said = inflateInit2(&z, 16 + MAX_WBITS); /* 16: with gzip's header */

	if (said != Z_OK)
		return -ENOMEM;
	while (!(err = make_room(f))) {
		z.next_out = (Bytef *)room_at(f);
		z.avail_out = ROOM;
		said = inflate(&z, Z_NO_FLUSH);
		f->out->len += ROOM - z.avail_out;
		if (said != Z_OK)
			break;
	}
	inflateEnd(&z);
	return err ? err : said == Z_STREAM_END ? 0 : said == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}

/* xz, and its predecessor. */
static int unpack_xz(struct flow *f)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret said = lzma_auto_decoder(&s, XZ_MEMORY, 0);
	int err;

	if (said != LZMA_OK)
		return -ENOMEM;
	s.next_in = (const uint8_t *)f->in;
	s.avail_in = f->in_len;
	while (!(err = make_room(f))) {
		s.next_out = (uint8_t *)room_at(f);
		s.avail_out = ROOM;
		said = lzma_code(&s, LZMA_RUN);
		f->out->len += ROOM - s.avail_out;
		if (said != LZMA_OK)
			break;
	}
	lzma_end(&s);
	if (err || said == LZMA_STREAM_END)
		return err;
	return said == LZMA_MEM_ERROR || said == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EINVAL;
}

static int unpack_bzip2(struct flow *f)
{
	bz_stream s = {.next_in = (char *)f->in, .avail_in = (unsigned)f->in_len};
	int err, said = BZ2_bzDecompressInit(&s, 0, 0);

	if (said != BZ_OK)
		return -ENOMEM;
	while (!(err = make_room(f))) {
		s.next_out = room_at(f);
		s.avail_out = ROOM;
		said = BZ2_bzDecompress(&s);
		f->out->len += ROOM - s.avail_out;
		if (said == BZ_OK && !s.avail_in && s.avail_out == ROOM)
			said = BZ_UNEXPECTED_EOF;
		if (said != BZ_OK)
			break;
	}
	BZ2_bzDecompressEnd(&s);
	return err ? err : said == BZ_STREAM_END ? 0 : said == BZ_MEM_ERROR ? -ENOMEM : -EINVAL;
}

static int unpack_zstd(struct flow *f)
{
	ZSTD_inBuffer in = {.src = f->in, .size = f->in_len};
	ZSTD_DCtx *z = ZSTD_createDCtx();
	size_t said = 1;
	int err = 0;

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		err = -ENOMEM;
	while (!err && !(err = make_room(f))) {
		ZSTD_outBuffer out = {.dst = room_at(f), .size = ROOM};

		said = ZSTD_decompressStream(z, &out, &in);
		f->out->len += out.pos;
		if (!said || ZSTD_isError(said))
			break;
		if (in.pos == in.size && !out.pos)
			err = -EINVAL;
	}
	ZSTD_freeDCtx(z);
	if (err || !said)
		return err;
	return ZSTD_getErrorCode(said) == ZSTD_error_memory_allocation ? -ENOMEM : -EINVAL;
}

/* The old format of lz4, which the library leaves to its users: blocks of 8 MiB, unpacked, each behind its size. A kernel's
 * build appends the size of all, unpacked: the last four bytes are no block. */
static int unpack_lz4(struct flow *f)
{
	enum { BLOCK = 8 << 20, WORD = 4 };
	const unsigned char *at = (const unsigned char *)f->in + WORD;
	size_t left = f->in_len - WORD;
	int err = 0;

	while (!err && left > WORD) {
		uint32_t size = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
		int got;

		at += WORD;
		left -= WORD;
		if (!size || size > left || size > LZ4_COMPRESSBOUND(BLOCK))
			return -EINVAL;
		if (f->out->len - f->start > f->max)
			return -EFBIG;
		if (!cb_buf_reserve(f->out, BLOCK))
			return -ENOMEM;
		got = LZ4_decompress_safe((const char *)at, room_at(f), (int)size, BLOCK);
		err = got < 0 ? -EINVAL : 0;
		f->out->len += got > 0 ? (size_t)got : 0;
		at += size;
		left -= size;
	}
	return err;
}

static const struct packing {
	const char *name;
	const char *magic;
	size_t magic_len;
	int (*unpack)(struct flow *f); /* NULL: no library of ours can */
} packings[] = {
	{"gzip", "\x1f\x8b\x08", 3, unpack_gzip},
	{"xz",
	 "\xfd"
	 "7zXZ\0",
	 6, unpack_xz},
	{"lzma", "\x5d\0\0", 3, unpack_xz},
	{"bzip2", "BZh", 3, unpack_bzip2},
	{"zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd},
	{"lz4", "\x02\x21\x4c\x18", 4, unpack_lz4},
	{"lz4 in its newer format", "\x04\x22\x4d\x18", 4, NULL},
	{"lzo", "\x89LZO", 4, NULL},
};

static const struct packing *find(const void *data, size_t len)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(*packings); i++)
		if (len >= packings[i].magic_len && !memcmp(data, packings[i].magic, packings[i].magic_len))
			return &packings[i];
	return NULL;
}

const char *cb_packed(const void *data, size_t len)
{
	const struct packing *p = find(data, len);

	return p ? p->name : NULL;
}

int cb_unpack(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	struct flow f = {.in = data, .in_len = len, .out = out, .start = out->len, .max = max};
	const struct packing *p = find(data, len);
	int err;

	if (!p)
		return cb_fail(e, EINVAL, "these bytes are not compressed in any known way");
	if (!p->unpack)
		return cb_fail(e, ENOTSUP, "compressed with %s, which coolbpf cannot undo; unpack it first", p->name);
	if (len > UINT32_MAX) /* zlib and bzip2 count in 32 bits */
		return cb_fail(e, EFBIG, "%zu compressed bytes are too many", len);
	err = p->unpack(&f);
	if (!err && out->len - f.start > max)
		err = -EFBIG;
	switch (err) {
	case 0:
		return 0;
	case -EFBIG:
		return cb_fail(e, EFBIG, "what is compressed with %s is larger than %zu bytes", p->name, max);
	case -ENOMEM:
		return cb_fail(e, ENOMEM, "not enough memory to undo %s", p->name);
	default:
		return cb_fail(e, EINVAL, "what is compressed with %s is corrupt or cut", p->name);
	}
}
