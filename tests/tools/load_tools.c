// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * load_tools.c - load tools by plain libbpf, without coolbpf: load_tools BTF|- OBJECT ...
 *
 * With "-" the objects are resolved against the running kernel; with a file, against that other kernel's types. The
 * verifier then sees the code that the other kernel would see: a member that it lacks, and that a tool does not ask about
 * first, is an instruction that the verifier refuses. Programs whose load needs a function or trace point of the running
 * kernel by its BTF (fentry, tp_btf) are left out with another kernel's types, and fentry always, for a tool has it only as
 * an alternative. Ring buffers become perf buffers where the types know no ring buffer, as coolbpf does it.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int load(const char *path, const char *btf_path, int has_ringbuf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *obj = bpf_object__open_file(path, &opts);
	struct bpf_program *prog;
	struct bpf_map *map;
	int err, loaded = 0;

	if (!obj)
		return -errno;
	bpf_object__for_each_program (prog, obj) {
		const char *section = bpf_program__section_name(prog);
		int skip = !strncmp(section, "fentry", 6) || (btf_path && !strncmp(section, "tp_btf", 6));

		bpf_program__set_autoload(prog, !skip);
		loaded += !skip;
	}
	bpf_object__for_each_map (map, obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF && !has_ringbuf) {
			bpf_map__set_type(map, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
			bpf_map__set_key_size(map, sizeof(int));
			bpf_map__set_value_size(map, sizeof(int));
			bpf_map__set_max_entries(map, 0);
		}
	err = bpf_object__load(obj);
	if (!err)
		printf("%s: %d programs\n", path, loaded);
	bpf_object__close(obj);
	return err;
}

int main(int argc, char **argv)
{
	const char *btf_path = argc > 1 && strcmp(argv[1], "-") ? argv[1] : NULL;
	struct btf *btf = btf_path ? btf__parse(btf_path, NULL) : btf__load_vmlinux_btf();
	int failed = 0, has_ringbuf;

	if (!btf) {
		fprintf(stderr, "cannot read the kernel's BTF: %s\n", strerror(errno));
		return 1;
	}
	has_ringbuf = btf__find_by_name_kind(btf, "bpf_ringbuf", BTF_KIND_STRUCT) > 0;
	btf__free(btf);
	libbpf_set_print(quiet);
	for (int i = 2; i < argc; i++) {
		int err = load(argv[i], btf_path, has_ringbuf);

		if (err) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-err));
			failed = 1;
		}
	}
	return failed;
}
