#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Where results are kept: memory, a directory, a Redis that several servers share; and all that goes wrong with them.

load service

# On redis_port where it is set (one that comes back), else on one that nobody has: below those that connections are given.
start_redis() {
	local given=${redis_port:-}
	need_command redis-server
	for _ in 1 2 3 4 5; do
		redis_port=${given:-$((20000 + RANDOM % 12000))}
		redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$PWD" "$@" >redis.log 3>&- 4>&- &
		redis=$!
		echo $redis >>pids
		wait_for 'redis-cli -p $redis_port ping 2>/dev/null | grep -qE "PONG|NOAUTH"' $redis && return 0
	done
	cat redis.log
	return 1
}

@test "a directory keeps results over a restart" {
	start s
	compile small.c
	kill -TERM "$pid"
	wait "$pid"
	cache_dir=$PWD/cache-s start again
	compile small.c
	[ "$(jq -r .cached <<<"$body")" = true ]
	[ "$(metric compiles_total)" = 0 ]
	[ "$(metric store_hits_total)" = 1 ]
}

@test "a damaged entry is found, and made anew" {
	start s
	compile small.c
	digest=$(jq -r .digest <<<"$body")
	kill -TERM "$pid"
	wait "$pid"
	for how in cut flipped; do
		while read -r f; do
			case $how in
			cut) truncate -s -10 "$f" ;;
			flipped) printf 'X' | dd of="$f" bs=1 seek=200 conv=notrunc status=none ;;
			esac
		done < <(find cache-s/answers -type f)
		cache_dir=$PWD/cache-s start $how
		compile small.c
		[ "$(jq -c '[.cached, .digest]' <<<"$body")" = "[false,\"$digest\"]" ]
		[ "$(metric store_damaged_total)" = 1 ]
		kill -TERM "$pid"
		wait "$pid"
	done
}

@test "--cache none keeps nothing but in memory" {
	start s --cache none
	compile small.c
	compile small.c
	[ "$(jq -r .cached <<<"$body")" = true ]
	[ ! -e cache-s/answers ]
}

@test "memory has its limit: what was not used for longest goes" {
	start s --cache none --memory 64K
	for i in $(seq 40); do
		compile small.c "{flags: [\"-DN=$i\"]}"
		assert_status 200
	done
	[ "$(metric ready_bytes)" -le 65536 ]
	[ "$(metric ready_evicted_total)" -gt 0 ]
	compile small.c '{flags: ["-DN=40"]}'
	[ "$(jq -r .cached <<<"$body")" = true ]
	compile small.c '{flags: ["-DN=1"]}'
	[ "$(jq -r .cached <<<"$body")" = false ]
}

@test "a full disk: everybody is served, nothing half is kept" {
	mkdir disk
	start warm --cache disk/warm
	kill -TERM "$pid"
	wait "$pid"
	size=$(du -sk disk/warm | cut -f 1)
	mkdir small
	need_root
	mount -t tmpfs -o size=$((size + 24))k none small || skip "cannot mount a tmpfs here"
	cp -a disk/warm small/cache
	start s --cache small/cache
	for i in $(seq 30); do
		compile small.c "{flags: [\"-DN=$i\"]}"
		[ "$status" = 200 ] || break
	done
	left=$(df --output=avail small | tail -n 1)
	kill -TERM "$pid"
	wait "$pid"
	files=$(find small/cache/answers -type f | wc -l)
	umount small
	assert_status 200
	echo "$left kB left, $files entries"
	[ "$files" -lt 30 ]
	grep -q 'No space left' s.err
}

@test "what one server compiled is a hit on another with the same Redis" {
	start_redis
	start one --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	digest=$(jq -r .digest <<<"$body")
	wait_for '[ "$(redis-cli -p $redis_port dbsize)" = 1 ]'
	[ "$(redis-cli -p "$redis_port" ttl "$(redis-cli -p "$redis_port" keys 'coolbpf:*')")" -gt 86400 ]
	start two --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	[ "$(jq -c '[.cached, .digest]' <<<"$body")" = "[true,\"$digest\"]" ]
	[ "$(metric compiles_total)" = 0 ]
}

@test "BTF that was sent to one server is found by another" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	LC_ALL=C sed 's/vfs_readlink/vfs_readlinq/' /sys/kernel/btf/vmlinux >raw
	digest=$(sha256sum <raw | cut -d ' ' -f 1)
	zstd -q raw -o packed
	start_redis
	mkdir btf1 btf2
	start one --cache "redis://127.0.0.1:$redis_port" --btf btf1 --accept-btf
	wait_for '[ "$(metric store_up)" = 1 ]'
	first=$url
	start two --cache "redis://127.0.0.1:$redis_port" --btf btf2 --accept-btf
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c "{kernel: \"$digest\"}"
	assert_error 404 unknown_kernel
	second=$url url=$first
	ask PUT "/v1/btf/$digest" --data-binary @packed
	assert_status 201
	wait_for '[ "$(redis-cli -p $redis_port dbsize)" = 1 ]'
	url=$second
	compile small.c "{kernel: \"$digest\"}"
	assert_status 200
	[ -f "btf2/$digest.btf.zst" ]
}

