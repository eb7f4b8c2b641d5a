#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Every tool on other kernels than this one, as far as that can be seen here: against the types of old kernels it compiles,
# and what the relocations make of it is code that a verifier accepts. See load_tools.c.

load common

setup_file() {
	cc -O1 -o "$BATS_FILE_TMPDIR/load_tools" "$SRC/tests/tools/load_tools.c" -lbpf
	mkdir "$BATS_FILE_TMPDIR/here"
	for tool in "$SRC"/tools/*.bpf.c; do
		"$COOLBPF" build "$tool" -o "$BATS_FILE_TMPDIR/here/$(basename "$tool" .c).o"
	done
}

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	old=$SRC/../shared/data/btf
}

@test "every tool loads by plain libbpf" {
	run "$BATS_FILE_TMPDIR/load_tools" - "$BATS_FILE_TMPDIR"/here/*.o
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c programs <<<"$output")" -ge 13 ]
}

# each_kernel COMMAND ...: with the file of each old kernel's types as one more argument
each_kernel() {
	local file seen=

	for file in "$old"/*."$(uname -m)".btf.zst; do
		[ -e "$file" ] || continue
		zstd -dqf "$file" -o "$BATS_TEST_TMPDIR/btf"
		"$@" "$BATS_TEST_TMPDIR/btf" || {
			echo "with the types of $(basename "$file" .btf.zst)"
			return 1
		}
		seen=1
	done
	[ -n "$seen" ] || skip "no types of old kernels beside the source tree"
}

load_built_here() {
	"$BATS_FILE_TMPDIR/load_tools" "$1" "$BATS_FILE_TMPDIR"/here/*.o >/dev/null
}

@test "tools compiled here load with the types of old kernels" {
	need_command zstd
	each_kernel load_built_here
}

load_built_there() {
	for tool in "$SRC"/tools/*.bpf.c; do
		"$COOLBPF" build --btf "$1" "$tool" -o "$BATS_TEST_TMPDIR/tool.bpf.o" || return 1
		"$BATS_FILE_TMPDIR/load_tools" "$1" "$BATS_TEST_TMPDIR/tool.bpf.o" >/dev/null || return 1
	done
}

@test "tools compile against the types of old kernels" {
	need_command zstd
	each_kernel load_built_there
}
