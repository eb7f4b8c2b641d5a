#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# execsnoop against strace, and against what the test itself starts.

load common

setup_file() {
	prepare execsnoop
}

teardown() {
	clean_up
}

# "PID FILE RESULT" of each execve() that strace saw below the first process, which is strace's own start of the workload
from_strace() {
	results "$1" | sed -nE 's/^([0-9]+) +execve(at)?\((AT_FDCWD, )?"([^"]*)".* = (-?[0-9A-Z]+)$/\1 \4 \5/p' | sort
}

@test "execsnoop reports every execve that strace sees, with its result" {
	need_command strace
	start_tool execsnoop
	strace -f -qq -e trace=execve,execveat -e signal=none -o "$BATS_TEST_TMPDIR/strace" sh -c '
		ls / >/dev/null
		env true
		nice -n 1 cat /dev/null
		"$0/no such program"
		PATH=/nowhere1:/nowhere2:/bin env true
		exit 0' "$BATS_TEST_TMPDIR" 2>/dev/null
	stop_tool
	from_strace "$BATS_TEST_TMPDIR/strace" >"$BATS_TEST_TMPDIR/expected"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -ge 9 ]
	pids=$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/expected" | sort -u | jq -s .)
	query ".[] | select(.pid as \$p | $pids | index(\$p)) | \"\\(.pid) \\(.file) \\(.ret)\"" | sort \
		>"$BATS_TEST_TMPDIR/found"
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
}

@test "execsnoop shows arguments, parent and user" {
	start_tool execsnoop
	bash -c 'echo $$; /bin/echo one "two  words" "" last >/dev/null; :' >"$BATS_TEST_TMPDIR/parent"
	stop_tool
	parent=$(cat "$BATS_TEST_TMPDIR/parent")
	equal "events" "1" "$(query "map(select(.ppid == $parent and .comm == \"echo\")) | length")"
	equal "arguments" "/bin/echo one two  words  last" "$(query ".[] | select(.ppid == $parent) | .args")"
	equal "user" "$(id -u)" "$(query ".[] | select(.ppid == $parent) | .uid")"
	equal "file" "/bin/echo" "$(query ".[] | select(.ppid == $parent) | .file")"
}

@test "execsnoop cuts long arguments and says so" {
	start_tool execsnoop --parent $$
	/bin/true "$(printf 'a%.0s' {1..1000})" b
	stop_tool
	equal "arguments" "/bin/true $(printf 'a%.0s' {1..242})..." "$(query '.[] | select(.comm == "true") | .args')"
}

@test "execsnoop --failed shows only failures, with the arguments of the caller" {
	start_tool execsnoop --failed
	bash -c 'echo $$; (exec /no/such/program -x 1) 2>/dev/null; ls >/dev/null' >"$BATS_TEST_TMPDIR/parent" || true
	stop_tool
	parent=$(cat "$BATS_TEST_TMPDIR/parent")
	equal "successes" "0" "$(query 'map(select(.ret == 0)) | length')"
	equal "failure" "/no/such/program -x 1 -ENOENT" \
		"$(query ".[] | select(.ppid == $parent) | \"\\(.args) \\(.ret)\"")"
}

@test "execsnoop --uid shows only that user's" {
	need_command setpriv
	start_tool execsnoop --uid 54321 # nobody else has it
	/bin/true
	setpriv --reuid 54321 --clear-groups /bin/true
	stop_tool
	equal "users" "54321" "$(query 'map(.uid) | unique | join(" ")')"
	equal "files" "/bin/true" "$(query '.[].file')"
}