@test "Redis with a password and a database" {
	start_redis --requirepass secret
	start s --cache "redis://:secret@127.0.0.1:$redis_port/3"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	wait_for '[ "$(redis-cli --no-auth-warning -a secret -p $redis_port -n 3 dbsize)" = 1 ]'
	start bad --cache "redis://:wrong@127.0.0.1:$redis_port"
	compile small.c
	assert_status 200
	wait_for 'grep -q "redis 127.0.0.1:$redis_port: " bad.err'
	run ! grep wrong bad.err
}

@test "Redis that is gone is nobody's error, and is used again when it is back" {
	start_redis
	start s --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	kill -KILL $redis
	wait_for '[ "$(metric store_up)" = 0 ]'
	compile small.c
	assert_status 200
	[ "$(metric store_errors_total)" -gt 0 ]
	start_redis
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c '{flags: ["-DBACK"]}'
	wait_for '[ "$(redis-cli -p $redis_port dbsize)" = 1 ]'
}

@test "Redis that hangs holds nobody up for longer than a second" {
	start_redis
	start s --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	kill -STOP $redis
	compile small.c '{}' -m 20
	assert_status 200
	[ "$(metric store_up)" = 0 ]
	kill -CONT $redis
	wait_for '[ "$(metric store_up)" = 1 ]'
}

@test "a damaged entry in Redis is found, and made anew" {
	start_redis
	start one --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	digest=$(jq -r .digest <<<"$body")
	wait_for '[ "$(redis-cli -p $redis_port dbsize)" = 1 ]'
	redis-cli -p "$redis_port" setrange "$(redis-cli -p "$redis_port" keys '*')" 100 XXXX
	start two --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	[ "$(jq -c '[.cached, .digest]' <<<"$body")" = "[false,\"$digest\"]" ]
	[ "$(metric store_damaged_total)" = 1 ]
	# whatever stands under a key is no harm
	redis-cli -p "$redis_port" set "$(redis-cli -p "$redis_port" keys '*')" nonsense
	redis-cli -p "$redis_port" lpush coolbpf:x 1
	start three --cache "redis://127.0.0.1:$redis_port"
	wait_for '[ "$(metric store_up)" = 1 ]'
	compile small.c
	assert_status 200
}

@test "one of two servers is killed in the middle of a load: every client gets its answer" {
	start_redis
	start one --cache "redis://127.0.0.1:$redis_port"
	first=$url first_pid=$pid
	start two --cache "redis://127.0.0.1:$redis_port"
	for i in $(seq 40); do
		sed "s/\<f(/f$i(/" small.c >"tool$i.bpf.c"
		COOLBPF_CACHE=$PWD/client$i "$COOLBPF" build --server "$first" --server "$url" "tool$i.bpf.c" -o "tool$i.o" &
		echo $! >>clients
	done
	sleep 0.5
	kill -KILL "$first_pid"
	while read -r p; do wait "$p"; done <clients
	for i in $(seq 40); do
		llvm-nm "tool$i.o" | grep -q " T f$i$"
	done
}

@test "who asks the same as one whose line is full is not refused with him" {
	# a Redis that has nothing, and takes its time to say so
	cat >redis.py <<-'END'
		import socket, sys, threading, time
		s = socket.create_server(("127.0.0.1", 0))
		print(s.getsockname()[1], flush=True)
		gets = 0
		def serve(c):
		    global gets
		    while (data := c.recv(1 << 20)):
		        gets += data.count(b"GET\r\n")
		        if b"GET" in data and gets > 2: # the third is the one that two ask for
		            time.sleep(0.8)
		        c.sendall(b"$-1\r\n" * data.count(b"GET\r\n") + b"+PONG\r\n" * data.count(b"PING\r\n") + b"+OK\r\n" * data.count(b"SET\r\n"))
		while True:
		    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
	END
	python3 redis.py >port 3>&- 4>&- &
	echo $! >>pids
	wait_for '[ -s port ]'
	start s --jobs 1 --client-queue 1 --cache "redis://127.0.0.1:$(cat port)"
	wait_for '[ "$(metric store_up)" = 1 ]'
	for i in 1 2; do
		request slow.c "{flags: [\"-DN=$i\"]}" >slow$i
		curl -s -o /dev/null --interface 127.0.0.66 --data-binary @slow$i "$url/v1/compile" &
		echo $! >>pids
	done
	wait_for '[ "$(metric queue_waiting)" = 1 ]'
	# both on their way before Redis has answered the first
	request small.c >request.json
	for interface in 127.0.0.66 127.0.0.1; do
		printf 'next\nurl = %s/v1/compile\ndata-binary = @request.json\ninterface = %s\nsilent\noutput = /dev/null\nwrite-out = "%%{http_code} %%{local_ip}\\n"\n' \
			"$url" $interface
	done | sed 1d >config
	curl --parallel --parallel-immediate -K config >statuses
	grep -q '^200 127.0.0.1$' statuses || { cat statuses; return 1; }
	[ "$(metric coalesced_total)" = 1 ]
}
