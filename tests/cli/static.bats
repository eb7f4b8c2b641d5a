#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The one static file, in a root directory that holds nothing else.

load common

setup() {
	static=$SRC/build-static/coolbpf
	[ -x "$static" ] || skip "not built: make static"
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"
	cp "$static" "$root"
}

@test "it is one stripped file below 10 MB that needs no other" {
	[ "$(stat -c %s "$static")" -lt 10000000 ]
	run llvm-readelf -S -l "$static"
	[[ $output != *INTERP* ]]
	[[ $output != *.symtab* ]]
}

@test "it runs in an empty root" {
	need_root
	run chroot "$root" /coolbpf version
	[ "$status" -eq 0 ]
	[ "$output" = "$("$COOLBPF" version)" ]
}

@test "it inspects an object in an empty root" {
	need_root
	"$COOLBPF" build "$sample_source" -o "$root/sample.bpf.o"
	diff <(chroot "$root" /coolbpf inspect /sample.bpf.o) <("$COOLBPF" inspect "$root/sample.bpf.o")
}

@test "it says what is missing in an empty root" {
	need_root
	run chroot "$root" /coolbpf doctor
	[ "$status" -eq 1 ]
	[[ $output == *"BTF "*"NO "* ]]
}

@test "it runs a tool in an empty root, given BTF" {
	need_bpf
	"$COOLBPF" build "$SRC/examples/hello.bpf.c" -o "$root/hello.bpf.o"
	cp /sys/kernel/btf/vmlinux "$root/vmlinux.btf"
	cp /bin/true "$BATS_TEST_TMPDIR/cool-true"
	(
		while sleep 0.1; do
			"$BATS_TEST_TMPDIR/cool-true"
		done
	) 3>&- &
	workload=$!
	run timeout 20 chroot "$root" /coolbpf run -q -o json --count 1 --btf /vmlinux.btf --filter 'name == "cool-true"' /hello.bpf.o
	kill $workload
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(jq -r .name <<<"${lines[0]}")" = cool-true ]
}
