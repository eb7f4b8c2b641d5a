#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Who may ask how much, and that one client's flood does not stop another's question.

load service

as() {
	printf 'Authorization: Bearer %s' "$1"
}

tokens() {
	cat >tokens <<-'END'
		# token name
		aaaaaaaaaaaaaaaaaaaaaaaa anna
		bbbbbbbbbbbbbbbbbbbbbbbb bert

		cccccccccccccccccccccccc anna
	END
	chmod 600 tokens
}
anna=aaaaaaaaaaaaaaaaaaaaaaaa bert=bbbbbbbbbbbbbbbbbbbbbbbb

@test "with tokens, only who has one is served" {
	tokens
	start s --tokens tokens
	for p in /v1/kernels /metrics /v1/openapi.json /nothing; do
		ask GET $p
		assert_error 401 unauthorized
		ask GET $p -H "$(as wrong-token-wrong-token)"
		assert_error 401 unauthorized
	done
	ask GET /healthz
	assert_status 200
	ask GET /v1/kernels -H "$(as $anna)"
	assert_status 200
	compile small.c '{}' -H "$(as $bert)"
	assert_status 200
	log_is_written
	[ "$(jq -r 'select(.status == 200 and .path == "/v1/compile") | .client' s.log)" = bert ]
	# no token, no source in the log
	run ! grep -E "$anna|$bert|wrong-token|sched_process" s.log s.err
}

@test "/metrics and POST /lbc can be open" {
	tokens
	start s --tokens tokens --open-metrics --lbc-listen 127.0.0.1:0
	ask GET /metrics
	assert_status 200
	ask POST /lbc -d '[]'
	assert_error 401 unauthorized
	url=$(sed -n 's/^coolbpf: POST \/lbc alone on /http:\/\//p' s.err)
	ask POST /lbc -d '[{"cmd": "zap"}]'
	assert_status 200
	ask POST /v1/compile -d '{}'
	assert_error 404 not_found
	ask GET /metrics
	assert_error 404 not_found
}

@test "a token file that is wrong is an error with its line" {
	printf 'aaaaaaaaaaaaaaaaaaaaaaaa anna\nshort bert\n' >tokens
	run "$COOLBPF" serve --tokens tokens
	assert_failed 1 "tokens:2: a token must have"
	echo aaaaaaaaaaaaaaaaaaaaaaaa >tokens
	run "$COOLBPF" serve --tokens tokens
	assert_failed 1 "tokens:1: a line must be: TOKEN NAME"
	run "$COOLBPF" serve --tokens absent
	assert_failed 1 "absent"
}

@test "a client has so many requests per second" {
	tokens
	start s --tokens tokens --rate 0.001:3
	for i in 1 2 3; do
		ask GET /v1/kernels -H "$(as $anna)"
		assert_status 200
	done
	ask GET /v1/kernels -H "$(as $anna)" -D head
	assert_error 429 too_many_requests
	grep -qi '^retry-after: [1-9]' head
	# another token of the same name is the same client, another name is not
	ask GET /v1/kernels -H "$(as cccccccccccccccccccccccc)"
	assert_error 429 too_many_requests
	ask GET /v1/kernels -H "$(as $bert)"
	assert_status 200
	# what was used up comes back
	start t --tokens tokens --rate 2:1
	for i in 1 2 3; do
		wait_for 'ask GET /v1/kernels -H "$(as $anna)"; [ "$status" = 200 ]'
	done
}

@test "without tokens a client is its address, behind a proxy the one that the proxy saw" {
	start s --rate 0.001:1
	ask GET /v1/kernels
	assert_status 200
	ask GET /v1/kernels -H 'X-Forwarded-For: 10.1.1.1'
	assert_error 429 too_many_requests
	ask GET /v1/kernels --interface 127.0.0.9
	assert_status 200
	start p --rate 0.001:1 --behind-proxy
	ask GET /v1/kernels -H 'X-Forwarded-For: 10.1.1.1'
	assert_status 200
	ask GET /v1/kernels -H 'X-Forwarded-For: 10.9.9.9, 10.1.1.1'
	assert_error 429 too_many_requests
	ask GET /v1/kernels -H 'X-Forwarded-For: 10.8.8.8' -H 'X-Forwarded-For: 10.1.1.1'
	assert_error 429 too_many_requests
	ask GET /v1/kernels -H 'X-Forwarded-For: 2001:db8::1'
	assert_status 200
	# the same network of 64 bits
	ask GET /v1/kernels -H 'X-Forwarded-For: 2001:db8::2'
	assert_error 429 too_many_requests
}

