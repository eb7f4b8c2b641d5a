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
	"$COOLBPF" build "$sample_source" -o "$root/sample.bpf.o"
	cp /sys/kernel/btf/vmlinux "$root/vmlinux.btf"
	(
		for _ in $(seq 50); do
			sleep 0.1
			/bin/true
		done
	) &
	workload=$!
	run timeout 20 chroot "$root" /coolbpf run /sample.bpf.o --btf /vmlinux.btf -o json --count 1 --filter 'comm == "true"' -q
	kill $workload
	[ "$status" -eq 0 ]
	[ "$(jq -r .comm <<<"${lines[0]}")" = true ]
	[ "$(jq -r .latency <<<"${lines[0]}")" = 1500000 ]
}
