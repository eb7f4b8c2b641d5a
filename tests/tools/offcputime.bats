#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# offcputime against a program that sleeps a known time in a known function.

load common

setup_file() {
	prepare offcputime
}

teardown() {
	clean_up
}

@test "offcputime: the time that a process does not run is what its own clocks say" {
	start_workload naps 50 20
	start_tool offcputime --pid "$workload" --preempted
	go
	finished
	stop_tool
	pid=$workload
	end_workload
	expected=$(off_cpu)
	[ "$expected" -ge 950000000 ]
	between "nanoseconds" "$((expected * 97 / 100))" "$((expected * 103 / 100))" "$(query 'map(.value) | add')"
	naps='map(select(.key.user_stack | index("take_a_nap")))'
	between "nanoseconds in take_a_nap" "$((expected * 95 / 100))" "$((expected * 103 / 100))" \
		"$(query "$naps | map(.value) | add")"
	equal "process" "workload $pid" "$(query "$naps | map(\"\\(.key.comm) \\(.key.pid)\") | unique | join(\";\")")"
	equal "kernel's side" "true" "$(query "$naps | any(.key.kernel_stack | any(test(\"nanosleep\")))")"
}

@test "offcputime gives folded stacks and a flame graph" {
	start_workload naps 5 50
	format=folded start_tool offcputime --pid "$workload" --min 10ms
	go
	finished
	stop_tool
	end_workload
	# the outermost frame first: the process, its functions, the kernel's; the weight is in nanoseconds
	line=$(grep ';take_a_nap;' "$out")
	[[ $line == workload* ]]
	[[ $line == *main*take_a_nap*nanosleep*schedule* ]]
	between "nanoseconds" 190000000 "$(($(off_cpu) * 103 / 100))" "${line##* }"

	start_workload naps 5 50
	format=svg start_tool offcputime --pid "$workload"
	go
	finished
	stop_tool
	end_workload
	grep -q '<svg' "$out"
	grep -q take_a_nap "$out"
}

@test "offcputime leaves out tasks that could have run on, unless they are asked for" {
	start_workload busy 300
	start_tool offcputime --pid "$workload" --user off
	go
	finished
	stop_tool
	end_workload
	# waiting for "go" is all that it waited for
	between "nanoseconds" 0 100000000 "$(query 'map(select(.key.kernel_stack | any(test("read")) | not) | .value) | add // 0')"
	equal "user stacks" "0" "$(query 'map(select(.key.user_stack | length > 0)) | length')"
}
