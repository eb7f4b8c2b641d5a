#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Each example, run as its opening comment says, against what the test makes happen.

load common

setup_file() {
	export cannot_run=
	[ "$(id -u)" -eq 0 ] || cannot_run="needs root"
	for example in "$SRC"/examples/*.bpf.c; do
		"$COOLBPF" build "$example" -o "$BATS_FILE_TMPDIR/$(basename "$example" .c).o"
	done
	cc -g -O1 -o "$BATS_FILE_TMPDIR/target" "$SRC/examples/target.c"
}

teardown() {
	clean_up
}

@test "hello: programs that begin" {
	start_tool hello
	/bin/true
	stop_tool
	equal "true" "1" "$(query 'map(select(.name == "true")) | length')"
}

@test "params: sizes, an enum, a name, and what is wrong is refused" {
	start_tool params --size 64K --direction out --comm dd
	dd if=/dev/zero of=/dev/null bs=64K count=7 status=none
	dd if=/dev/zero of=/dev/null bs=65535 count=5 status=none
	stop_tool
	equal "events" "7" "$(query 'length')"
	equal "what" "dd out 65536" "$(query 'map("\(.name) \(.direction) \(.size)") | unique | join(";")')"
	run "$COOLBPF" run "$BATS_FILE_TMPDIR/params.bpf.o" --direction sideways
	[ "$status" -eq 2 ]
	[[ $output == *both*in*out* ]]
}

@test "events: connections with address, port, error" {
	start_tool events --filter 'port == 17476'
	(exec 5<>/dev/tcp/127.0.0.1/17476) 2>/dev/null || true
	stop_tool
	equal "events" "127.0.0.1 -ECONNREFUSED" "$(query 'map("\(.remote) \(.ret)") | join(";")')"
}

@test "counts: page faults by process" {
	start_tool counts
	dd if=/dev/zero of=/dev/null bs=32M count=1 status=none
	stop_tool
	# 32 MB are 8192 pages of 4 KB; huge pages take fewer faults
	between "faults of dd" 50 9500 "$(query 'map(select(.key.comm == "dd") | .value.all) | add')"
	between "entries" 1 10 "$(query 'length')"
}

@test "histogram: sizes of writes" {
	start_tool histogram
	dd if=/dev/zero of=/dev/null bs=300000 count=50 status=none
	stop_tool
	between "writes of 2^18 to 2^19" 50 500 "$(query 'map(.buckets[] | select(.from == 262144) | .count) | add')"
}

@test "stack: who sends signals" {
	start_tool stack
	sleep 10 3>&- &
	workload=$!
	kill -TERM "$workload"
	wait "$workload" || true
	workload=
	stop_tool
	[ "$(query 'map(select(.key.kernel_stack | any(test("kill"))) | .value) | add')" -ge 1 ]
}

@test "uprobe: arguments and results of a function" {
	start_tool uprobe --binary "$BATS_FILE_TMPDIR/target" --function work
	"$BATS_FILE_TMPDIR/target" 5 >/dev/null
	stop_tool
	equal "calls" "1=1 2=4 3=9 4=16 5=25" "$(query 'map("\(.argument)=\(.result)") | join(" ")')"
}

@test "usdt: a program's own probe" {
	start_tool usdt --binary "$BATS_FILE_TMPDIR/target"
	"$BATS_FILE_TMPDIR/target" 5 >/dev/null
	stop_tool
	equal "rounds" "1=1 2=4 3=9 4=16 5=25" "$(query 'map("\(.number)=\(.result)") | join(" ")')"
}

@test "skeleton: a C program with a tool inside" {
	need_tools
	[ -d "$BUILD/meson-uninstalled" ] || pkg-config --exists libcoolbpf || skip "libcoolbpf is not installed"
	[ -z "$(nm "$COOLBPF" 2>/dev/null | grep -m1 __asan_init)" ] || skip "the library wants AddressSanitizer in the program"
	export PKG_CONFIG_PATH=$BUILD/meson-uninstalled LD_LIBRARY_PATH=$BUILD/src
	cp -r "$SRC/examples/skeleton" "$SRC/examples/params.bpf.c" "$BATS_TEST_TMPDIR"
	make -C "$BATS_TEST_TMPDIR/skeleton" clean large-writes COOLBPF="$COOLBPF" CFLAGS="-Wall -Wextra -Werror"
	"$BATS_TEST_TMPDIR/skeleton/large-writes" 6 >"$BATS_TEST_TMPDIR/said" 3>&- &
	workload=$!
	times=0
	while kill -0 "$workload" 2>/dev/null; do
		dd if=/dev/zero of=/dev/null bs=1M count=3 status=none
		times=$((times + 1))
		sleep 0.2
	done
	wait "$workload"
	workload=
	read -r name calls _ bytes _ < <(grep '^dd ' "$BATS_TEST_TMPDIR/said")
	equal "name" "dd" "$name"
	between "calls" 3 "$((times * 3))" "$calls"
	equal "bytes" "$((calls << 20))" "$bytes"
}
