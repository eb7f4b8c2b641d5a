/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* pvh.h - an x86 kernel unpacked on the host, which is faster at that than an emulated processor. */
#ifndef CB_LAB_PVH_H
#define CB_LAB_PVH_H

/* A descriptor of the ELF file in a kernel image, if it has the entry point that qemu starts such a file at (Linux since 4.21 with
 * CONFIG_PVH); or -1: let the image unpack itself. */
int cb_lab_pvh(const char *image);

#endif
