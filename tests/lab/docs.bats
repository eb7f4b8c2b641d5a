#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# docs/lab.md: the tool that it shows fails and passes as it says.

load ../cli/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	need_command qemu-system-x86_64
	for kernel in debian:5.10 debian:6.1; do
		"$COOLBPF" lab kernels -o json "$kernel" | jq -e 'length == 1' >/dev/null || skip "the kernel $kernel is not in the cache"
	done
	awk '/^<!-- file: /{name = $3; next} /^```$/ && on{name = ""; on = 0} on{print >name} /^```/ && name{on = 1}' "$SRC/docs/lab.md"
}

@test "the tool of docs/lab.md fails on 5.10, and on no kernel as it is then" {
	run "$COOLBPF" lab run unlinks.lab --kernels debian:5.10,debian:6.1
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL unlinks on debian:5.10"*"wrong value"*'"name":""'* ]]
	[[ $output == *"1 passed, 1 failed, 0 skipped"* ]]
	hook=$(grep -o 'SEC("kprobe/security_inode_unlink")' "$SRC/docs/lab.md")
	arguments=$(sed -n 's/^int BPF_KPROBE(on_unlink, \(struct inode.*\))$/\1/p' "$SRC/docs/lab.md")
	sed -i "s|^SEC(\"kprobe.*|$hook|; s|^int BPF_KPROBE(on_unlink, .*|int BPF_KPROBE(on_unlink, $arguments)|" unlinks.bpf.c
	run "$COOLBPF" lab run unlinks.lab --kernels debian:5.10,debian:6.1
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
}
