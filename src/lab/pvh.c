// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* pvh.c - see pvh.h. The entry point is told in a note: xen/include/public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY. */
#include "lab/pvh.h"

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/image.h"

enum { PHYS32_ENTRY = 18, PACKED_MAX = 256 << 20 /* bytes of an image */ };

static bool notes_have_entry(Elf_Data *notes)
{
	size_t at = 0, name, desc;
	GElf_Nhdr n;

	while ((at = gelf_getnote(notes, at, &n, &name, &desc)))
		if (n.n_type == PHYS32_ENTRY && n.n_namesz == 4 && !memcmp((char *)notes->d_buf + name, "Xen", 4))
			return true;
	return false;
}

static bool has_entry(const struct cb_image *kernel)
{
	bool found = false;
	size_t n = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* only read: libelf asks for writable bytes in every case */
	elf = elf_memory((char *)(uintptr_t)kernel->data, kernel->len);
	if (elf && elf_kind(elf) == ELF_K_ELF && !elf_getphdrnum(elf, &n))
		for (int i = 0; i < (int)n && !found; i++) {
			GElf_Phdr p;
			Elf_Data *notes;

			if (!gelf_getphdr(elf, i, &p) || p.p_type != PT_NOTE)
				continue;
			notes = elf_getdata_rawchunk(elf, (int64_t)p.p_offset, p.p_filesz, ELF_T_NHDR);
			found = notes && notes_have_entry(notes);
		}
	elf_end(elf);
	return found;
}

int cb_lab_pvh(const char *image)
{
	struct cb_image kernel;
	char *data;
	size_t len;
	int fd = -1;

	if (cb_file_read(image, PACKED_MAX, &data, &len, NULL))
		return -1;
	if (!cb_image_open(data, len, CB_IMAGE_MAX, &kernel, NULL) && has_entry(&kernel)) {
		fd = cb_file_nameless("vmlinux");
		if (fd >= 0 && cb_write_all(fd, kernel.data, kernel.len)) {
			close(fd);
			fd = -1;
		}
	}
	cb_image_close(&kernel);
	free(data);
	return fd < 0 ? -1 : fd;
}
