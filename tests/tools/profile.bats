#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# profile against a program that spends a known time in a known function.

load common

setup_file() {
	prepare profile
}

teardown() {
	clean_up
}

@test "profile: a busy loop has nearly all samples, about as many as its CPU time has ticks" {
	start_workload busy 1000
	start_tool profile --pid "$workload" --freq 199
	go
	finished
	stop_tool
	end_workload
	all=$(query 'map(.value) | add')
	busy=$(query 'map(select(.key.user_stack | index("burn_the_cpu")) | .value) | add')
	# late timers of a busy virtual machine sample once what should have been twice; and the timer runs on, and comes late, while
	# another machine has the CPU, which is not CPU time
	wall=$(awk '$1 == "done" { print $2 }' "$BATS_TEST_TMPDIR/said")
	between "samples" 110 "$((wall * 199 / 1000000000 * 11 / 10 + 2))" "$all"
	between "samples in burn_the_cpu" "$((all * 9 / 10))" "$all" "$busy"
	equal "process" "workload" "$(query 'map(.key.comm) | unique | join(" ")')"
}

@test "profile: folded stacks name the functions from the outside in" {
	start_workload busy 300
	format=folded start_tool profile --pid "$workload"
	go
	finished
	stop_tool
	end_workload
	heaviest=$(awk '{ print $NF, $0 }' "$out" | sort -n | tail -n 1)
	[[ $heaviest == *" workload"*";main;"*burn_the_cpu* ]]
}

@test "profile: the idle task only when asked for, and in all as many samples as perf takes" {
	start_tool profile --freq 99 --user off
	sleep 0.5
	stop_tool
	equal "idle" "0" "$(query 'map(select(.key.pid == 0)) | length')"

	need_command perf
	start_tool profile --freq 99 --idle --duration 2s
	perf record -q -a -F 99 -e cpu-clock -o "$BATS_TEST_TMPDIR/perf" sleep 1.9 2>/dev/null || skip "perf cannot sample here"
	wait "$tool"
	tool=
	# a sleeping CPU of a virtual machine may get no ticks, for perf as for us
	expected=$(perf script -i "$BATS_TEST_TMPDIR/perf" -F cpu 2>/dev/null | wc -l)
	between "samples" "$((expected * 8 / 10))" "$((expected * 13 / 10))" "$(query 'map(.value) | add')"
}
