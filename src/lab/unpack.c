// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* unpack.c - see unpack.h. Each library gets the whole input, and pieces of PIECE bytes of the output. */
#include "lab/unpack.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { PIECE = 256 * 1024 };
/* memory for the dictionary of a stream; the kernel's own builds take 64 MiB at most (xz -9, zstd -22 --ultra takes 128) */
enum { WINDOW_LOG = 27, XZ_MEMORY = 256 << 20 };

enum cb_lab_packed cb_lab_packed_how(const void *data, size_t len)
{
	if (len >= 3 && !memcmp(data, "\x1f\x8b\x08", 3))
		return CB_LAB_GZIP;
	if (len >= 6 && !memcmp(data,
				"\xfd"
				"7zXZ",
				6))
		return CB_LAB_XZ;
	if (len >= 4 && !memcmp(data, "\x28\xb5\x2f\xfd", 4))
		return CB_LAB_ZSTD;
	return CB_LAB_PLAIN;
}

static int damaged(struct cb_err *e, const char *kind)
{
	return cb_fail(e, EBADMSG, "its %s data are damaged or end too soon", kind);
}

/* Room for the next piece. */
static int more_room(struct cb_buf *out, size_t start, size_t max, struct cb_err *e)
{
	if (out->len - start > max)
		return cb_fail(e, EFBIG, "it unpacks to more than %zu bytes", max);
	return cb_buf_reserve(out, PIECE) ? 0 : cb_fail(e, ENOMEM, "out of memory");
}

static int unpack_gzip(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	z_stream z = {.next_in = (unsigned char *)data, .avail_in = len < UINT_MAX ? (unsigned)len : UINT_MAX};
	size_t start = out->len;
	int ret = inflateInit2(&z, 15 + 16); /* the largest window, with gzip's header */
	int err = ret == Z_OK ? 0 : cb_fail(e, ENOMEM, "out of memory");

	while (!err && ret == Z_OK) {
		err = more_room(out, start, max, e);
		if (err)
			break;
		z.next_out = (unsigned char *)out->data + out->len;
		z.avail_out = PIECE;
		ret = inflate(&z, Z_NO_FLUSH);
		out->len += PIECE - z.avail_out;
	}
	inflateEnd(&z);
	return err || ret == Z_STREAM_END ? err : damaged(e, "gzip");
}

static int unpack_xz(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	lzma_stream z = LZMA_STREAM_INIT;
	size_t start = out->len;
	lzma_ret ret = lzma_stream_decoder(&z, XZ_MEMORY, 0);
	int err = ret == LZMA_OK ? 0 : cb_fail(e, ENOMEM, "out of memory");

	z.next_in = data;
	z.avail_in = len;
	while (!err && ret == LZMA_OK) {
		err = more_room(out, start, max, e);
		if (err)
			break;
		z.next_out = (unsigned char *)out->data + out->len;
		z.avail_out = PIECE;
		ret = lzma_code(&z, LZMA_FINISH);
		out->len += PIECE - z.avail_out;
	}
	lzma_end(&z);
	return err || ret == LZMA_STREAM_END ? err : damaged(e, "xz");
}

static int unpack_zstd(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer in = {data, len, 0};
	size_t start = out->len, left = 1;
	int err = z ? 0 : cb_fail(e, ENOMEM, "out of memory");

	if (z)
		ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG);
	while (!err && left) {
		ZSTD_outBuffer piece = {.size = PIECE};
		size_t before = in.pos;

		err = more_room(out, start, max, e);
		if (err)
			break;
		piece.dst = out->data + out->len;
		left = ZSTD_decompressStream(z, &piece, &in);
		if (ZSTD_isError(left) || (left && in.pos == before && !piece.pos))
			err = damaged(e, "Zstandard");
		else
			out->len += piece.pos;
	}
	ZSTD_freeDCtx(z);
	return err;
}

int cb_lab_unpack(const void *data, size_t len, size_t max, struct cb_buf *out, struct cb_err *e)
{
	size_t start = out->len;
	int err = 0;

	switch (cb_lab_packed_how(data, len)) {
	case CB_LAB_PLAIN:
		cb_buf_add(out, data, len);
		err = out->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
		break;
	case CB_LAB_GZIP:
		err = unpack_gzip(data, len, max, out, e);
		break;
	case CB_LAB_XZ:
		err = unpack_xz(data, len, max, out, e);
		break;
	case CB_LAB_ZSTD:
		err = unpack_zstd(data, len, max, out, e);
		break;
	}
	if (!err && out->len - start > max)
		err = cb_fail(e, EFBIG, "it has more than %zu bytes", max);
	return err;
}
