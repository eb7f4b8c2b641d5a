// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * image.c - one binary: its functions by address, and what DWARF knows of them.
 *
 * libdwfl opens the file, its separate debug file and its .gnu_debugdata, and gives one list of symbols out of .symtab,
 * or .dynsym and what .gnu_debugdata adds. libdwfl's own search goes through that whole list for every address, so the
 * functions are put into a sorted array here, once. The names stay where libelf has them, until one is demangled.
 *
 * Three kinds of addresses: offset in the file (what /proc/PID/maps lets us compute), address in the ELF file (offset
 * and PT_LOAD), and libdwfl's (that plus a bias). Everything kept here is in terms of the ELF file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/symbols.h"

enum { FRAMES_MAX = 64 };

struct symbol {
	uint64_t addr;
	uint64_t size; /* 0: to the next one */
	const char *name;
	uint8_t rank; /* which of several names for an address is better */
	bool owned;   /* name is malloc'd and ready for people */
	bool seen;    /* it was tried to make name better */
};

struct load {
	uint64_t offset, addr, size;
	bool code;
};

struct cb_image {
	Dwfl *dwfl;
	Dwfl_Module *mod;
	Dwarf_Addr bias; /* libdwfl's addresses are the ELF file's plus this */
	struct load *loads;
	size_t load_count;
	struct symbol *symbols; /* by address, one per address */
	size_t count;
	struct cb_inlines *inlines; /* or NULL */
	Dwarf_Addr dwarf_bias;	    /* DWARF's addresses are libdwfl's minus this */
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = cb_debugfile_find,
	.section_address = dwfl_offline_section_address,
};

/* ---- The file --------------------------------------------------------------------------------------------------- */

static bool read_loads(struct cb_image *img)
{
	Elf *elf = dwfl_module_getelf(img->mod, &img->bias);
	GElf_Ehdr ehdr;
	size_t n;

	if (!elf || !gelf_getehdr(elf, &ehdr) || (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) ||
	    elf_getphdrnum(elf, &n) || !n)
		return false;
	img->loads = calloc(n, sizeof(*img->loads));
	for (size_t i = 0; img->loads && i < n; i++) {
		GElf_Phdr ph;

		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD)
			img->loads[img->load_count++] =
				(struct load){ph.p_offset, ph.p_vaddr, ph.p_filesz, ph.p_flags & PF_X};
	}
	return img->load_count;
}

/* A mapping starts at a page, so it may show a little more of the file than its segment: best is the segment with the
 * offset inside, executable ones first. */
static bool offset_to_addr(const struct cb_image *img, uint64_t offset, uint64_t *addr)
{
	const struct load *best = NULL;

	for (size_t i = 0; i < img->load_count; i++) {
		const struct load *l = &img->loads[i];

		if (offset - l->offset < l->size && (!best || (l->code && !best->code)))
			best = l;
	}
	if (best)
		*addr = offset - best->offset + best->addr;
	return best;
}

static bool is_code(const struct cb_image *img, uint64_t addr)
{
	for (size_t i = 0; i < img->load_count; i++)
		if (img->loads[i].code && addr - img->loads[i].addr < img->loads[i].size)
			return true;
	return false;
}

/* ---- Symbols ---------------------------------------------------------------------------------------------------- */

/* Which name people expect: a function, with a size, visible, without underscores ("malloc", not "__libc_malloc"). */
static uint8_t rank(const GElf_Sym *sym, const char *name)
{
	unsigned bind = GELF_ST_BIND(sym->st_info), underscores = (unsigned)strspn(name, "_");

	return (uint8_t)((GELF_ST_TYPE(sym->st_info) != STT_NOTYPE) << 6 | (sym->st_size != 0) << 5 |
			 (bind == STB_LOCAL  ? 0
			  : bind == STB_WEAK ? 1
					     : 2)
				 << 3 |
			 (underscores > 7 ? 0 : 7 - underscores));
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void read_symbols(struct cb_image *img)
{
	int n = dwfl_module_getsymtab(img->mod);
	size_t count = 0, unique = 0;

	if (n <= 0)
		return;
	img->symbols = calloc((size_t)n, sizeof(*img->symbols));
	for (int i = 1; img->symbols && i < n; i++) {
		GElf_Addr addr;
		GElf_Sym sym;
		const char *name = dwfl_module_getsym_info(img->mod, i, &sym, &addr, NULL, NULL, NULL);
		int type = GELF_ST_TYPE(sym.st_info);

		/* a name with $ in front marks where code and data alternate (arm), .L is a compiler's label */
		if (!name || !*name || *name == '$' || !strncmp(name, ".L", 2) || sym.st_shndx == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE))
			continue;
		addr -= img->bias;
		if (!is_code(img, addr))
			continue;
		img->symbols[count++] =
			(struct symbol){.addr = addr, .size = sym.st_size, .name = name, .rank = rank(&sym, name)};
	}
	if (count)
		qsort(img->symbols, count, sizeof(*img->symbols), compare);
	for (size_t i = 0; i < count; i++)
		if (!unique || img->symbols[unique - 1].addr != img->symbols[i].addr)
			img->symbols[unique++] = img->symbols[i];
	img->count = unique;
}

