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

@test "profile: a busy loop has nearly all samples, as many as its CPU time has ticks" {
	start_workload busy 1000
	start_tool profile --pid "$workload" --freq 199
	go
	end_workload
	stop_tool
	all=$(query 'map(.value) | add')
	busy=$(query 'map(select(.key.user_stack | index("burn_the_cpu")) | .value) | add')
	between "samples" 180 215 "$all"
	between "samples in burn_the_cpu" "$((all * 9 / 10))" "$all" "$busy"
	equal "process" "workload" "$(query 'map(.key.comm) | unique | join(" ")')"
}

@test "profile: folded stacks name the functions from the outside in" {
	start_workload busy 300
	format=folded start_tool profile --pid "$workload"
	go
	end_workload
	stop_tool
	heaviest=$(sort -t' ' -k2 -n "$out" | grep burn_the_cpu | tail -n 1)
	[[ $heaviest == workload*main*burn_the_cpu* ]]
}

@test "profile: a machine's idle time is left out unless asked for" {
	format=json start_tool profile --freq 99 --user off
	sleep 0.5
	stop_tool
	equal "idle" "0" "$(query 'map(select(.key.pid == 0)) | length')"
	start_tool profile --freq 99 --idle
	sleep 1
	stop_tool
	# 99 a second on each CPU, and 0.2 s more at the end
	cpus=$(grep -c ^processor /proc/cpuinfo)
	between "samples" "$((85 * cpus))" "$((150 * cpus))" "$(query 'map(.value) | add')"
}
