#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# tcplife against a server and a client that move known numbers of bytes.

load common

setup_file() {
	prepare tcplife
}

teardown() {
	clean_up
}

# check_session ROLE ADDRESS SENT RECEIVED LOCAL REMOTE
check_session() {
	equal "$1" "workload $2 $2 $3 $4" "$(query ".[] | select(.local_port == $5 and .remote_port == $6) |
		\"\\(.comm) \\(.local) \\(.remote) \\(.sent) \\(.received)\"")"
}

# listens PORT, established PORT: on this machine, as ss sees it
listens() {
	ss -Hltn "( sport = :$1 )" | grep -q .
}

established() {
	ss -Htn state established "( sport = :$1 )" | grep -q .
}

# both_ends FAMILY ADDRESS: the workload's session, seen from both ends
both_ends() {
	start_tool tcplife
	start_workload tcp "$1" 123456 7890123
	go
	end_workload
	stop_tool
	read -r server_pid server < <(sed -n 's/^server //p' "$BATS_TEST_TMPDIR/said")
	read -r client_pid client < <(sed -n 's/^client //p' "$BATS_TEST_TMPDIR/said")
	check_session server "$2" 7890123 123456 "$server" "$client"
	check_session client "$2" 123456 7890123 "$client" "$server"
	equal "server's pid" "$server_pid" "$(query ".[] | select(.local_port == $server) | .pid")"
	equal "client's pid" "$client_pid" "$(query ".[] | select(.local_port == $client) | .pid")"
}

@test "tcplife: IPv4, bytes both ways, ports and processes at both ends" {
	both_ends 4 127.0.0.1
}

@test "tcplife: IPv6" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
	both_ends 6 ::1
}

@test "tcplife measures how long a session lasts, and --min leaves out short ones" {
	need_command nc
	need_command ss
	start_tool tcplife --min 300ms
	start_workload tcp 4 1 1
	go
	end_workload
	nc -l 127.0.0.1 17471 </dev/null >/dev/null 3>&- &
	workload=$!
	wait_until 10 listens 17471
	(
		wait_until 10 established 17471
		sleep 0.5
	) | nc -N 127.0.0.1 17471 >/dev/null || true
	end_workload
	stop_tool
	long='map(select(.local_port == 17471 or .remote_port == 17471))'
	equal "long sessions" "2" "$(query "$long | length")"
	between "duration" 500000000 20000000000 "$(query "$long | map(.duration) | max")"
	equal "short sessions" "0" "$(query 'map(select(.duration < 300000000)) | length')"
}

@test "tcplife does not show a connection that was refused" {
	start_tool tcplife --port 17472
	start_workload refused 4 17472
	go
	end_workload
	stop_tool
	equal "sessions" "0" "$(query 'length')"
}
