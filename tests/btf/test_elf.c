// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_elf.c - an object of four sections, written here field by field (ELF-64, figures 2 to 8), is in order; with one
 * field pointing anywhere else it is refused.
 */
#include "check.h"

#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "btf/elf.h"

enum { NAMES = 1, SYMBOLS, CODE, RELOCATIONS, BTF, BSS, SECTIONS };

static const char names[] = "\0.strtab\0.symtab\0socket\0.relsocket\0.BTF\0.bss\0f";
enum { NAME_STRTAB = 1, NAME_SYMTAB = 9, NAME_SOCKET = 17, NAME_REL = 24, NAME_BTF = 35, NAME_BSS = 40, NAME_F = 45 };

/* In the order of the file. */
struct object {
	Elf64_Ehdr head;
	Elf64_Sym symbols[2];
	Elf64_Rel relocations[1];
	char code[32];
	char btf[6];
	char names[sizeof(names)];
	Elf64_Shdr sections[SECTIONS];
} __attribute__((packed));

static struct object good(void)
{
	struct object o =
		{
			.head = {.e_type = ET_REL,
				 .e_machine = EM_BPF,
				 .e_shoff = offsetof(struct object, sections),
				 .e_shentsize = sizeof(Elf64_Shdr),
				 .e_shnum = SECTIONS,
				 .e_shstrndx = NAMES},
			.symbols = {{0}, {.st_name = NAME_F, .st_shndx = CODE, .st_value = 16, .st_size = 16}},
			.relocations = {{.r_offset = 24, .r_info = ELF64_R_INFO(1, 1)}},
			.btf = "types",
			.sections =
				{
					[NAMES] = {NAME_STRTAB, SHT_STRTAB, 0, 0, offsetof(struct object, names),
						   sizeof(names), 0, 0, 1, 0},
					[SYMBOLS] = {NAME_SYMTAB, SHT_SYMTAB, 0, 0, offsetof(struct object, symbols),
						     2 * sizeof(Elf64_Sym), NAMES, 1, 8, sizeof(Elf64_Sym)},
					[CODE] = {NAME_SOCKET, SHT_PROGBITS, 0, 0, offsetof(struct object, code), 32, 0,
						  0, 8, 0},
					[RELOCATIONS] = {NAME_REL, SHT_REL, 0, 0, offsetof(struct object, relocations),
							 sizeof(Elf64_Rel), SYMBOLS, CODE, 8, sizeof(Elf64_Rel)},
					[BTF] = {NAME_BTF, SHT_PROGBITS, 0, 0, offsetof(struct object, btf), 6, 0,
						 0, 1, 0},
					[BSS] = {NAME_BSS, SHT_NOBITS, 0, 0, 0, 4096, 0, 0, 8, 0},
				},
		};

	memcpy(o.head.e_ident, ELFMAG, SELFMAG);
	o.head.e_ident[EI_CLASS] = ELFCLASS64;
	o.head.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	memcpy(o.names, names, sizeof(names));
	return o;
}

static void in_order(void **state)
{
	struct object o = good();
	struct cb_err e = {0};
	const void *data;
	size_t len;

	assert_int_equal(cb_elf_check(&o, sizeof(o), &e), 0);
	assert_string_equal(e.text, "");
	assert_int_equal(cb_elf_section(&o, sizeof(o), ".BTF", &data, &len), 0);
	assert_int_equal(len, 6);
	assert_string_equal(data, "types");
	assert_int_equal(cb_elf_section(&o, sizeof(o), ".BTF.ext", &data, &len), -ENOENT);
	assert_int_equal(cb_elf_section(&o, sizeof(o), "socke", &data, &len), -ENOENT);
	assert_int_equal(cb_elf_section(&o, sizeof(o), ".bss", &data, &len), -EINVAL);
}

static void cut_anywhere(void **state)
{
	struct object o = good();
	const void *data;
	size_t len;

	/* in an allocation of its own, so that reading past the end is seen */
	for (size_t n = 0; n < sizeof(o); n++) {
		void *cut = test_malloc(n);

		memcpy(cut, &o, n);
		assert_int_equal(cb_elf_check(cut, n, NULL), -EINVAL);
		assert_int_equal(cb_elf_section(cut, n, ".BTF", &data, &len), -EINVAL);
		test_free(cut);
	}
}

static void of_another_machine(void **state)
{
	struct object o = good();
	const void *data;
	size_t len;

	o.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(cb_elf_check(&o, sizeof(o), NULL), -ENOTSUP);
	o = good();
	o.head.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	assert_int_equal(cb_elf_section(&o, sizeof(o), ".BTF", &data, &len), -ENOTSUP);
	memset(&o, 'x', sizeof(o));
	assert_int_equal(cb_elf_check(&o, sizeof(o), NULL), -EINVAL);
}

/* The object with one field set otherwise must be refused. */
#define refused(field, value)                                                                                          \
	do {                                                                                                           \
		struct object o = good();                                                                              \
		struct cb_err e = {0};                                                                                 \
		o.field = (value);                                                                                     \
		if (cb_elf_check(&o, sizeof(o), &e) != -EINVAL || !*e.text)                                            \
			fail_msg(#field " = " #value " is taken");                                                     \
	} while (0)

static void the_table_of_sections(void **state)
{
	refused(head.e_shoff, sizeof(struct object));
	refused(head.e_shoff, UINT64_MAX - 10);
	refused(head.e_shnum, SECTIONS + 1);
	refused(head.e_shnum, 0);
	refused(head.e_shentsize, 40);
	refused(head.e_shstrndx, SECTIONS);
	refused(head.e_shstrndx, CODE);
	refused(sections[CODE].sh_name, sizeof(names));
	refused(sections[CODE].sh_offset, sizeof(struct object));
	refused(sections[CODE].sh_offset, UINT64_MAX);
	refused(sections[CODE].sh_size, sizeof(struct object));
	refused(sections[CODE].sh_size, UINT64_MAX);
	refused(sections[BSS].sh_size, 1ULL << 40);
	refused(sections[NAMES].sh_size, 0);
	refused(sections[NAMES].sh_size, sizeof(names) - 1); /* then the last name has no end */
	refused(names[sizeof(names) - 1], 'x');
}

static void symbols(void **state)
{
	refused(sections[SYMBOLS].sh_entsize, 16);
	refused(sections[SYMBOLS].sh_link, SECTIONS);
	refused(sections[SYMBOLS].sh_link, CODE);
	refused(symbols[1].st_name, sizeof(names));
	refused(symbols[1].st_shndx, SECTIONS);
	refused(symbols[1].st_value, 17);
	refused(symbols[1].st_size, 17);
	refused(symbols[1].st_size, UINT64_MAX - 15); /* the end of the symbol wraps around to 0 */
}

static void relocations(void **state)
{
	refused(sections[RELOCATIONS].sh_entsize, 24);
	refused(sections[RELOCATIONS].sh_link, SECTIONS);
	refused(sections[RELOCATIONS].sh_link, CODE);
	refused(sections[RELOCATIONS].sh_info, SECTIONS);
	refused(relocations[0].r_offset, 32);
	refused(relocations[0].r_info, ELF64_R_INFO(2, 1));
}

static void two_of_one_name(void **state)
{
	struct object o = good();
	const void *data;
	size_t len;

	o.sections[CODE].sh_name = NAME_BTF;
	assert_int_equal(cb_elf_section(&o, sizeof(o), ".BTF", &data, &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(of_another_machine),
		cmocka_unit_test(the_table_of_sections),
		cmocka_unit_test(symbols),
		cmocka_unit_test(relocations),
		cmocka_unit_test(two_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
