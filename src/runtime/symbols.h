/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * symbols.h - names for addresses, inside.
 *
 *   symbols.c   the handle of coolbpf.h, over:
 *     ksym.c      the kernel's table
 *     usym.c      processes: which binary lies at an address, and what is kept when the process has gone
 *       procmaps.c  /proc/PID/maps
 *       perfmap.c   /tmp/perf-PID.map of JIT compilers
 *       image.c     one binary: its symbol table and its DWARF, shared by every process that maps it
 *         debugfile.c  where its separate debug file is
 *         inlines.c    which functions were inlined at an address
 *   demangle.c  C++ and Rust
 */
#ifndef CB_SYMBOLS_H
#define CB_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hmap.h"
#include "coolbpf/coolbpf.h"

/* -1: not a hexadecimal digit. */
static inline int cb_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- Demangling ------------------------------------------------------------------------------------------------- */

/* Append the source's name of a mangled C++ or Rust symbol; false, and nothing appended, when it is not one. */
bool cb_demangle(const char *name, struct cb_buf *out);

/* ---- Kernel ----------------------------------------------------------------------------------------------------- */

struct cb_ksym {
	uint64_t addr;
	uint32_t name, module; /* offsets into cb_ksyms.names; module is that of "" for the kernel itself */
};

/* A zeroed struct is an empty table. */
struct cb_ksyms {
	struct cb_ksym *syms; /* after cb_ksyms_sort(): by address, one per address */
	size_t count, cap;
	struct cb_buf names;
	uint32_t module; /* of the line before, and how long its name is */
	size_t module_len;
	bool sorted; /* so far */
	bool hidden; /* there were lines, all with address zero */
};

/* Read the kernel's table from path (a file as /proc/kallsyms is). -EPERM: its addresses are hidden from us. */
int cb_ksyms_load(struct cb_ksyms *k, const char *path, struct cb_err *e);
/* Take the complete lines of a piece of that file; *used is what was taken. 0, -ENOMEM, -EFBIG. */
int cb_ksyms_add(struct cb_ksyms *k, const char *text, size_t len, size_t *used);
void cb_ksyms_sort(struct cb_ksyms *k);
/* The symbol that covers an address, or NULL. */
const struct cb_ksym *cb_ksyms_find(const struct cb_ksyms *k, uint64_t addr);
void cb_ksyms_free(struct cb_ksyms *k);

/* ---- /proc/PID/maps --------------------------------------------------------------------------------------------- */

struct cb_binary;

struct cb_mapping {
	uint64_t start, end, offset; /* offset in the file of start */
	uint64_t inode;		     /* 0: no file */
	const char *path;	     /* "" when anonymous; without " (deleted)" */
	struct cb_binary *binary;    /* usym.c: NULL when there is no file, or it is out of reach */
};

/* The executable mappings of a process, by address. */
struct cb_maps {
	struct cb_mapping *v;
	size_t count;
	char *text; /* the paths */
};

/* Takes text (malloc'd, a zero behind its len bytes) over, also on failure. Lines that make no sense are left out.
 * -ENOMEM. */
int cb_maps_parse(char *text, size_t len, struct cb_maps *out);
struct cb_mapping *cb_maps_find(const struct cb_maps *m, uint64_t addr);
void cb_maps_free(struct cb_maps *m);

/* ---- /tmp/perf-PID.map ------------------------------------------------------------------------------------------ */

struct cb_jitsym {
	uint64_t start, end;
	uint32_t name; /* offset into cb_perfmap.names */
	uint32_t age;  /* a greater one came later in the file */
};

/* A zeroed struct is an empty map. */
struct cb_perfmap {
	struct cb_jitsym *v;
	size_t count, cap;
	struct cb_buf names;
	uint32_t next_age;
	uint64_t inode, read; /* the file, and how far it was read */
};

/* Take the complete lines of a piece of the file; *used is what was taken. 0, -ENOMEM, -EFBIG. */
int cb_perfmap_add(struct cb_perfmap *p, const char *text, size_t len, size_t *used);
/* Put what was added in order: where lines overlap, the later one is right. 0 or -ENOMEM. */
int cb_perfmap_settle(struct cb_perfmap *p);
/* Read what is new in the file, which must belong to owner or to root. True when there was something new. */
bool cb_perfmap_update(struct cb_perfmap *p, const char *path, uid_t owner);
const struct cb_jitsym *cb_perfmap_find(const struct cb_perfmap *p, uint64_t addr);
void cb_perfmap_free(struct cb_perfmap *p);

/* ---- One binary ------------------------------------------------------------------------------------------------- */

struct cb_image;

/* Reads symbols and DWARF of an open ELF file and closes fd in every case. path: its name as seen from root, which is
 * "/proc/PID/root" or ""; both are for finding the debug file and are not kept. NULL: not an ELF file we can use. */
struct cb_image *cb_image_new(int fd, const char *path, const char *root);
/* The frames at an offset of the file, as coolbpf_symbols_user(); module is left alone. -ENOENT. */
int cb_image_frames(struct cb_image *img, uint64_t offset, struct coolbpf_symbol *out, size_t max);
void cb_image_free(struct cb_image *img);

/* An open file's descriptor, or that of a copy of our own when somebody else could truncate the file while it is mapped
 * here (which would be a SIGBUS). Closes fd when it does not return it. -1: cannot be used. */
int cb_file_own(int fd);

enum { CB_BUILD_ID_MAX = 64 };

/* The build id of an open ELF file; 0 when it has none. */
size_t cb_file_build_id(int fd, unsigned char id[CB_BUILD_ID_MAX]);

/* What cb_debugfile_find() needs to know; lives during cb_image_new(). */
struct cb_debugfile_request {
	const char *path, *root;
};

/* A find_debuginfo callback for libdwfl; *userdata is a struct cb_debugfile_request, or NULL for no search. */
int cb_debugfile_find(Dwfl_Module *mod, void **userdata, const char *modname, Dwarf_Addr base, const char *file_name,
		      const char *link, GElf_Word crc, char **found);

/* ---- Inlined functions ------------------------------------------------------------------------------------------ */

struct cb_inlines;

/* What DWARF says of the code: names belong to the struct cb_inlines. */
struct cb_inline_frame {
	const char *name; /* demangled, or NULL */
	uint64_t low;	  /* where the function begins, when it is not inlined */
	const char *file; /* or "" */
	unsigned line;	  /* or 0 */
	bool inlined;
};

/* dw must outlive it. NULL: no memory. */
struct cb_inlines *cb_inlines_new(Dwarf *dw);
/* Frames at an address (in dw's terms), innermost first: how many (at most max); 0 when dw does not know the address. */
size_t cb_inlines_find(struct cb_inlines *in, uint64_t addr, struct cb_inline_frame *out, size_t max);
void cb_inlines_free(struct cb_inlines *in);

/* ---- Processes -------------------------------------------------------------------------------------------------- */

struct cb_usyms;

struct cb_usyms *cb_usyms_new(void);
int cb_usyms_find(struct cb_usyms *u, pid_t pid, uint64_t addr, struct coolbpf_symbol *out, size_t max,
		  struct cb_err *e);
void cb_usyms_forget(struct cb_usyms *u, pid_t pid);
void cb_usyms_free(struct cb_usyms *u);

#endif
