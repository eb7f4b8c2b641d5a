// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * image.c - see image.h. Sources: the kernel's Documentation/arch/x86/boot.rst and arch/arm64/booting.rst, and
 * drivers/firmware/efi/libstub/zboot-header.S for kernels that are an EFI program around a compressed image:
 *
 *	x86	0x1fe 0xaa55; 0x202 "HdrS"; 0x20e: where, less 0x200, the text stands that begins with the release
 *	arm64	0x38 "ARM\x64"; the release is in the banner "Linux version RELEASE (...", somewhere
 *	zboot	0 "MZ"; 4 "zimg"; 8 offset and 12 size of what is packed; 24 how it is packed
 */
#include "lab/image.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "btf/unpack.h"

enum { X86_MAGIC = 0x1fe, X86_HDRS = 0x202, X86_VERSION = 0x20e, X86_SETUP = 0x200 };
enum { ARM64_MAGIC = 0x38, ZBOOT_MAGIC = 4, ZBOOT_OFFSET = 8, ZBOOT_SIZE = 12, ZBOOT_END = 56 };

static uint32_t le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The word at p, of printable characters; false when it is none or too long. */
static bool take_word(const unsigned char *p, const unsigned char *end, char out[CB_LAB_RELEASE])
{
	size_t n = 0;

	while (p + n < end && p[n] > ' ' && p[n] < 0x7f && n < CB_LAB_RELEASE - 1)
		n++;
	if (!n || p + n == end || (p[n] != ' ' && p[n] != '\0'))
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return out[0] >= '0' && out[0] <= '9' && !strchr(out, '/');
}

static int read_x86(const unsigned char *p, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	size_t at = (p[X86_VERSION] | p[X86_VERSION + 1] << 8) + (size_t)X86_SETUP;

	out->arch = "x86_64";
	if (at < len && take_word(p + at, p + len, out->release))
		return 0;
	return cb_fail(e, ENOEXEC, "it is an x86 kernel image that does not say its release");
}

static int read_arm64(const unsigned char *p, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	static const char banner[] = "Linux version ";
	const unsigned char *end = p + len, *at = p;

	out->arch = "arm64";
	/* the same words, with a %s behind them, are in other texts of the kernel's */
	while ((at = memmem(at, (size_t)(end - at), banner, sizeof(banner) - 1))) {
		at += sizeof(banner) - 1;
		if (take_word(at, end, out->release))
			return 0;
	}
	return cb_fail(e, ENOEXEC, "it is an arm64 kernel image that does not say its release");
}

static bool is_arm64(const unsigned char *p, size_t len)
{
	return len > ARM64_MAGIC + 8 && !memcmp(p + ARM64_MAGIC, "ARM\x64", 4);
}

/* p is packed; the image in it goes to out->plain. */
static int read_packed(const unsigned char *p, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	int err = cb_unpack(p, len, CB_LAB_IMAGE_MAX, &out->plain, e);

	if (err)
		return err;
	if (!is_arm64((const unsigned char *)out->plain.data, out->plain.len))
		return cb_fail(e, ENOEXEC, "what is packed in it is no arm64 kernel image");
	return read_arm64((const unsigned char *)out->plain.data, out->plain.len, out, e);
}

static int read_zboot(const unsigned char *p, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	size_t at = le32(p + ZBOOT_OFFSET), size = le32(p + ZBOOT_SIZE);

	if (at > len || size > len - at)
		return cb_fail(e, ENOEXEC, "it is an EFI kernel image that is cut off");
	return read_packed(p + at, size, out, e);
}

static int read_any(const unsigned char *p, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	const char *packed = cb_packed(p, len);
	int err;

	if (len > X86_VERSION + 2 && p[X86_MAGIC] == 0x55 && p[X86_MAGIC + 1] == 0xaa &&
	    !memcmp(p + X86_HDRS, "HdrS", 4))
		return read_x86(p, len, out, e);
	if (len > ZBOOT_END && !memcmp(p, "MZ", 2) && !memcmp(p + ZBOOT_MAGIC, "zimg", 4))
		return read_zboot(p, len, out, e);
	if (is_arm64(p, len))
		return read_arm64(p, len, out, e);
	if (packed && !strcmp(packed, "gzip")) {
		err = read_packed(p, len, out, e);
		cb_buf_free(&out->plain); /* qemu unpacks gzip itself */
		return err;
	}
	return cb_fail(e, ENOEXEC,
		       "it is no kernel image that qemu boots: neither an x86 bzImage nor an arm64 Image, Image.gz or "
		       "vmlinuz.efi");
}

int cb_lab_image_read(const void *data, size_t len, struct cb_lab_image *out, struct cb_err *e)
{
	int err;

	*out = (struct cb_lab_image){0};
	err = read_any(data, len, out, e);
	if (err)
		cb_buf_free(&out->plain);
	return err;
}
