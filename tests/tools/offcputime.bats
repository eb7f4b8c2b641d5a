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

@test "offcputime: 20 sleeps of 50 ms are one second in take_a_nap" {
	start_workload naps 20 50
	start_tool offcputime --pid "$workload"
	go
	end_workload
	stop_tool
	naps='map(select(.key.user_stack | index("take_a_nap")))'
	between "nanoseconds" 1000000000 1050000000 "$(query "$naps | map(.value) | add")"
	equal "process" "workload" "$(query "$naps | map(.key.comm) | unique | join(\" \")")"
	equal "kernel's side" "true" "$(query "$naps | all(.key.kernel_stack | any(test(\"nanosleep\")))")"
}

@test "offcputime gives folded stacks and a flame graph" {
	start_workload naps 5 50
	format=folded start_tool offcputime --pid "$workload" --min 10ms
	go
	end_workload
	stop_tool
	# the outermost frame first: the process, its functions, the kernel's; the weight is in nanoseconds
	line=$(grep ';take_a_nap;' "$out")
	[[ $line == workload* ]]
	[[ $line == *main*take_a_nap*nanosleep*schedule* ]]
	between "nanoseconds" 250000000 300000000 "${line##* }"

	rm "$BATS_TEST_TMPDIR/stdin"
	start_workload naps 5 50
	format=svg start_tool offcputime --pid "$workload"
	go
	end_workload
	stop_tool
	grep -q '<svg' "$out"
	grep -q take_a_nap "$out"
}

@test "offcputime leaves out tasks that could have run on, unless they are asked for" {
	start_workload busy 300
	start_tool offcputime --pid "$workload" --user off
	go
	end_workload
	stop_tool
	# waiting for "go" is all that it waited for
	between "nanoseconds" 0 100000000 "$(query 'map(select(.key.kernel_stack | any(test("read")) | not) | .value) | add // 0')"
	equal "user stacks" "0" "$(query 'map(select(.key.user_stack | length > 0)) | length')"
}