# flood N TOKEN: N different compiles, their statuses in statuses
flood() {
	local i
	for i in $(seq "$1"); do
		request small.c "{flags: [\"-DFLOOD=$i\"]}" >"flood$i"
		printf 'next\nurl = %s/v1/compile\ndata-binary = @flood%s\nheader = "%s"\nsilent\noutput = /dev/null\nwrite-out = "%%{http_code}\\n"\n' \
			"$url" "$i" "$(as "$2")"
	done | sed 1d >config
	curl --parallel --parallel-immediate --parallel-max 300 -K config >statuses
}

@test "one client's flood delays another's question by a turn, not by the flood" {
	tokens
	start s --tokens tokens --open-metrics --jobs 1
	hold_workers
	flood 60 $anna &
	flood=$!
	wait_for '[ "$(metric queue_waiting)" = 59 ]'
	request small.c '{flags: ["-DMINE"]}' >mine.json
	curl -s -o mine -w '%{http_code}' -H "$(as $bert)" --data-binary @mine.json "$url/v1/compile" >code &
	mine=$!
	wait_for '[ "$(metric queue_waiting)" = 60 ]'
	let_workers_go
	wait $mine
	[ "$(cat code)" = 200 ]
	wait $flood
	[ "$(sort statuses | uniq -c | tr -s ' ')" = " 60 200" ]
	# he waited for the one that was in hand when he came, and one turn of anna's
	done_before=$(jq -r 'select(.path == "/v1/compile") | .client' s.log | sed '/bert/,$d' | wc -l)
	[ "$done_before" -le 2 ] || { echo "$done_before of 60 were done when bert had his"; return 1; }
}

@test "too long a line is refused: 429 for the client, 503 for all" {
	tokens
	for line in "429 --client-queue" "503 --queue"; do
		start "at${line% *}" --tokens tokens --open-metrics --jobs 1 "${line#* }" 5
		hold_workers
		flood 30 $anna &
		flood=$!
		# one is in hand, five wait
		wait_for '[ "$(metric "requests_total{route=\"/v1/compile\",status=\"${line% *}\"}")" = 24 ]'
		let_workers_go
		wait $flood
		[ "$(sort statuses | uniq -c | tr -s ' \n' ' ')" = " 6 200 24 ${line% *} " ]
	done
}

@test "the same question of many at once is compiled once" {
	start s --jobs 1
	hold_workers
	request small.c >small.json
	for i in $(seq 20); do
		curl -s --data-binary @small.json "$url/v1/compile" | jq -r .digest >"digest$i" &
	done
	wait_for '[ "$(metric coalesced_total)" = 19 ]'
	let_workers_go
	jobs -p >curls
	while read -r p; do [ "$p" = "$pid" ] || wait "$p"; done <curls
	[ "$(metric compiles_total)" = 1 ]
	[ "$(cat digest* | sort | uniq -c | tr -s ' ' | cut -d ' ' -f 2)" = 20 ]
	[ "$(metric store_misses_total)" = 1 ]
}

@test "a compile that takes too long ends, and others go on" {
	start s --jobs 1 --job-time 5s
	compile "$SRC/tests/service/abuse/macro_time.c"
	assert_error 422 limit_exceeded
	compile small.c
	assert_status 200
	[ "$(metric worker_restarts_total)" = 1 ]
	[ "$(metric retried_total)" = 0 ]
}

@test "a body that is too large is refused before it is read" {
	start s --max-body 100K
	head -c 200000 /dev/zero | tr '\0' ' ' >large
	ask POST /v1/compile --data-binary @large
	assert_error 413 too_large
	[ "$(metric received_bytes_total)" = 0 ]
}

@test "who has compiles end by their time again and again does not keep the workers away from others" {
	start s --jobs 1 --job-time 200ms
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		before=$(date +%s%N)
		compile slow.c "{flags: [\"-DN=$i\"]}"
		assert_error 422 limit_exceeded
	done
	# a start takes a third of a second; the last ones would be put off by 10 s, were each end a failure of the worker
	took=$((($(date +%s%N) - before) / 1000000))
	[ $took -lt 9000 ] || { echo "$took ms"; return 1; }
}
