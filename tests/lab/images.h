/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* images.h - small files that have the headers of kernel images, by the kernel's Documentation/arch/x86/boot.rst,
 * arch/arm64/booting.rst and drivers/firmware/efi/libstub/zboot-header.S. */
#ifndef CB_TESTS_LAB_IMAGES_H
#define CB_TESTS_LAB_IMAGES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { X86_IMAGE = 4096, ARM64_IMAGE = 8192, ZBOOT_HEAD = 64 };

static inline void x86_image(unsigned char p[X86_IMAGE], const char *release)
{
	memset(p, 0, X86_IMAGE);
	p[0x1fe] = 0x55;
	p[0x1ff] = 0xaa;
	memcpy(p + 0x202, "HdrS", 4);
	p[0x20e] = 0x00; /* the text is at 0x600 + 0x200 */
	p[0x20f] = 0x06;
	snprintf((char *)p + 0x800, 256, "%s (someone@example.com) #1 SMP", release);
}

static inline void arm64_image(unsigned char p[ARM64_IMAGE], const char *release)
{
	memset(p, 0, ARM64_IMAGE);
	memcpy(p, "MZ", 2);
	memcpy(p + 0x38, "ARM\x64", 4);
	/* a text like it, which is not it */
	strcpy((char *)p + 0x100, "Linux version %s (%s)");
	snprintf((char *)p + 0x1000, 256, "Linux version %s (someone@example.com) (gcc) #1 SMP", release);
}

/* The head of an EFI program with len packed bytes behind it. */
static inline void zboot_head(unsigned char p[ZBOOT_HEAD], uint32_t len)
{
	memset(p, 0, ZBOOT_HEAD);
	memcpy(p, "MZ", 2);
	memcpy(p + 4, "zimg", 4);
	p[8] = ZBOOT_HEAD;
	for (int i = 0; i < 4; i++)
		p[12 + i] = (unsigned char)(len >> 8 * i);
}

#endif
