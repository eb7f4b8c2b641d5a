#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Tests that do what they can to harm those behind them, each followed by one that looks whether all is as it was (data/unharmed.sh):
# in one lab what a guest survives (data/harm), in another what it does not (data/lost). Both labs run at once.

load proof

survived="daemons disk endless floods forks host kills memory network prints sysctl tracing unmounts"
lost="freezes halts panics reboots spins"

setup_file() {
	kernels_of debian:5.10 debian:6.1
	cp -r "$data" "$BATS_FILE_TMPDIR/data"
	for test in "$BATS_FILE_TMPDIR"/data/{harm,lost}/*.lab; do
		sed 's,verdict/,../&,; s,unharmed.sh,../&,' "$data/unharmed.lab" >"${test%.lab}_then.lab"
	done
	# the oldest, and the newest: this may be the same one
	lab lost --kernels "${kernels%,*}" --jobs 1 "$BATS_FILE_TMPDIR/data/lost" &
	lab harm --kernels "${kernels#*,}" --jobs 1 "$BATS_FILE_TMPDIR/data/harm"
	wait
}

setup() {
	harm_kernel=$(jq -r '.kernels[0].name' "$BATS_FILE_TMPDIR/harm.json")
	lost_kernel=$(jq -r '.kernels[0].name' "$BATS_FILE_TMPDIR/lost.json")
}

survives() { # TEST WANTED [PATTERN ...]
	told "$1" "$harm_kernel" "${@:2}"
	told "$1_then" "$harm_kernel" pass
}

loses() {
	told "$1" "$lost_kernel" "${@:2}"
	told "$1_then" "$lost_kernel" pass
}

@test "a workload that fills all that it can write to" {
	survives disk pass
}

@test "one that forks without end" {
	survives forks timeout "Resource temporarily unavailable"
}

@test "one that eats memory" {
	survives memory pass
}

@test "one that never ends, whatever signal comes" {
	survives endless timeout "did not end in its time"
}

@test "output of 10 MB: the first and the last lines are kept" {
	survives prints pass
}

@test "output without end: what is kept has a bound" {
	survives floods timeout "0123456789abcde"
	[ "$(jq '[.results[] | .notes[].text | length] | max' "$BATS_FILE_TMPDIR/harm.json")" -lt 65536 ]
}

@test "daemons, and signals to process 1 and to all" {
	survives daemons pass
	survives kills pass
}

@test "all that can be unmounted is unmounted, all that can be removed is removed" {
	survives unmounts pass
}

@test "the host's name, the time, cgroups" {
	survives host pass
}

@test "the network, sysctls and tracing: those behind get a new boot" {
	survives network pass
	survives sysctl pass
	survives tracing pass
	[ "$(boots "$harm_kernel" harm)" -eq 4 ]
}

@test "a module that panics: the kernel's words, and only this test is lost" {
	loses panics crash "Kernel panic - not syncing: lab_proof: all is wrong" "Call Trace:" "before"
}

@test "a reboot and a halt" {
	loses reboots crash "the guest rebooted by itself"
	loses halts crash "the guest halted by itself" "before"
}

@test "a module that takes all processors, without interrupts: the guest hangs" {
	loses spins "guest hang" "nothing was heard of it for [2-9]? seconds" "before"
}

@test "process 1 itself is frozen: the guest hangs" {
	loses freezes "guest hang" "nothing was heard of it for [2-9]? seconds"
}

@test "each guest that is lost costs one boot" {
	[ "$(boots "$lost_kernel" lost)" -eq 6 ]
}

@test "nothing is untested, nothing is left" {
	local wanted
	wanted=$(for test in $survived; do echo "$test"; done)
	[ "$(cd "$data/harm" && ls ./*.lab | sed 's,./,,; s,.lab,,')" = "$wanted" ]
	wanted=$(for test in $lost; do echo "$test"; done)
	[ "$(cd "$data/lost" && ls ./*.lab | sed 's,./,,; s,.lab,,')" = "$wanted" ]
	nothing_is_left
}
