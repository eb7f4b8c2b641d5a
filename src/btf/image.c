// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * image.c - see image.h.
 *
 * An image is one of these, and each may be compressed again as a whole (Image.gz, vmlinux.xz):
 *
 *	bzImage    x86: a boot sector and setup code, whose header says where behind it a compressed ELF file stands
 *		   (kernel, Documentation/arch/x86/boot.rst)
 *	zboot      EFI: a program that holds a compressed Image (kernel, drivers/firmware/efi/libstub/zboot-header.S)
 *	Image      arm64: the kernel as it lies in memory (kernel, Documentation/arch/arm64/booting.rst)
 *	vmlinux    ELF
 *	BTF	   of a kernel, by itself
 *
 * An ELF file says where its BTF is. In a flat file it is looked for, byte by byte, since it is aligned to nothing: the largest
 * that holds together is the kernel's (there are small ones in it: the kernel carries BPF programs of its own).
 */
#include "btf/image.h"

#include <elf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdint.h>
#include <string.h>

#include "btf/bytes.h"
#include "btf/elf.h"
#include "btf/unpack.h"

/* Places and sizes, in bytes; numbers there are little-endian. */
enum {
	BZ_SETUP_SECTS = 0x1f1,
	BZ_HEADER = 0x202, /* "HdrS", and behind it the protocol's version */
	BZ_VERSION = 0x206,
	BZ_VERSION_PAYLOAD = 0x0208, /* has the next two */
	BZ_PAYLOAD = 0x248,
	BZ_PAYLOAD_LEN = 0x24c,
	BZ_END = 0x250,
	SECTOR = 512,

	ZBOOT_MAGIC = 4, /* "zimg" */
	ZBOOT_PAYLOAD = 8,
	ZBOOT_PAYLOAD_LEN = 12,
	ZBOOT_END = 56,

	FLAT_MAGIC = 56, /* "ARM\x64" */
	FLAT_END = 64,

	LAYERS_MAX = 4, /* Image.gz in zboot, compressed: nobody makes more */
	BTF_HEADER_MAX = 64
};

static uint32_t le16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static bool is_bzimage(const unsigned char *data, size_t len)
{
	return len >= BZ_END && !memcmp(data + BZ_HEADER, "HdrS", 4) && le16(data + BZ_VERSION) >= BZ_VERSION_PAYLOAD;
}

static bool is_zboot(const unsigned char *data, size_t len)
{
	return len >= ZBOOT_END && !memcmp(data, "MZ", 2) && !memcmp(data + ZBOOT_MAGIC, "zimg", 4);
}

static bool is_flat(const unsigned char *data, size_t len)
{
	return len >= FLAT_END && !memcmp(data + FLAT_MAGIC, "ARM\x64", 4);
}

