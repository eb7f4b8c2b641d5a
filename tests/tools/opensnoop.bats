#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# opensnoop against strace.

load common

setup_file() {
	prepare opensnoop
}

teardown() {
	clean_up
}

# "PID PATH RESULT", sorted
from_strace() {
	results "$1" | sed -nE 's/^([0-9]+) +open(at|at2)?\((AT_FDCWD, )?"([^"]*)".* = (-?[0-9A-Z]+)$/\1 \4 \5/p' | sort
}

from_tool() {
	query ".[] | select(.pid as \$p | $1 | index(\$p)) | \"\\(.pid) \\(.path) \\(.ret)\"" | sort
}

@test "opensnoop reports every open that strace sees, with its path and result" {
	need_command strace
	echo text >"$BATS_TEST_TMPDIR/file"
	start_tool opensnoop
	strace -f -qq -e trace=open,openat,openat2 -e signal=none -o "$BATS_TEST_TMPDIR/strace" sh -c '
		cat "$0/file" "$0/missing" /etc/hostname >/dev/null
		: >"$0/new"
		ls "$0" /missing >/dev/null
		cat "$0" >/dev/null
		exit 0' "$BATS_TEST_TMPDIR" 2>/dev/null
	stop_tool
	from_strace "$BATS_TEST_TMPDIR/strace" >"$BATS_TEST_TMPDIR/expected"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -ge 15 ]
	grep -q 'missing -ENOENT' "$BATS_TEST_TMPDIR/expected"
	from_tool "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/expected" | sort -u | jq -cs .)" >"$BATS_TEST_TMPDIR/found"
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
}

@test "opensnoop --pid shows only that process, with its name, user and flags" {
	start_tool opensnoop --pid $$
	: >"$BATS_TEST_TMPDIR/made"
	cat /etc/hostname >/dev/null
	stop_tool
	equal "pids" "$$" "$(query 'map(.pid) | unique | join(" ")')"
	made=".[] | select(.path == \"$BATS_TEST_TMPDIR/made\")"
	equal "name" "bash" "$(query "$made | .comm")"
	equal "user" "$(id -u)" "$(query "$made | .uid")"
	# O_WRONLY|O_CREAT|O_TRUNC
	equal "flags" "$((01 | 0100 | 01000))" "$(($(query "$made | .flags")))"
}

@test "opensnoop --failed shows only failures" {
	start_tool opensnoop --failed
	cat /etc/hostname /missing/one /missing/two >/dev/null 2>&1 || true
	stop_tool
	equal "successes" "0" "$(query 'map(select(.ret | type == "number")) | length')"
	equal "paths" "/missing/one /missing/two" \
		"$(query 'map(select(.path | startswith("/missing/")) | .path) | join(" ")')"
}

@test "opensnoop --min shows only slow calls" {
	# opening a fifo waits for somebody at the other end
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	start_tool opensnoop --min 200ms
	cat "$BATS_TEST_TMPDIR/fifo" >/dev/null 3>&- &
	pid=$!
	wait_until 10 grep -q wait_for_partner "/proc/$pid/wchan"
	cat /etc/hostname >/dev/null
	sleep 0.4
	echo >"$BATS_TEST_TMPDIR/fifo"
	wait "$pid"
	stop_tool
	# on a machine with other work another's call may be slow as well
	equal "fast calls" "0" "$(query 'map(select(.latency < 200000000)) | length')"
	equal "paths" "$BATS_TEST_TMPDIR/fifo" "$(query "map(select(.pid == $pid) | .path) | join(\" \")")"
	between "latency" 400000000 10000000000 "$(query ".[] | select(.pid == $pid) | .latency")"
}

@test "opensnoop does not watch itself" {
	[ "$(stat -Lc %i /proc/self/ns/pid)" -eq $((0xeffffffc)) ] || skip "a container: the tool does not know its number"
	start_tool opensnoop
	cat /etc/hostname >/dev/null
	pid=$tool
	stop_tool
	equal "own opens" "0" "$(query "map(select(.pid == $pid)) | length")"
	[ "$(query 'length')" -ge 1 ]
}
