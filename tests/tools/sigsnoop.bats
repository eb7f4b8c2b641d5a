#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# sigsnoop against signals that the test sends.

load common

setup_file() {
	prepare sigsnoop
}

teardown() {
	clean_up
	[ -z "$sleeper" ] || kill -KILL "$sleeper" 2>/dev/null || true
}

@test "sigsnoop shows sender, receiver, signal and result" {
	start_tool sigsnoop
	sleep 60 3>&- &
	sleeper=$!
	wait_until 10 has_become sleep "$sleeper"
	# the shell's own kill: the test is the sender
	kill -WINCH "$sleeper"
	kill -TERM "$sleeper"
	wait "$sleeper" || true
	stop_tool
	sent=".[] | select(.from_pid == $$ and .to_pid == $sleeper)"
	# a window's change of size is ignored unless a program asks for it
	equal "signals" "SIGWINCH ignored 0 SIGTERM delivered 0" \
		"$(query "[$sent | .signal, .result, .code] | join(\" \")")"
	equal "names" "bash sleep" "$(query "$sent | select(.signal == \"SIGTERM\") | \"\\(.from_comm) \\(.to_comm)\"")"
	# the kernel tells the parent; CLD_KILLED is 2
	equal "child's signal" "delivered 2" \
		"$(query ".[] | select(.from_pid == $sleeper and .signal == \"SIGCHLD\") | \"\\(.result) \\(.code)\"")"
}

@test "sigsnoop tells apart a signal that is pending already" {
	start_tool sigsnoop --signal 10
	sleep 60 3>&- &
	sleeper=$!
	wait_until 10 has_become sleep "$sleeper"
	kill -STOP "$sleeper"
	# it stops when it runs next: until then it would still take signals
	wait_until 30 grep -q '^State:.T' "/proc/$sleeper/status"
	for _ in 1 2 3 4 5; do kill -USR1 "$sleeper"; done
	stop_tool
	equal "results" "delivered already_pending already_pending already_pending already_pending" \
		"$(query "map(select(.to_pid == $sleeper) | .result) | join(\" \")")"
	equal "signals" "SIGUSR1" "$(query 'map(.signal) | unique | join(" ")')"
}

@test "sigsnoop --from and --to choose" {
	sleep 60 3>&- &
	sleeper=$!
	start_tool sigsnoop --to "$sleeper"
	sh -c "kill -CONT $sleeper; kill -CONT $$"
	stop_tool
	equal "receivers" "$sleeper" "$(query 'map(.to_pid) | unique | join(" ")')"
	start_tool sigsnoop --from $$
	kill -CONT "$sleeper"
	sh -c "kill -CONT $sleeper"
	stop_tool
	equal "senders" "$$" "$(query 'map(.from_pid) | unique | join(" ")')"
	equal "signals" "1" "$(query 'map(select(.signal == "SIGCONT")) | length')"
}
