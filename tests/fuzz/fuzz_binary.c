// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_binary.c - a program or library with anything in it, as a process may have mapped one: names of its addresses, its build
 * id, and whether it has a function or a marker. Most of the reading is libelf's and libdw's.
 *
 * The seeds (tests/fuzz/seeds/binary) are small libraries with inlined functions: DWARF 4 and 5 by gcc, DWARF 5 by clang.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/links.h"
#include "runtime/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 16, FRAMES = 16 };

/* Every text is read to its end. */
static volatile size_t letters;

static void name_all(struct cb_image *img, size_t size)
{
	struct coolbpf_symbol frames[FRAMES];

	for (size_t offset = 0; offset < size; offset += STEP) {
		int n = cb_image_frames(img, offset, frames, FRAMES);

		if (n > FRAMES)
			abort();
		for (int i = 0; i < n; i++)
			letters += strlen(frames[i].name) + strlen(frames[i].file);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("binary", MFD_CLOEXEC);
	unsigned char id[CB_BUILD_ID_MAX];
	struct cb_image *img;
	char path[64];

	if (fd < 0 || cb_write_all(fd, data, size))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cb_binary_has(path, NULL, "h");
	cb_binary_has(path, "provider", "marker");
	if (cb_file_build_id(fd, id) > sizeof(id))
		abort();
	img = cb_image_new(fd, "/nonexistent/binary", ""); /* closes fd */
	if (!img)
		return 0;
	name_all(img, size);
	cb_image_free(img);
	return 0;
}
