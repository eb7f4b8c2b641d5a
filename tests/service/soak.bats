#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# A server that has answered 100,000 requests of every kind has as much memory and as many descriptors, processes and files as
# after the first 10,000.
load service

# The processes, with all that descend from them.
tree() {
	local p
	for p in "$@"; do
		echo "$p"
		# shellcheck disable=SC2046 # a list of numbers
		tree $(pgrep -P "$p")
	done
}

# What the server, its workers and their compilers hold: descriptors, processes, files in $TMPDIR and /dev/shm.
held() {
	local p count=0 processes
	processes=$(tree "$pid")
	for p in $processes; do
		count=$((count + $(find "/proc/$p/fd" -mindepth 1 2>/dev/null | wc -l)))
	done
	echo "descriptors $count, processes $(wc -l <<<"$processes"), files $(find "$TMPDIR" /dev/shm -type f 2>/dev/null | wc -l)"
}

all_rss() {
	local p sum=0
	for p in $pid $(pgrep -P "$pid"); do
		sum=$((sum + $(rss "$p")))
	done
	echo "$sum"
}

# one round: compiles that are hits, requests that are refused, questions
load_it() {
	wrk -t1 -c16 -d300s -s mix.lua "$url" >"$1.out" 3>&- 4>&- &
	local wrk=$!
	while [ "$(answered)" -lt "$2" ] && kill -0 "$wrk"; do
		sleep 0.2
	done
	kill -INT "$wrk"
	wait "$wrk" || true
}

answered() {
	curl -s "$url/metrics" | awk '/^coolbpf_requests_total/ {n += $2} END {print n + 0}'
}

@test "100,000 requests of every kind leave nothing behind" {
	command -v wrk >/dev/null || skip "wrk is not installed"
	export TMPDIR=$PWD/tmp
	mkdir tmp
	start s --jobs 1
	cat >mix.lua <<-'END'
		local n = 0
		local good = '{"source": "#include \\"lbc.h\\"\\nSEC(\\"raw_tp/sys_enter\\") int f(void *ctx) { return 0; }\\n"}'
		local bodies = {
		   {"POST", "/v1/compile", good}, {"POST", "/v1/compile", '{"source": '}, {"POST", "/v1/compile", '{"sauce": 1}'},
		   {"POST", "/v1/compile", '{"source": "x", "flags": ["-fplugin=x"]}'}, {"PUT", "/v1/compile", "x"},
		   {"GET", "/nothing", nil}, {"GET", "/healthz", nil}, {"GET", "/v1/kernels", nil}, {"POST", "/lbc", '[{"cmd": "x"}]'},
		   {"POST", "/v1/compile", '{"source": "int f(void) { return nosuch; }"}'},
		}
		function request()
		   n = n + 1
		   local r = bodies[n % #bodies + 1]
		   if n % 500 == 0 then -- one that must be compiled
		      r = {"POST", "/v1/compile", '{"source": "int x' .. n .. ';"}'}
		   end
		   return wrk.format(r[1], r[2], {["Content-Type"] = "application/json"}, r[3])
		end
	END
	load_it first 10000
	wait_for '[ "$(metric queue_running)$(metric queue_waiting)" = 00 ]'
	local before memory
	# the last compile is stored behind its answer
	wait_for 'before=$(held); sleep 0.3; [ "$before" = "$(held)" ]'
	memory=$(all_rss)
	load_it second 100000
	wait_for '[ "$(metric queue_running)$(metric queue_waiting)" = 00 ]'
	wait_for "[ \"\$(held)\" = \"$before\" ]"
	echo "memory $memory kB, then $(all_rss) kB; $before"
	[ "$(answered)" -ge 100000 ]
	sanitized || [ "$(all_rss)" -lt $((memory + memory / 10 + 4000)) ]
	[ "$(metric worker_restarts_total)" = 0 ]
}
