// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * bytes.c - see bytes.h.
 *
 * /sys/kernel/btf/vmlinux is 4 to 6 MB. Since Linux 6.16 it can be mapped, which costs neither copying nor memory of
 * ours. Older kernels give it by read() a page at a time. Regular files are read, never mapped: one that is truncated
 * while we look at it would kill us.
 */
#include "btf/bytes.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "btf/image.h"

enum { BTF_BYTES_MAX = 512 << 20 };

/* Where the section .BTF stands in an ELF file. */
static int find_section(int fd, const char *path, off_t *offset, size_t *size, struct cb_err *e)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr sh;
	Elf *elf;
	int err;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_getshdrstrndx(elf, &names)) {
		err = cb_fail(e, EINVAL, "%s is a corrupt ELF file: %s", path, elf_errmsg(-1));
		elf_end(elf);
		return err;
	}
	err = cb_fail(e, EINVAL, "%s is an ELF file without BTF (it has no section .BTF)", path);
	while (err && (section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (!name || strcmp(name, ".BTF") || sh.sh_type == SHT_NOBITS || sh.sh_flags & SHF_COMPRESSED)
			continue;
		*offset = (off_t)sh.sh_offset;
		*size = sh.sh_size;
		err = 0;
	}
	elf_end(elf);
	return err;
}

