// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * so.c - see so.h.
 *
 * The templates are part of this program, one for each architecture, compressed. Their bytes are our own build's, so
 * they are believed; the object's are not.
 */
#include "compile/so.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zstd.h>

#include "btf/elf.h"
#include "btf/check.h"
#include "compile/maptypes.h"
#include "solib/payload.h"

extern const unsigned char cb_so_x86_64[], cb_so_aarch64[];
extern const size_t cb_so_x86_64_len, cb_so_aarch64_len;

struct template
{
	const char *arch;
	const unsigned char *data; /* zstd */
	const size_t *len;
	uint64_t page; /* the largest that this architecture's kernels have */
};

static const struct template templates[] = {
	{"x86_64", cb_so_x86_64, &cb_so_x86_64_len, 4096},
	{"aarch64", cb_so_aarch64, &cb_so_aarch64_len, 65536},
};

static const struct template *find_template(const char *arch, struct cb_err *e)
{
	struct utsname here;

	if (!arch && !uname(&here))
		arch = here.machine;
	for (size_t i = 0; arch && i < sizeof(templates) / sizeof(templates[0]); i++)
		if (!strcmp(templates[i].arch, arch))
			return &templates[i];
	cb_fail(e, ENOTSUP, "the format .so is made for x86_64 and aarch64, not for %s", arch ? arch : "this machine");
	return NULL;
}

static uint64_t align(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* ---- The object --------------------------------------------------------------------------------------------------- */

static int check_object(const void *object, size_t size, struct cb_err *e)
{
	Elf64_Ehdr head;
	int err = cb_elf_check(object, size, e);

	if (err)
		return err;
	memcpy(&head, object, sizeof(head));
	return head.e_machine == EM_BPF && head.e_type == ET_REL ? 0 : cb_fail(e, EINVAL, "not a BPF object");
}

static int describe(const void *object, size_t size, const struct cb_so_meta *meta, char **types, struct cb_err *e)
{
	const void *bytes;
	struct btf *btf;
	size_t len;
	int err = cb_elf_section(object, size, ".BTF", &bytes, &len);

	if (err)
		return cb_fail(e, EINVAL, "the object has no BTF, which says what its maps hold");
	btf = cb_btf_parse(bytes, len, e);
	if (!btf)
		return -errno;
	err = cb_map_types(btf, meta, types, e);
	btf__free(btf);
	return err;
}

/* ---- The library -------------------------------------------------------------------------------------------------- */

struct layout {
	uint64_t template_size, start; /* of the file's part before the payload; of the payload in the file */
	struct lbc_payload head;
	uint64_t payload_size;
};

static struct layout lay_out(uint64_t template_size, size_t object_size, size_t types_size)
{
	struct layout l = {.template_size = template_size, .start = align(template_size, LBC_PAYLOAD_ALIGN)};
	struct lbc_payload *h = &l.head;

	memcpy(h->magic, LBC_PAYLOAD_MAGIC, sizeof(h->magic));
	h->version = LBC_PAYLOAD_VERSION;
	h->object_offset = align(sizeof(*h), LBC_PAYLOAD_ALIGN);
	h->object_size = object_size;
	h->types_offset = align(h->object_offset + object_size, LBC_PAYLOAD_ALIGN);
	h->types_size = types_size;
	l.payload_size = h->types_offset + types_size + 1;
	return l;
}

/* The note's header becomes the last PT_LOAD: on the first page behind all others, at the offset in the page that it has in
 * the file. */
static void add_segment(char *so, const struct layout *l, uint64_t page)
{
	Elf64_Ehdr *head = (void *)so;
	Elf64_Phdr *ph = (void *)(so + head->e_phoff), *note = NULL;
	uint64_t end = 0;

	for (int i = 0; i < head->e_phnum; i++) {
		if (ph[i].p_type == PT_NOTE)
			note = &ph[i];
		else if (ph[i].p_type == PT_LOAD && ph[i].p_vaddr + ph[i].p_memsz > end)
			end = ph[i].p_vaddr + ph[i].p_memsz;
	}
	if (!note)
		abort(); /* the build looks */
	*note = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R,
		.p_offset = l->start,
		.p_vaddr = align(end, page) + l->start % page,
		.p_filesz = l->payload_size,
		.p_memsz = l->payload_size,
		.p_align = page,
	};
	note->p_paddr = note->p_vaddr;
}

static int build(const struct template *t, const void *object, size_t size, const char *types, char **so,
		 size_t *so_size, struct cb_err *e)
{
	unsigned long long template_size = ZSTD_getFrameContentSize(t->data, *t->len);
	struct layout l = lay_out(template_size, size, strlen(types));
	size_t total = l.start + l.payload_size;
	char *out = calloc(1, total);

	if (!out || ZSTD_decompress(out, template_size, t->data, *t->len) != template_size) {
		free(out);
		return cb_fail(e, ENOMEM, "out of memory");
	}
	add_segment(out, &l, t->page);
	memcpy(out + l.start, &l.head, sizeof(l.head));
	memcpy(out + l.start + l.head.object_offset, object, size);
	memcpy(out + l.start + l.head.types_offset, types, l.head.types_size);
	*so = out;
	*so_size = total;
	return 0;
}

void cb_so_digest(char out[CB_SHA256_HEX])
{
	unsigned char each[sizeof(templates) / sizeof(templates[0])][CB_SHA256];

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		cb_sha256(templates[i].data, *templates[i].len, each[i]);
	cb_sha256_hex(each, sizeof(each), out);
}

int cb_so_make(const char *arch, const void *object, size_t size, const struct cb_so_meta *meta, void **so,
	       size_t *so_size, struct cb_err *e)
{
	const struct template *t = find_template(arch, e);
	char *types = NULL, *out = NULL;
	int err;

	*so = NULL;
	*so_size = 0;
	if (!t)
		return -ENOTSUP;
	err = check_object(object, size, e);
	if (!err)
		err = describe(object, size, meta, &types, e);
	if (types)
		err = build(t, object, size, types, &out, so_size, e);
	free(types);
	*so = out;
	return err;
}