static struct symbol *find_symbol(const struct cb_image *img, uint64_t addr)
{
	size_t low = 0, high = img->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (img->symbols[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* labels within a hand-written function are symbols too: the function around them is near */
	for (int i = 0; low && i < 8; i++) {
		struct symbol *s = &img->symbols[--low];

		if (s->size ? addr - s->addr < s->size : !i)
			return s;
	}
	return NULL;
}

/* For people: demangled, and without the version that a symbol of a library may have ("memcpy@@GLIBC_2.14"). */
static const char *symbol_name(struct symbol *s)
{
	size_t len = strcspn(s->name, "@");
	struct cb_buf shown = {0};
	char *name = NULL;

	if (s->seen)
		return s->name;
	s->seen = true;
	if (cb_demangle(s->name, &shown))
		name = strdup(cb_buf_cstr(&shown));
	else if (s->name[len] && len)
		name = strndup(s->name, len);
	if (name) {
		s->name = name;
		s->owned = true;
	}
	cb_buf_free(&shown);
	return s->name;
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static struct cb_image *open_image(int fd, struct cb_debugfile_request *rq)
{
	struct cb_image *img = calloc(1, sizeof(*img));
	void **userdata;

	fd = cb_file_own(fd);
	if (!img || fd < 0)
		goto fail;
	img->dwfl = dwfl_begin(&callbacks);
	if (!img->dwfl)
		goto fail;
	dwfl_report_begin(img->dwfl);
	img->mod = dwfl_report_offline(img->dwfl, rq->path, rq->path, fd);
	if (!img->mod)
		goto fail;
	fd = -1; /* libdwfl closes it */
	dwfl_report_end(img->dwfl, NULL, NULL);
	dwfl_module_info(img->mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = rq;
	if (read_loads(img))
		return img;
fail:
	if (fd >= 0)
		close(fd);
	cb_image_free(img);
	return NULL;
}

struct cb_image *cb_image_new(int fd, const char *path, const char *root)
{
	struct cb_debugfile_request rq = {path, root};
	struct cb_image *img = open_image(fd, &rq);
	void **userdata;
	Dwarf *dw;

	if (!img)
		return NULL;
	read_symbols(img);
	dw = dwfl_module_getdwarf(img->mod, &img->dwarf_bias);
	if (dw)
		img->inlines = cb_inlines_new(dw);
	dwfl_module_info(img->mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = NULL;
	return img;
}

int cb_image_frames(struct cb_image *img, uint64_t offset, struct coolbpf_symbol *out, size_t max)
{
	struct cb_inline_frame frames[FRAMES_MAX];
	struct symbol *s;
	uint64_t addr, at;
	size_t n = 0;

	if (!max || !offset_to_addr(img, offset, &addr))
		return -ENOENT;
	at = addr + img->bias - img->dwarf_bias;
	if (img->inlines)
		n = cb_inlines_find(img->inlines, at, frames, max < FRAMES_MAX ? max : FRAMES_MAX);
	for (size_t i = 0; i < n; i++) {
		out[i].name = frames[i].name ? frames[i].name : "";
		out[i].offset = frames[i].inlined || frames[i].low > at ? 0 : at - frames[i].low;
		out[i].file = frames[i].file;
		out[i].line = frames[i].line;
		out[i].inlined = frames[i].inlined;
	}
	/* the outermost frame is a function of its own, and the symbol table is nearer to the truth about those: it tells
	 * a part that was split off ("f.cold") from the function itself */
	s = n && out[n - 1].inlined ? NULL : find_symbol(img, addr);
	if (!s)
		return n && *out[n - 1].name ? (int)n : -ENOENT;
	if (!n) {
		out[0].file = "";
		out[0].line = 0;
		out[0].inlined = false;
		n = 1;
	}
	out[n - 1].name = symbol_name(s);
	out[n - 1].offset = addr - s->addr;
	return (int)n;
}

void cb_image_free(struct cb_image *img)
{
	if (!img)
		return;
	cb_inlines_free(img->inlines);
	for (size_t i = 0; i < img->count; i++)
		if (img->symbols[i].owned)
			free((char *)img->symbols[i].name);
	free(img->symbols);
	free(img->loads);
	if (img->dwfl)
		dwfl_end(img->dwfl);
	free(img);
}