/* Exactly size bytes from offset. */
static int read_part(int fd, const char *path, off_t offset, size_t size, struct cb_btf_bytes *b, struct cb_err *e)
{
	char *data;
	size_t len = 0;
	ssize_t n = 0;
	int err = 0;

	if (!size || size > BTF_BYTES_MAX)
		return cb_fail(e, size ? EFBIG : EINVAL, "%s is not BTF: %zu bytes", path, size);
	data = malloc(size);
	if (!data)
		return cb_fail(e, ENOMEM, "cannot read the BTF of %s: out of memory", path);
	while (len < size) {
		n = pread(fd, data + len, size - len, offset + (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (n < 0)
		err = cb_fail(e, errno, "cannot read the BTF of %s: %s", path, strerror(errno));
	else if (len < size)
		err = cb_fail(e, EINVAL, "the BTF of %s is cut: %zu bytes of %zu", path, len, size);
	if (err) {
		free(data);
		return err;
	}
	*b = (struct cb_btf_bytes){.data = data, .size = size};
	return 0;
}

/* What is inside a kernel image, or BTF that is compressed. */
static int unpack_image(int fd, const char *path, size_t size, struct cb_btf_bytes *b, struct cb_err *e)
{
	struct cb_btf_bytes image = {0};
	struct cb_buf btf = {0};
	int err = read_part(fd, path, 0, size, &image, e);

	if (err)
		return err;
	err = cb_image_btf(image.data, image.size, CB_IMAGE_MAX, &btf, e);
	cb_btf_bytes_close(&image);
	if (err) {
		cb_buf_free(&btf);
		return cb_fail_in(e, err, "%s", path);
	}
	*b = (struct cb_btf_bytes){.data = btf.data, .size = btf.len, .unpacked = true};
	return 0;
}

static int open_fd(int fd, const char *path, struct cb_btf_bytes *b, struct cb_err *e)
{
	unsigned char magic[CB_IMAGE_HEAD] = {0};
	off_t offset = 0;
	ssize_t got;
	struct statfs fs;
	struct stat st;
	uint16_t btf;
	size_t size;

	if (fstat(fd, &st))
		return cb_fail(e, errno, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cb_fail(e, EINVAL, "%s is not BTF: it is not a regular file", path);
	size = (size_t)st.st_size;
	got = pread(fd, magic, sizeof(magic), 0);
	if (got < 0)
		return cb_fail(e, errno, "cannot read %s: %s", path, strerror(errno));
	memcpy(&btf, magic, sizeof(btf));
	if (!memcmp(magic, ELFMAG, SELFMAG)) {
		int err = find_section(fd, path, &offset, &size, e);

		if (err)
			return err;
	} else if (btf != BTF_MAGIC && btf != __builtin_bswap16(BTF_MAGIC)) {
		if (cb_is_image(magic, (size_t)got))
			return unpack_image(fd, path, size, b, e);
		return cb_fail(e, EINVAL, "%s is not BTF (nor an ELF file with a section .BTF, nor a kernel image)",
			       path);
	}
	if (!offset && !fstatfs(fd, &fs) && (unsigned long)fs.f_type == SYSFS_MAGIC) {
		void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (map != MAP_FAILED) {
			*b = (struct cb_btf_bytes){.data = map, .size = size, .mapped = true};
			return 0;
		}
	}
	return read_part(fd, path, offset, size, b, e);
}

int cb_btf_bytes_open(const char *path, struct cb_btf_bytes *b, struct cb_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	*b = (struct cb_btf_bytes){0};
	if (fd < 0 && errno == ENOENT && !strcmp(path, "/sys/kernel/btf/vmlinux"))
		return cb_fail(e, ENOENT, "this kernel has no BTF at %s; name a file with --btf FILE or BPF_CUSTOM_BTF",
			       path);
	if (fd < 0)
		return cb_fail(e, errno, "cannot open the BTF file %s: %s", path, strerror(errno));
	err = open_fd(fd, path, b, e);
	close(fd);
	return err;
}

void cb_btf_bytes_close(struct cb_btf_bytes *b)
{
	if (b->mapped)
		munmap((void *)b->data, b->size);
	else
		free((void *)b->data);
	*b = (struct cb_btf_bytes){0};
}

int cb_btf_view(const void *data, size_t size, struct cb_btf_view *v, struct cb_err *e)
{
	const struct btf_header *h = data;
	const unsigned char *body;
	size_t len;

	if (size < sizeof(*h))
		return cb_fail(e, EINVAL, "corrupt BTF: %zu bytes are less than a header", size);
	if (h->magic == __builtin_bswap16(BTF_MAGIC))
		return cb_fail(e, ENOTSUP, "the BTF is in the byte order of another machine");
	if (h->magic != BTF_MAGIC)
		return cb_fail(e, EINVAL, "not BTF: it does not begin with 0xeb9f");
	if (h->version != BTF_VERSION)
		return cb_fail(e, ENOTSUP, "the BTF has version %d; only version 1 is known", h->version);
	if (h->hdr_len < sizeof(*h) || h->hdr_len > size || h->hdr_len % 4)
		return cb_fail(e, EINVAL, "corrupt BTF: a header of %u bytes", h->hdr_len);
	body = (const unsigned char *)data + h->hdr_len;
	len = size - h->hdr_len;
	if (h->type_off > len || h->type_len > len - h->type_off || h->type_off % 4)
		return cb_fail(e, EINVAL, "corrupt BTF: the types are not inside");
	if (h->str_off > len || h->str_len > len - h->str_off || !h->str_len)
		return cb_fail(e, EINVAL, "corrupt BTF: the names are not inside");
	*v = (struct cb_btf_view){
		.types = body + h->type_off,
		.types_len = h->type_len,
		.strs = (const char *)body + h->str_off,
		.strs_len = h->str_len,
	};
	if (v->strs[0] || v->strs[v->strs_len - 1])
		return cb_fail(e, EINVAL, "corrupt BTF: the names do not begin and end with a zero");
	return 0;
}

const struct btf_type *cb_btf_next(const struct cb_btf_view *v, size_t *offset)
{
	const struct btf_type *t = (const void *)(v->types + *offset);
	size_t left = v->types_len - *offset, vlen, size = sizeof(*t);

	if (left < size)
		return NULL;
	vlen = btf_vlen(t);
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		break;
	case BTF_KIND_INT:
		size += sizeof(uint32_t);
		break;
	case BTF_KIND_ARRAY:
		size += sizeof(struct btf_array);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		size += vlen * sizeof(struct btf_member);
		break;
	case BTF_KIND_ENUM:
		size += vlen * sizeof(struct btf_enum);
		break;
	case BTF_KIND_ENUM64:
		size += vlen * sizeof(struct btf_enum64);
		break;
	case BTF_KIND_FUNC_PROTO:
		size += vlen * sizeof(struct btf_param);
		break;
	case BTF_KIND_VAR:
		size += sizeof(struct btf_var);
		break;
	case BTF_KIND_DATASEC:
		size += vlen * sizeof(struct btf_var_secinfo);
		break;
	case BTF_KIND_DECL_TAG:
		size += sizeof(struct btf_decl_tag);
		break;
	default:
		return NULL;
	}
	if (size > left)
		return NULL;
	*offset += size;
	return t;
}

int cb_btf_find(const struct cb_btf_view *v, const char *name, int kind)
{
	const struct btf_type *t;
	size_t at = 0;

	for (int id = 1; (t = cb_btf_next(v, &at)); id++) {
		const char *other = btf_kind(t) == kind ? cb_btf_name(v, t->name_off) : NULL;

		if (other && !strcmp(other, name))
			return id;
	}
	return -ENOENT;
}
