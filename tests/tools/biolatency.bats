#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# biolatency against the kernel's counters of a loop device that only the test uses.

load common

setup_file() {
	prepare biolatency
}

setup() {
	need_tools
	need_command losetup
	truncate -s 16M "$BATS_TEST_TMPDIR/disk"
	cp "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/other"
	loop=$(losetup --show -f "$BATS_TEST_TMPDIR/disk") || skip "no loop device can be made here"
	other=$(losetup --show -f "$BATS_TEST_TMPDIR/other") || skip "no second loop device can be made here"
	stat=/sys/block/${loop#/dev/}/stat
}

teardown() {
	clean_up
	for device in $loop $other; do
		losetup -d "$device"
	done
}

# start BIOLATENCY'S-OPTION ...: and let each CPU pass its tracepoints, for another disk, before requests are counted (see start_tool)
start() {
	start_tool biolatency "$@"
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		taskset -c "$cpu" dd if=/dev/zero of="$other" bs=4k count=3 oflag=direct status=none || true
	done
}

# requests READS|WRITES: completed ones; a line of 17 numbers, reads first, writes fifth (Documentation/block/stat.rst)
requests() {
	awk -v n="$1" '{ print n == "reads" ? $1 : $5 }' "$stat"
}

@test "biolatency counts each request of a disk" {
	start --disks
	reads=$(requests reads) writes=$(requests writes)
	dd if=/dev/zero of="$loop" bs=4k count=300 oflag=direct status=none
	dd if="$loop" of=/dev/null bs=16k count=100 iflag=direct status=none
	reads=$(($(requests reads) - reads)) writes=$(($(requests writes) - writes))
	stop_tool
	[ "$writes" -ge 300 ]
	[ "$reads" -ge 100 ]
	equal "requests" "$((reads + writes))" \
		"$(query "map(select(.map == \"by_disk\" and .key.disk == \"${loop#/dev/}\") | .buckets[].count) | add")"
}

@test "biolatency tells reads from writes" {
	start --flags --disks
	writes=$(requests writes)
	dd if=/dev/zero of="$loop" bs=64k count=50 oflag=direct status=none
	writes=$(($(requests writes) - writes))
	stop_tool
	# direct writes wait for their end: W synchronous
	between "kinds" "$writes" 100000 "$(query 'map(select(.map == "by_kind" and .key.kind == "WS") | .buckets[].count) | add')"
	equal "maps" "by_disk by_kind" "$(query 'map(.map) | unique | join(" ")')"
}

@test "biolatency: all in one histogram, of plausible times" {
	start
	writes=$(requests writes)
	dd if=/dev/zero of="$loop" bs=4k count=200 oflag=direct status=none
	writes=$(($(requests writes) - writes))
	stop_tool
	equal "maps" "latency" "$(query 'map(.map) | unique | join(" ")')"
	between "requests" "$writes" 100000 "$(query 'map(.buckets[].count) | add')"
	# no disk takes less than 100 ns or, for 4 KB, a minute
	equal "odd ones" "0" "$(query 'map(.buckets[] | select(.count > 0 and (.to < 100 or .from > 60000000000))) | length')"
}
