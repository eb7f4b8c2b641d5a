// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* pin - leaves a BPF program ("prog") or a map ("map") pinned in the BPF file system. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static long load_program(void)
{
	const struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
					 {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (unsigned long)insns,
			       .insn_cnt = 2,
			       .license = (unsigned long)"GPL",
			       .prog_name = "left_program"};

	return bpf(BPF_PROG_LOAD, &attr);
}

static long make_map(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = 8,
			       .max_entries = 1,
			       .map_name = "left_map"};

	return bpf(BPF_MAP_CREATE, &attr);
}

int main(int argc, char **argv)
{
	long fd = argc == 2 && !strcmp(argv[1], "map") ? make_map() : load_program();
	union bpf_attr attr = {.pathname = (unsigned long)"/sys/fs/bpf/left", .bpf_fd = (unsigned int)fd};

	if (fd < 0 || bpf(BPF_OBJ_PIN, &attr)) {
		perror("bpf");
		return 1;
	}
	return 0;
}
