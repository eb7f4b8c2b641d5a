#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# exitsnoop against the exit codes and signals of processes that the test ends itself.

load common

setup_file() {
	prepare exitsnoop
}

teardown() {
	clean_up
}

@test "exitsnoop reports exit codes and signals as wait() does" {
	declare -A expected
	start_tool exitsnoop
	for code in 0 1 42 255; do
		sh -c "exit $code" 3>&- &
		expected[$!]="$code null"
		wait $! || true
	done
	for signal in TERM KILL USR1 SEGV; do
		sleep 60 3>&- &
		expected[$!]="0 SIG$signal"
		wait_until 10 has_become sleep $!
		kill -"$signal" $!
		wait $! || true
	done
	stop_tool
	for pid in "${!expected[@]}"; do
		equal "process $pid" "${expected[$pid]}" "$(query ".[] | select(.pid == $pid) |
			\"\\(.code) \\(if .signal == 0 then null else .signal end)\"")"
	done
}

@test "exitsnoop tells age, name, parent and user" {
	start_tool exitsnoop
	begin=$(date +%s%N)
	sleep 0.5 3>&- &
	pid=$!
	wait $!
	longest=$(($(date +%s%N) - begin))
	stop_tool
	between "age" 500000000 "$longest" "$(query ".[] | select(.pid == $pid) | .age")"
	equal "name" "sleep" "$(query ".[] | select(.pid == $pid) | .comm")"
	equal "parent" "$$" "$(query ".[] | select(.pid == $pid) | .ppid")"
	equal "user" "$(id -u)" "$(query ".[] | select(.pid == $pid) | .uid")"
}

# A process of four threads, of which the first ends last but one, and exits with the code of exit_group().
threads_source='
#include <pthread.h>
#include <unistd.h>
static void *wait_a_bit(void *p) { usleep(10000); return p; }
static void *end_all(void *p) { usleep(300000); _exit(7); return p; }
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, wait_a_bit, 0);
	pthread_create(&t, 0, wait_a_bit, 0);
	pthread_create(&t, 0, end_all, 0);
	pthread_exit(0);
}'

@test "exitsnoop reports a process of many threads once, each thread with --threads" {
	echo "$threads_source" | cc -x c -pthread -o "$BATS_TEST_TMPDIR/threads" -
	start_tool exitsnoop
	"$BATS_TEST_TMPDIR/threads" 3>&- &
	pid=$!
	wait $! || true
	stop_tool
	equal "events" "7" "$(query "map(select(.pid == $pid) | .code) | join(\" \")")"

	start_tool exitsnoop --threads
	"$BATS_TEST_TMPDIR/threads" 3>&- &
	pid=$!
	wait $! || true
	stop_tool
	equal "threads" "4" "$(query "map(select(.pid == $pid) | .tid) | unique | length")"
}

@test "exitsnoop --failed leaves out those that end well" {
	start_tool exitsnoop --failed
	true
	/bin/true
	/bin/false || true
	stop_tool
	equal "successes" "0" "$(query 'map(select(.code == 0 and .signal == 0)) | length')"
	equal "false" "1" "$(query 'map(select(.comm == "false" and .code == 1)) | length')"
}
