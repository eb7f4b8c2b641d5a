#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The machine that the lab runs on: what it lacks is said clearly, and nothing of the lab stays on it, whatever ends it.

load proof

setup() {
	kernels_of debian:6.1 debian:6.12 debian:newest debian:5.10
	kernel=${kernels%%,*}
	cd "$BATS_TEST_TMPDIR"
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir tmp
	echo 'command true' >good.lab
	printf 'command sleep 1000\ntimeout 1000s\n' >slow.lab
}

# In the background: a lab in the middle of slow.lab. $lab is its process id, $qemu its guest's.
start_slow_lab() {
	# a shell's background jobs ignore SIGINT
	env --default-signal=INT "$COOLBPF" lab run --kernels "$kernel" -o json -f out.json good.lab slow.lab >out 2>err 3>&- &
	lab=$!
	for _ in $(seq 1200); do
		! grep -q "good: ok" err || break
		sleep 0.1
	done
	grep -q "good: ok" err || { cat err; return 1; }
	qemu=$(pgrep -P "$lab" qemu)
}

nothing_is_left_here() {
	[ -z "$(ls tmp)" ] || { ls -R tmp; return 1; }
}

@test "SIGINT and SIGTERM in the middle: what is done is reported, no guest and no file is left" {
	for signal in INT:130 TERM:143; do
		start_slow_lab
		kill "-${signal%:*}" "$lab"
		status=0
		wait "$lab" || status=$?
		[ "$status" -eq "${signal#*:}" ] || { cat out err; return 1; }
		if kill -0 "$qemu" 2>/dev/null; then return 1; fi
		jq -e '.interrupted and .passed == 1 and .not_run == 1 and .failed == 0' out.json || { cat out.json; return 1; }
		nothing_is_left_here
	done
}

@test "SIGINT before the first guest, while libraries are looked for: interrupted, and no test has failed" {
	need_command python3
	# a signal that waits is there at the first look
	cat >pending.py <<'END'
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.kill(os.getpid(), signal.SIGINT)
os.execv(sys.argv[1], sys.argv[1:])
END
	printf 'command true\nprogram jq\n' >libs.lab
	for test in "libs.lab" "good.lab --coolbpf $COOLBPF"; do
		# shellcheck disable=SC2086 # words
		run python3 pending.py "$COOLBPF" lab run --kernels "$kernel" -o json -f out.json $test
		[ "$status" -eq 130 ] || { echo "$output"; return 1; }
		jq -e '.interrupted and .passed == 0 and .not_run == 1 and .failed == 0' out.json || { cat out.json; return 1; }
		nothing_is_left_here
	done
}

@test "the lab is killed: its guest is gone, and its files with the next lab" {
	start_slow_lab
	kill -KILL "$lab"
	wait "$lab" || true
	for _ in $(seq 1200); do
		kill -0 "$qemu" 2>/dev/null || break
		sleep 0.05
	done
	if kill -0 "$qemu" 2>/dev/null; then return 1; fi
	[ -n "$(ls tmp)" ]
	printf 'exclude * nothing to do\ncommand true\n' >none.lab
	run "$COOLBPF" lab run --kernels "$kernel" none.lab
	[ "$status" -eq 0 ]
	nothing_is_left_here
}

@test "the guest is killed: its test has failed, the next has a guest of its own" {
	cp good.lab then.lab
	env --default-signal=INT "$COOLBPF" lab run --kernels "$kernel" -o json -f out.json good.lab slow.lab then.lab >out 2>err 3>&- &
	lab=$!
	for _ in $(seq 1200); do
		! grep -q "good: ok" err || break
		sleep 0.1
	done
	kill -KILL "$(pgrep -P "$lab" qemu)"
	status=0
	wait "$lab" || status=$?
	[ "$status" -eq 1 ]
	jq -e '.failed == 1 and .passed == 2 and (.kernels[0] | .boots - .retried) == 2' out.json || { cat out.json; return 1; }
	nothing_is_left_here
}

@test "SIGINT while sources are built: temporary files of the compiler go, too" {
	printf '#!/bin/sh\necho half >"$TMPDIR/half.s"\nexec sleep 1000\n' >compiler
	chmod +x compiler
	printf 'command true\ncc prog.c\n' >built.lab
	touch prog.c
	CC=$PWD/compiler env --default-signal=INT "$COOLBPF" lab run --kernels "$kernel" built.lab >out 2>err 3>&- &
	lab=$!
	for _ in $(seq 1200); do
		[ -z "$(find tmp -name half.s)" ] || break
		sleep 0.05
	done
	[ -n "$(find tmp -name half.s)" ]
	kill -INT "$lab"
	status=0
	wait "$lab" || status=$?
	[ "$status" -eq 130 ]
	nothing_is_left_here
}

@test "no qemu: its package is named" {
	run env PATH=/nowhere "$COOLBPF" lab run --kernels "$kernel" good.lab
	[ "$status" -eq 1 ]
	[[ $output == *"no boot"*"there is no qemu-system-x86_64 here"*"package is qemu-system-x86"* ]]
	nothing_is_left_here
}

@test "a file that is too large for a guest: the largest are named, and the other test runs" {
	truncate -s 900M big
	printf 'command true\nfile big\n' >large.lab
	run "$COOLBPF" lab run --kernels "$kernel" -o tap good.lab large.lab
	[ "$status" -eq 1 ]
	[[ $output == *"ok 1 - good"*"not ok 2 - large"*"too much for a guest of 1074 MB"*"the largest: /lab/1/big (943.7 MB)"* ]]
	nothing_is_left_here
}

