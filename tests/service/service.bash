# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# service.bash - a compile server of one's own for each test, and questions to it. All on loopback, ended by pid.

load ../cli/common

bats_require_minimum_version 1.5.0

# start NAME [OPTION ...]: a server with a cache of its own; sets url, pid, and leaves NAME.err, NAME.log.
start() {
	local name=$1
	shift
	: >"$name.err"
	# no descriptor of bats' own may stay open in it
	COOLBPF_CACHE=${cache_dir:-$PWD/cache-$name} "$COOLBPF" serve --listen 127.0.0.1:0 --access-log "$name.log" "$@" \
		2>>"$name.err" 3>&- 4>&- &
	pid=$!
	echo "$pid" >>pids
	wait_for "grep -q 'serving on' $name.err" "$pid" || { cat "$name.err"; return 1; }
	url=$(sed -n 's/^coolbpf: serving on /http:\/\//p' "$name.err" | tail -n 1)
}

# wait_for COMMAND [PID]: until it succeeds, 30 s at least, or the process has ended.
wait_for() {
	local i
	for ((i = 0; i < 600; i++)); do
		eval "$1" && return 0
		[ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# Whether a process runs. One that nobody has waited for yet does not.
runs() {
	[ -e "/proc/$1/stat" ] && ! grep -q ') Z ' "/proc/$1/stat" 2>/dev/null
}

# The workers do nothing until they may go on: what comes meanwhile waits, however long this machine takes to send it.
hold_workers() {
	pkill -STOP -P "$pid"
}

let_workers_go() {
	pkill -CONT -P "$pid"
}

# The line for an answer is written behind it, and before the next request is looked at.
log_is_written() {
	curl -s -o /dev/null "$url/healthz"
}

# Twice told to stop, a server ends at once, and a build with sanitizers then says what it has found.
stop_all() {
	local p
	[ -f "$BATS_TEST_TMPDIR/pids" ] || return 0
	while read -r p; do
		kill -CONT "$p" 2>/dev/null || true
		for signal in TERM TERM KILL; do
			kill -$signal "$p" 2>/dev/null || break
			for ((i = 0; i < 25; i++)); do
				kill -0 "$p" 2>/dev/null || break
				sleep 0.02
			done
		done
		wait "$p" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
	run ! grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$BATS_TEST_TMPDIR"/*.err
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cat >small.c <<-'END'
		#include "lbc.h"
		SEC("raw_tp/sched_process_exec") int f(void *ctx) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	END
	# some seconds of clang's time: 8^7 numbers
	{
		echo '#define A1(x) x,x,x,x,x,x,x,x'
		for i in 2 3 4 5 6 7; do echo "#define A$i(x) A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x),A$((i - 1))(x)"; done
		echo 'static const char big[] = {A7(1)};'
		cat small.c
		echo 'int g(int i) { return big[i & 1]; }'
	} >slow.c
}

teardown() {
	stop_all
}

# request SOURCE-FILE [JQ-OBJECT]: a body for /v1/compile
request() {
	jq -n --rawfile source "$1" "{source: \$source} + ${2:-{\}}"
}

# ask METHOD PATH [CURL-ARGUMENT ...]: sets status and body
ask() {
	local method=$1 path=$2
	shift 2
	status=$(curl -s -g -X "$method" -o body -w '%{http_code}' "$@" "$url$path") || true
	body=$(tr -d '\0' <body)
}

# compile SOURCE-FILE [JQ-OBJECT] [CURL-ARGUMENT ...]
compile() {
	local source=$1 more=${2:-{\}}
	shift
	[ $# -eq 0 ] || shift
	request "$source" "$more" >request.json
	ask POST /v1/compile --data-binary @request.json "$@"
}

# The answer is this status and this error code.
assert_error() {
	[ "$status" = "$1" ] && [ "$(jq -r .error.code <<<"$body")" = "$2" ] && [ -n "$(jq -r .error.message <<<"$body")" ] || {
		echo "expected $1 $2, got $status: $body"
		return 1
	}
}

assert_status() {
	[ "$status" = "$1" ] || { echo "expected $1, got $status: $body"; return 1; }
}

# metric NAME: its value
metric() {
	curl -s "$url/metrics" | sed -n "s|^coolbpf_$1 ||p"
}

rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# A build with AddressSanitizer keeps what was freed for a while: its memory says nothing.
sanitized() {
	[ -n "$(san_flags)" ]
}
