#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# syscount against a program that makes a known number of calls, and against strace -c of the same process.

load common

setup_file() {
	prepare syscount
}

teardown() {
	clean_up
	[ -z "$strace" ] || kill -KILL "$strace" 2>/dev/null || true
}

# value CALL FIELD
value() {
	query ".[] | select(.map == \"calls\" and .key.call == \"$1\") | .value.$2"
}

@test "syscount counts the calls and errors of one process as the process makes them" {
	start_workload syscalls 10000
	start_tool syscount --pid "$workload"
	go
	end_workload
	stop_tool
	equal "getppid" "10000 0" "$(value getppid count) $(value getppid errors)"
	equal "close" "5000 5000" "$(value close count) $(value close errors)"
	equal "processes" "0" "$(query 'map(select(.map != "calls")) | length')"
	# largest first
	equal "order" "getppid close" "$(query 'map(.key.call)[:2] | join(" ")')"
}

@test "syscount agrees with strace -c" {
	need_command strace
	start_workload syscalls 1000
	strace -c -p "$workload" -o "$BATS_TEST_TMPDIR/strace" 2>"$BATS_TEST_TMPDIR/attached" 3>&- 7>&- &
	strace=$!
	wait_until 10 grep -q attached "$BATS_TEST_TMPDIR/attached"
	start_tool syscount --pid "$workload"
	go
	end_workload
	wait "$strace"
	strace=
	stop_tool
	for call in getppid close; do
		# % time, seconds, usecs/call, calls, errors (or nothing), syscall
		found=$(awk -v c="$call" '$NF == c { print $4, (NF > 5 ? $5 : 0) }' "$BATS_TEST_TMPDIR/strace")
		equal "$call" "$found" "$(value "$call" count) $(value "$call" errors)"
	done
}

@test "syscount measures time: 10 sleeps of 20 ms" {
	start_workload naps 10 20
	start_tool syscount --pid "$workload" --histogram
	go
	end_workload
	stop_tool
	call=$(query 'map(select(.map == "calls" and (.key.call | endswith("nanosleep"))) | .key.call) | join(" ")')
	equal "count" "10" "$(value "$call" count)"
	between "time" 200000000 "$(awk '$1 == "done" { print $2 }' "$BATS_TEST_TMPDIR/said")" "$(value "$call" time)"
	# none in a slot that ends before 20 ms
	equal "histogram" "10" "$(query ".[] | select(.map == \"latency\" and .key.call == \"$call\") |
		[.buckets[] | select(.to >= 20000000) | .count] | add")"
}

@test "syscount --processes counts for each, --failed only errors, --min only slow calls" {
	# enough to be among the first whatever else this machine does
	start_tool syscount --processes
	start_workload syscalls 50000
	go
	pid=$workload
	end_workload
	stop_tool
	equal "workload's" "workload 50000" "$(query ".[] | select(.key.pid == $pid and .key.call == \"getppid\") |
		\"\\(.key.comm) \\(.value.count)\"")"

	start_tool syscount --failed
	start_workload syscalls 500
	go
	end_workload
	stop_tool
	equal "calls without error" "0" "$(query 'map(select(.value.count != .value.errors)) | length')"
	[ "$(value close count)" -ge 250 ]

	start_tool syscount --min 50ms
	sleep 0.1
	stop_tool
	equal "fast calls" "0" "$(query 'map(select(.value.time < 50000000 * .value.count)) | length')"
	[ "$(query 'length')" -ge 1 ]
}
