#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Start, stop, what SIGHUP does, and workers that die.

load service

@test "what is in hand when it is told to stop is done" {
	start s --jobs 1
	hold_workers
	request small.c >small.json
	curl -s -o answer -w '%{http_code}' --data-binary @small.json "$url/v1/compile" >code &
	client=$!
	wait_for '[ "$(metric queue_running)" = 1 ]'
	kill -TERM "$pid"
	wait_for '! curl -s -o /dev/null $url/healthz'
	let_workers_go
	wait $client
	[ "$(cat code)" = 200 ]
	jq -r .object answer | base64 -d | head -c 4 | grep -q ELF
	wait "$pid"
}

@test "a connection that is there when it stops is told so" {
	start s --jobs 1
	hold_workers
	request small.c >small.json
	curl -s -o answer --data-binary @small.json "$url/v1/compile" &
	client=$!
	wait_for '[ "$(metric queue_running)" = 1 ]'
	host=${url#http://}
	# it has been answered once: the server knows of it
	exec 9<>"/dev/tcp/${host%:*}/${host#*:}"
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&9
	read -r -u 9 line
	[[ $line == *" 200 "* ]]
	while [[ $line != ok ]]; do read -r -u 9 line; done
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n' >&9
	# answered on another connection behind it: this beginning has been read
	ask GET /healthz
	kill -TERM "$pid"
	wait_for '! curl -s -o /dev/null $url/healthz'
	printf '\r\n' >&9
	read -r -u 9 line
	exec 9>&-
	[[ $line == *" 503 "* ]]
	let_workers_go
	wait $client "$pid"
}

@test "a second signal ends it at once, and so does the time to stop" {
	for how in signal time; do
		start "$how" --jobs 1 --drain "$([ $how = time ] && echo 300ms || echo 60s)"
		hold_workers # nothing is done in time
		request small.c >small.json
		curl -s -o answer -w '%{http_code}' --data-binary @small.json "$url/v1/compile" >code &
		client=$!
		wait_for '[ "$(metric queue_running)" = 1 ]'
		workers=$(pgrep -P "$pid")
		kill -TERM "$pid"
		if [ $how = signal ]; then
			# two signals at once could become one
			wait_for '! curl -s -o /dev/null $url/healthz'
			kill -TERM "$pid"
		fi
		wait "$pid"
		wait $client || true
		[[ $(cat code) == 503 || $(cat code) == 000 ]]
		for w in $workers; do
			run ! runs "$w"
		done
	done
}

@test "workers that have nothing to do end by themselves" {
	start s --jobs 8
	wait_for '[ "$(metric workers)" = 8 ]'
	before=$(date +%s%N)
	kill -TERM "$pid"
	wait "$pid"
	# one that has not ended after two seconds is killed: these would be 16
	took=$((($(date +%s%N) - before) / 1000000))
	[ $took -lt 12000 ] || { echo "$took ms"; return 1; }
}

@test "a worker that is killed takes nothing with it" {
	start s --jobs 1
	hold_workers
	request small.c '{flags: ["-DFIRST"]}' >small.json
	curl -s -o answer -w '%{http_code}' --data-binary @small.json "$url/v1/compile" >code &
	client=$!
	wait_for '[ "$(metric queue_running)" = 1 ]'
	pkill -KILL -P "$pid"
	compile small.c
	assert_status 200
	wait $client
	[ "$(cat code)" = 200 ]
	[ "$(metric worker_restarts_total)" = 1 ]
	[ "$(metric retried_total)" = 1 ]
	wait_for '[ "$(metric workers)" = 1 ]'
}

@test "a request that kills two workers is given up, the server goes on" {
	start s --jobs 1
	request "$SRC/tests/service/abuse/macro_time.c" >slow.json
	curl -s -o answer -w '%{http_code}' --data-binary @slow.json "$url/v1/compile" >code &
	client=$!
	for n in 1 2; do
		wait_for '[ "$(metric queue_running)" = 1 ] && [ "$(metric workers)" = 1 ]'
		sleep 0.2
		pkill -KILL -P "$pid"
		wait_for "[ \"\$(metric worker_restarts_total)\" = $n ]"
	done
	wait $client
	[ "$(cat code)" = 500 ]
	[ "$(jq -r .error.code answer)" = worker_lost ]
	compile small.c
	assert_status 200
}

@test "without a worker it says that it is not well" {
	start s --jobs 1
	# again and again: between an end and the next start there is more and more time
	wait_for 'pkill -KILL -P "$pid"; [ "$(curl -s $url/healthz | jq -r .error.code 2>/dev/null)" = no_worker ]'
	wait_for '[ "$(curl -s $url/healthz)" = ok ]'
}

@test "nothing of it is left when it is killed" {
	start s
	# workers, their compilers, and the children of these that wait for a job
	all=$(pgrep -P "$pid")
	for _ in 1 2; do
		# shellcheck disable=SC2086 # a list of numbers
		all="$all $(pgrep -P "$(tr -s ' \n' , <<<$all | sed 's/,$//')")"
	done
	[ "$(wc -w <<<"$all")" -ge 3 ]
	kill -KILL "$pid"
	wait "$pid" || true
	for p in $all; do
		wait_for "! runs $p"
	done
}

@test "SIGHUP: tokens, BTF and the log anew; what is wrong is left as it was" {
	echo 'aaaaaaaaaaaaaaaaaaaaaaaa anna' >tokens
	chmod 600 tokens
	mkdir btf
	start s --tokens tokens --btf btf
	ask GET /v1/kernels -H 'Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaa'
	assert_status 200
	echo 'bbbbbbbbbbbbbbbbbbbbbbbb bert' >tokens
	mv s.log s.log.1
	kill -HUP "$pid"
	wait_for '[ -f s.log ]'
	ask GET /v1/kernels -H 'Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaa'
	assert_error 401 unauthorized
	ask GET /v1/kernels -H 'Authorization: Bearer bbbbbbbbbbbbbbbbbbbbbbbb'
	assert_status 200
	wait_for '[ "$(wc -l <s.log)" = 2 ]'
	echo broken >tokens
	kill -HUP "$pid"
	wait_for 'grep -q "going on with what was there" s.err'
	ask GET /v1/kernels -H 'Authorization: Bearer bbbbbbbbbbbbbbbbbbbbbbbb'
	assert_status 200
	if [ -r /sys/kernel/btf/vmlinux ]; then
		cp /sys/kernel/btf/vmlinux btf/1.2.3.x86_64.btf
		echo 'bbbbbbbbbbbbbbbbbbbbbbbb bert' >tokens
		kill -HUP "$pid"
		wait_for 'ask GET /v1/kernels -H "Authorization: Bearer bbbbbbbbbbbbbbbbbbbbbbbb"; jq -e ".kernels[] | select(.release == \"1.2.3.x86_64\")" body'
	fi
}

@test "HTTPS, certificates of clients, and new ones by SIGHUP" {
	need_command openssl
	cert() {
		openssl req -x509 -newkey ed25519 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=$2" -days 2 \
			-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	}
	cert server one
	cert client clara
	start s --tls-cert server.pem --tls-key server.key --tls-client-ca client.pem
	url=${url/http:/https:}
	ask GET /v1/kernels --cacert server.pem --cert client.pem --key client.key
	assert_status 200
	wait_for '[[ $(jq -r .client s.log | tail -n 1) == *clara* ]]'
	ask GET /v1/kernels --cacert server.pem
	[ "$status" = 000 ]
	cp server.pem old.pem
	cert server two
	kill -HUP "$pid"
	wait_for 'ask GET /v1/kernels --cacert server.pem --cert client.pem --key client.key; [ "$status" = 200 ]'
	ask GET /v1/kernels --cacert old.pem --cert client.pem --key client.key
	[ "$status" = 000 ]
}

@test "what it cannot start with is an error that says why" {
	run "$COOLBPF" serve --listen 127.0.0.1:0 --clang /bin/false
	assert_failed 1 "/bin/false"
	start s
	run "$COOLBPF" serve --listen "${url#http://}"
	assert_failed 1 "in use"
	run "$COOLBPF" serve --sign absent.key
	assert_failed 1 "absent.key"
	run "$COOLBPF" serve --tls-cert a.pem
	assert_failed 2 "belong together"
	run "$COOLBPF" serve --btf absent
	assert_failed 1 "absent"
	run "$COOLBPF" serve --cache redis://
	assert_failed 1 "redis://"
	for o in "--jobs 0" "--rate x" "--rate 5:0" "--memory tiny" "--drain soon" "--listen 7655" "--max-body 1T"; do
		# shellcheck disable=SC2086 # two words
		run "$COOLBPF" serve $o
		assert_failed 2 "is not"
	done
	run "$COOLBPF" serve file
	assert_failed 2 "takes no file"
}

@test "the log has a line for each request, with what is needed and nothing of its content" {
	start s
	compile small.c
	compile small.c
	ask GET /nothing
	wait_for '[ "$(wc -l <s.log)" = 3 ]'
	[ "$(jq -c '[.method, .path, .status, .cached, .client]' s.log | tr '\n' ' ')" = \
		'["POST","/v1/compile",200,false,"127.0.0.1"] ["POST","/v1/compile",200,true,"127.0.0.1"] ["GET","/nothing",404,false,"127.0.0.1"] ' ]
	[ "$(jq -s 'map(.ms > 0 and .bytes > 0 and (.time | fromdateiso8601? // (sub("\\.[0-9]+"; "") | fromdateiso8601)) > 1e9) | all' s.log)" = true ]
	run ! grep -q sched_process s.log
}

@test "what was begun before SIGHUP is not taken for what is asked behind it" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	mkdir btf
	cp /sys/kernel/btf/vmlinux btf/9.9.btf
	start s --jobs 1 --btf btf
	hold_workers # it is in hand until they may go on
	request small.c '{kernel: "9.9"}' >small.json
	curl -s -o first --data-binary @small.json "$url/v1/compile" &
	first=$!
	wait_for '[ "$(metric queue_running)" = 1 ]'
	LC_ALL=C sed 's/vfs_readlink/vfs_readlinq/' /sys/kernel/btf/vmlinux >btf/9.9.btf
	digest=$(sha256sum <btf/9.9.btf | cut -d ' ' -f 1)
	kill -HUP "$pid"
	wait_for 'curl -s "$url/v1/kernels" | grep -q "$digest"'
	[ "$(metric queue_running)" = 1 ]
	let_workers_go
	wait $first
	compile small.c '{kernel: "9.9"}'
	assert_status 200
	[ "$(metric compiles_total)" = 2 ]
}

@test "a log that nobody reads stops nothing, and what is lost is counted" {
	local i
	mkfifo fifo
	run -1 timeout 30 "$COOLBPF" serve --listen 127.0.0.1:0 --access-log fifo
	[[ $output == *"cannot write fifo: "* ]]
	exec 8<>fifo
	"$COOLBPF" serve --listen 127.0.0.1:0 --access-log fifo 2>s.err 3>&- 4>&- 8>&- &
	echo $! >>pids
	"$COOLBPF" serve --listen 127.0.0.1:0 --access-log - 2>stdout.err >&8 3>&- 4>&- 8>&- &
	echo $! >>pids
	for i in s stdout; do
		wait_for "grep -q 'serving on' $i.err"
		url=$(sed -n 's/^coolbpf: serving on /http:\/\//p' $i.err)
		# a pipe takes 64 KB
		curl -s -f -m 30 -o /dev/null "$url/healthz?n=[1-1000]"
		[ "$(metric access_log_lost_total)" -gt 100 ]
	done
	exec 9<fifo
	head -c 20000 <&9 | sed '$d' | jq -es 'all(.status == 200)'
	lost=$(metric access_log_lost_total)
	ask GET /healthz # there is room again
	[ "$(metric access_log_lost_total)" = "$lost" ]
	exec 8>&- 9>&-
}
