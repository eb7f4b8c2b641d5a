#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The one static file for arm64, run by qemu's user mode. (The lab runs it on an arm64 kernel.)

load common

setup() {
	static=$SRC/build-arm64/coolbpf
	[ -x "$static" ] || skip "not built: make static-arm64"
	need_command qemu-aarch64
}

@test "it is one stripped arm64 file below 10 MB that needs no other" {
	[ "$(stat -c %s "$static")" -lt 10000000 ]
	run llvm-readelf -h -S -l "$static"
	[[ $output == *"Machine: "*AArch64* ]]
	[[ $output != *INTERP* ]]
	[[ $output != *.symtab* ]]
}

@test "busybox is beside it, for the same machine" {
	run llvm-readelf -h -l "$SRC/build-arm64/busybox"
	[[ $output == *"Machine: "*AArch64* ]]
	[[ $output != *INTERP* ]]
	[ "$(qemu-aarch64 "$SRC/build-arm64/busybox" echo here)" = here ]
}

@test "it runs" {
	run qemu-aarch64 "$static" version
	[ "$status" -eq 0 ]
	[ "$output" = "$("$COOLBPF" version)" ]
}

@test "it has kept no path of the libraries that it was built with" {
	run grep -c coolbpf-build/ "$static"
	[ "$output" = 0 ]
}

@test "it inspects an object as on any machine" {
	"$COOLBPF" build "$sample_source" -o "$BATS_TEST_TMPDIR/sample.bpf.o"
	diff <(qemu-aarch64 "$static" inspect "$BATS_TEST_TMPDIR/sample.bpf.o") <("$COOLBPF" inspect "$BATS_TEST_TMPDIR/sample.bpf.o")
}