@test "two tests want different files at one path: each gets its own, in a guest of its own; one test cannot have both" {
	echo one >one.txt
	echo two >two.txt
	printf 'file one.txt /etc/lab.conf\ncommand cat /etc/lab.conf\n\nexpect output one\n' >one.lab
	printf 'file two.txt /etc/lab.conf\ncommand cat /etc/lab.conf\n\nexpect output two\n' >two.lab
	printf 'file one.txt x\nfile two.txt x\ncommand true\n' >twice.lab
	printf 'file one.txt /etc/passwd\ncommand true\n' >base.lab
	run "$COOLBPF" lab run --kernels "$kernel" -o tap good.lab one.lab two.lab twice.lab base.lab
	[ "$status" -eq 1 ]
	[[ $output == *$'\nok 1 - good'*$'\nok 2 - one'*$'\nok 3 - two'* ]] || { echo "$output"; return 1; }
	[[ $output == *"not ok 4 - twice"*"setup failed: two of the test's files are put to the same path"* ]] || { echo "$output"; return 1; }
	[[ $output == *"not ok 5 - base"*"setup failed: cannot put /etc/passwd into the guest: there is such a path"* ]] || { echo "$output"; return 1; }
	nothing_is_left_here
}

@test "a directory for temporary files that cannot be written to, or is full" {
	TMPDIR=/proc run "$COOLBPF" lab run --kernels "$kernel" good.lab
	assert_failed 1 "cannot make a directory /proc/coolbpf-lab-"
	[[ $output == *TMPDIR* ]]
	tiny_disk full
	head -c 64K /dev/zero >full/fill || true
	printf '#include <stdio.h>\nint main(void) { puts("x"); }\n' >prog.c
	printf 'command ./prog\ncc prog.c\n' >built.lab
	run env TMPDIR="$PWD/full" "$COOLBPF" lab run --kernels "$kernel" -o tap built.lab
	[ "$status" -eq 1 ]
	[[ $output == *"No space left on device"* ]]
	run "$COOLBPF" lab run --kernels "$kernel" -o html -f full/report.html good.lab
	left=$(ls full)
	umount full
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write full/report.html: No space left on device"*"1 passed, 0 failed"* ]] || { echo "$output"; return 1; }
	[ "$left" = fill ]
}

@test "a cache that cannot be made, and one that is empty" {
	COOLBPF_CACHE=/proc/none run "$COOLBPF" lab fetch debian:6.1
	assert_failed 1 "cannot make the directory /proc/none"
	COOLBPF_CACHE=$PWD/empty run "$COOLBPF" lab run good.lab
	assert_failed 1 "there are no kernels yet; fetch some: coolbpf lab fetch"
}

@test "no network and no cache: fetch says that no mirror answers" {
	unshare -n true 2>/dev/null || skip "no network namespace can be made here"
	COOLBPF_CACHE=$PWD/empty run unshare -n "$COOLBPF" lab fetch debian:6.1
	assert_failed 1 "no mirror answers (is there a network?"
	nothing_is_left_here
}

@test "what is no kernel, half a kernel, and one that finds no init: no boot, tried twice, with the console's last lines" {
	image=$("$COOLBPF" lab kernels -o json | jq -r ".[] | select(.name == \"$kernel\").image")
	echo 'no kernel' >none
	run "$COOLBPF" lab run --kernel ./none good.lab
	assert_failed 1 "none"
	head -c 3000000 "$image" >half
	run "$COOLBPF" lab run --kernel ./half -o tap good.lab
	[ "$status" -eq 1 ]
	[[ $output == *"no boot: ./half"*"# boots: 2, retried: 1"* ]]
	run "$COOLBPF" lab run --kernels "$kernel" --append 'init=/nope rdinit=/nope' -o json -f out.json good.lab
	[ "$status" -eq 1 ]
	jq -e '.kernels[0] | .boots == 2 and .retried == 1' out.json
	jq -e '.results[0] | .failure == "no boot" and (.notes[0].text | contains("Unable to mount root fs"))' out.json
	nothing_is_left_here
}

@test "qemu before 8.1, or one that does not say its version, gets one thread for all CPUs of a guest" {
	mkdir bin
	cat >bin/qemu-system-x86_64 <<-'END'
		#!/bin/sh
		[ "$1" = --version ] && { cat version; exit; }
		echo "$*" >asked
	END
	chmod +x bin/qemu-system-x86_64
	for case in 7.2.22:single 8.0.5:single 8.1.0:multi 10.0.2:multi none:single; do
		echo "QEMU emulator version ${case%:*} (Debian)" >version
		PATH=$PWD/bin:$PATH run "$COOLBPF" lab run --no-kvm --kernels "$kernel" good.lab
		[ "$status" -eq 1 ]
		grep -q -- "-accel tcg,thread=${case#*:} " asked || { echo "$case"; cat asked; return 1; }
	done
	nothing_is_left_here
}

@test "one file with a mistake among many: it is named, and nothing is booted" {
	printf 'command true\nexpect evnt\n' >wrong.lab
	run "$COOLBPF" lab run --kernels "$kernel" -v .
	assert_failed 1 "wrong.lab:2: "
	[[ $output != *booted* ]]
}

@test "a coolbpf for the guest that is of another version is told before anything boots" {
	[ -x "$SRC/build-static/coolbpf" ] || skip "there is no static coolbpf: make static"
	version=$(strings "$SRC/build-static/coolbpf" | grep '^coolbpf lab wire ')
	sed "s/$version/coolbpf lab wire 0123456789abcdef/" "$SRC/build-static/coolbpf" >other
	chmod +x other
	run "$COOLBPF" lab run --kernels "$kernel" --coolbpf ./other -o tap good.lab
	[ "$status" -eq 1 ]
	[[ $output == *"no boot: the coolbpf for the guest, ./other, is of another version than this one"*"# boots: 0"* ]]
	nothing_is_left_here
}