static bool is_elf(const unsigned char *data, size_t len)
{
	return len >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

/* In either byte order. */
static bool is_btf(const unsigned char *data, size_t len)
{
	return len >= 2 && (le16(data) == BTF_MAGIC || le16(data) == __builtin_bswap16(BTF_MAGIC));
}

bool cb_is_image(const void *head, size_t len)
{
	return is_bzimage(head, len) || is_zboot(head, len) || is_flat(head, len) || cb_packed(head, len);
}

/* ---- Layers ------------------------------------------------------------------------------------------------------ */

/* Go to a part of the present layer. */
static int narrow(struct cb_image *image, uint64_t at, uint64_t len, struct cb_err *e)
{
	if (!len || at > image->len || len > image->len - at)
		return cb_fail(e, EINVAL, "the kernel image is cut: %zu bytes, and the kernel in it ends at %llu",
			       image->len, (unsigned long long)at + len);
	image->data += at;
	image->len = len;
	return 0;
}

static int unpack(struct cb_image *image, size_t max, struct cb_err *e)
{
	struct cb_buf out = {0};
	int err = cb_unpack(image->data, image->len, max, &out, e);

	if (err) {
		cb_buf_free(&out);
		return cb_fail_in(e, err, "the kernel image");
	}
	cb_buf_free(&image->unpacked);
	image->unpacked = out;
	image->data = (const unsigned char *)out.data;
	image->len = out.len;
	return 0;
}

int cb_image_open(const void *data, size_t len, size_t max, struct cb_image *image, struct cb_err *e)
{
	int err = 0;

	*image = (struct cb_image){.data = data, .len = len};
	for (int i = 0; i < LAYERS_MAX && !err; i++) {
		const unsigned char *p = image->data;

		if (is_elf(p, image->len) || is_flat(p, image->len) || is_btf(p, image->len))
			return 0;
		if (is_bzimage(p, image->len))
			err = narrow(image,
				     ((p[BZ_SETUP_SECTS] ? p[BZ_SETUP_SECTS] : 4) + 1) * SECTOR +
					     (uint64_t)le32(p + BZ_PAYLOAD),
				     le32(p + BZ_PAYLOAD_LEN), e);
		else if (is_zboot(p, image->len))
			err = narrow(image, le32(p + ZBOOT_PAYLOAD), le32(p + ZBOOT_PAYLOAD_LEN), e);
		else if (cb_packed(p, image->len))
			err = unpack(image, max, e);
		else
			break;
	}
	return err ? err : cb_fail(e, EINVAL, "not a kernel image that is known (bzImage, Image, EFI zboot, vmlinux)");
}

void cb_image_close(struct cb_image *image)
{
	cb_buf_free(&image->unpacked);
	*image = (struct cb_image){0};
}

/* ---- BTF --------------------------------------------------------------------------------------------------------- */

/* The size of the BTF that begins here; 0: none does. pahole writes the types, behind them the names, perhaps more. */
static size_t btf_size(const unsigned char *data, size_t len)
{
	uint32_t head_len, type_len, str_off, str_len;
	const unsigned char *strs;
	uint64_t size;

	if (len < sizeof(struct btf_header))
		return 0;
	head_len = le32(data + offsetof(struct btf_header, hdr_len));
	type_len = le32(data + offsetof(struct btf_header, type_len));
	str_off = le32(data + offsetof(struct btf_header, str_off));
	str_len = le32(data + offsetof(struct btf_header, str_len));
	size = (uint64_t)head_len + str_off + str_len;
	if (head_len < sizeof(struct btf_header) || head_len > BTF_HEADER_MAX || !type_len || !str_len ||
	    le32(data + offsetof(struct btf_header, type_off)) || str_off < type_len || size > len)
		return 0;
	strs = data + head_len + str_off;
	return strs[0] || strs[str_len - 1] ? 0 : size;
}

static size_t find_btf(const unsigned char *data, size_t len, const void **found)
{
	static const unsigned char head[] = {BTF_MAGIC & 0xff, BTF_MAGIC >> 8, BTF_VERSION, 0 /* flags */};
	const unsigned char *at = data, *end = data + len;
	size_t size = 0;

	while ((at = memmem(at, (size_t)(end - at), head, sizeof(head)))) {
		size_t n = btf_size(at, (size_t)(end - at));

		if (n > size) {
			size = n;
			*found = at;
		}
		at += sizeof(head);
	}
	return size;
}

static int take_btf(const struct cb_image *image, struct cb_buf *btf, struct cb_err *e)
{
	const void *found = NULL;
	size_t size = 0;
	int err;

	if (is_btf(image->data, image->len)) {
		found = image->data;
		size = image->len;
	} else if (is_elf(image->data, image->len)) {
		err = cb_elf_section(image->data, image->len, ".BTF", &found, &size);
		if (err && err != -ENOENT)
			return cb_fail(e, -err,
				       err == -ENOTSUP ? "the kernel is of another word size or byte order"
						       : "the kernel is a corrupt ELF file");
	} else {
		size = find_btf(image->data, image->len, &found);
	}
	if (!size)
		return cb_fail(e, EINVAL, "the kernel was built without BTF (CONFIG_DEBUG_INFO_BTF)");
	cb_buf_add(btf, found, size);
	if (btf->failed)
		return cb_fail(e, ENOMEM, "out of memory");
	return 0;
}

int cb_image_btf(const void *data, size_t len, size_t max, struct cb_buf *btf, struct cb_err *e)
{
	struct cb_image image;
	int err = cb_image_open(data, len, max, &image, e);

	if (!err)
		err = take_btf(&image, btf, e);
	cb_image_close(&image);
	return err;
}
