#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# runqlat against /proc/PID/schedstat: time on CPUs, time waiting for one, number of times it got one.

load common

setup_file() {
	prepare runqlat
}

teardown() {
	clean_up
	[ -z "$rival" ] || kill -KILL "$rival" 2>/dev/null || true
}

@test "runqlat: a process that shares a CPU waits as often, and as long, as the kernel says" {
	need_command taskset
	[ -r /proc/self/schedstat ] || skip "this kernel keeps no scheduler statistics"
	pinned=(taskset -c 0)
	start_workload busy 700
	start_tool runqlat --pid "$workload"
	taskset -c 0 "$BATS_FILE_TMPDIR/workload" busy 5000 </dev/null >/dev/null 3>&- 7>&- &
	rival=$!
	read -r _ waited_before times_before <"/proc/$workload/schedstat"
	go
	finished
	read -r _ waited times <"/proc/$workload/schedstat"
	kill -KILL "$rival"
	stop_tool
	end_workload
	count=$(query 'map(select(.map == "latency") | .buckets[].count) | add')
	# after the last reading it still had to end
	between "turns" "$(((times - times_before) * 97 / 100 - 2))" "$((times - times_before + 8))" "$count"
	# the true sum lies between the sums of the slots' lower and upper ends
	low=$(query 'map(.buckets[] | .from * .count) | add')
	high=$(query 'map(.buckets[] | .to * .count) | add')
	ns=$((waited - waited_before))
	[ "$ns" -gt 100000000 ]
	between "waited" "$((low * 9 / 10))" "$((high * 11 / 10))" "$ns"
}

@test "runqlat: one histogram for each process, and only long waits with --min" {
	need_command taskset
	pinned=(taskset -c 0)
	start_workload busy 300
	start_tool runqlat --processes --min 1ms
	taskset -c 0 "$BATS_FILE_TMPDIR/workload" busy 5000 </dev/null >/dev/null 3>&- 7>&- &
	rival=$!
	go
	pid=$workload
	end_workload
	kill -KILL "$rival"
	stop_tool
	equal "name" "workload" "$(query ".[] | select(.map == \"by_process\" and .key.pid == $pid) | .key.comm")"
	equal "others" "true" "$(query "any(.map == \"by_process\" and .key.pid == $rival)")"
	equal "maps" "by_process" "$(query 'map(.map) | unique | join(" ")')"
	# 1 ms lies between 2^19 and 2^20 nanoseconds
	equal "short waits" "0" "$(query 'map(.buckets[] | select(.to <= 524288 and .count > 0)) | length')"
}
