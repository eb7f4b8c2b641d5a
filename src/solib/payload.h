/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * payload.h - what src/compile/so.c puts into a copy of the template, and the loader in it finds.
 *
 *   template (a shared library without an object)    header  object  map types
 *   |<----- PT_LOAD ... PT_LOAD ----->| sections ... |<------ the last PT_LOAD ------>|
 *
 * The template has a note, and thereby a PT_NOTE program header that nobody needs. The maker turns this header into
 * the last PT_LOAD, read-only, behind all others in memory and in the file: no linker is run, nothing else changes. The
 * loader sees the program headers, which are mapped, and so finds the last segment without opening its own file.
 */
#ifndef CB_SOLIB_PAYLOAD_H
#define CB_SOLIB_PAYLOAD_H

#include <stdint.h>

#define LBC_PAYLOAD_MAGIC "coolbpf" /* 8 bytes with its zero */

enum {
	LBC_PAYLOAD_VERSION = 1,
	LBC_PAYLOAD_ALIGN = 8 /* of the header, of the object (libelf wants it) and of the text */
};

/* Offsets are from the header's first byte; numbers in the byte order of the library. */
struct lbc_payload {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
	uint64_t object_offset, object_size;
	uint64_t types_offset, types_size; /* JSON; a zero byte follows, which is not counted */
};

#endif
