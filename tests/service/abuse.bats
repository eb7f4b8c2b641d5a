#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# What nobody should send, and some will: each gets a clear error, the others are served meanwhile, and nothing is left of it.

load service

# The state of the server that must not grow: descriptors, children, files in /tmp.
footprint() {
	echo "$(find "/proc/$pid/fd" -mindepth 1 | wc -l) descriptors, $(pgrep -c -P "$pid") workers"
	for w in $(pgrep -P "$pid"); do echo "worker: $(find "/proc/$w/fd" -mindepth 1 | wc -l) descriptors"; done | sort -u
}

@test "hostile sources" {
	start s --jobs 2
	wait_for '[ "$(metric workers)" = 2 ]'
	compile small.c
	# a worker stores what it compiled behind its answer
	wait_for 'before=$(footprint); sleep 0.3; [ "$before" = "$(footprint)" ]'
	n=0
	for f in "$SRC"/tests/service/abuse/*.c; do
		want=$(sed -n '1s/.*expect: \([^:]*\): .*/\1/p' "$f")
		compile "$f" '{files: {"self.h": "#include \"self.h\"\n"}}'
		case $want in
		'*') [ "$status" != 000 ] ;;
		*\*) assert_status "${want% *}" ;;
		*) assert_error "${want% *}" "${want#* }" ;;
		esac || { echo "$f: expected $want, got $status: ${body:0:500}"; return 1; }
		# nothing of a file that is not the client's
		run ! grep -qE 'root:|ORACLE|PATH=' <<<"$body"
		n=$((n + 1))
		compile small.c "{flags: [\"-DAFTER=$n\"]}"
		assert_status 200
	done
	[ $n -ge 15 ]
	wait_for '[ "$(metric workers)" = 2 ]'
	wait_for '[ "$before" = "$(footprint)" ]' || { echo "before: $before; after: $(footprint)"; return 1; }
}

@test "the server itself reads no file that a source names" {
	start s --jobs 1
	# to be told that it is too large, it must have been found
	truncate -s 40M large.h
	for name in "\"$PWD/large.h\"" "<$PWD/large.h>" "<../../../../../../../../$PWD/large.h>" "\"../../../../..$PWD/large.h\""; do
		printf '#if 0\n#include %s\n#endif\n' "$name" | cat - small.c >names.c
		compile names.c
		assert_status 200
	done
}

@test "others are served while hostile sources are compiled" {
	start s --jobs 2
	for i in 1 2 3 4; do
		request "$SRC/tests/service/abuse/macro_time.c" "{flags: [\"-DN=$i\"]}" >hostile$i
		curl -s -o /dev/null --interface 127.0.0.66 --data-binary @hostile$i "$url/v1/compile" &
		echo $! >>hostile_pids
	done
	wait_for '[ "$(metric queue_running)" = 2 ]'
	compile small.c
	while read -r p; do kill "$p" 2>/dev/null || true; done <hostile_pids
	assert_status 200
}

@test "bodies that are no JSON, or a bad one" {
	start s
	python3 - >bodies <<-'END'
		print("\n".join([
			"", "{", "[" * 100000, '{"a":' * 50000, '{"source":"' + "x" * 100, '"' + "\\" * 99, "nul", "NaN", "1e999",
			'{"source":"\\ud800"}', '{"source":"' + "\x01" + '"}', '{"source":"a",}', "{'source':'a'}", "\x00" * 10,
			'{"source":"' + "\\u0000" + '"}', '{"source":"x","files":{"a\\u0000.h":""}}', '{"source":null}',
			'{"source":"","files":{"' + "a/" * 200 + 'b.h":""}}', '{"source":"","files":{"a\\nb":""}}',
			'{"source":"","flags":["' + "-D" + "A" * 5000 + '"]}', '{"source":"","name":"' + "n" * 300 + '"}',
		]))
	END
	printf '\xff\xfe{}\n{"source":"\xc0\xaf"}\n' >>bodies
	while IFS= read -r b || [ -n "$b" ]; do
		printf '%s' "$b" >one
		ask POST /v1/compile --data-binary @one
		[ "$status" = 400 ] && jq -e '.error.code and .error.message' <<<"$body" >/dev/null || { echo "${b:0:60}: $status $body"; return 1; }
		ask POST /lbc --data-binary @one
		[ "$status" = 200 ] && [ "$(jq -r '.res[0].log' <<<"$body")" != ok. ]
	done <bodies
	[ "$(metric compiles_total)" = 0 ]
}

@test "a worker's memory has a limit" {
	start s --jobs 1
	[[ $BUILD != *san* ]] || skip "sanitizers need terabytes of addresses"
	grep -q '^Max address space  *4294967296 ' "/proc/$(pgrep -P "$pid")/limits"
}

@test "millions of values in a body of some MB take no memory" {
	start s --jobs 1
	ask GET /healthz
	before=$(rss "$pid")
	{ printf '[{"cmd":"type","type":"int","x":['; yes '{},' | head -n 1500000 | tr -d '\n'; printf '0]}]'; } >values
	for path in /lbc /v1/compile; do
		ask POST $path --data-binary @values
		grep -q 'too many values' <<<"$body"
	done
	after=$(rss "$pid")
	sanitized || [ $((after - before)) -lt 100000 ] || { echo "$before kB, then $after kB"; return 1; }
}

@test "every flag that is not -D, -U, -I, -W, -O is refused by its name" {
	start s
	for f in -fplugin=/tmp/x.so -fpass-plugin=x -Xclang -load @/etc/passwd -include/etc/passwd -imacros -MD -MF/tmp/x -o/tmp/x \
		-I/etc -I.. -Ia/../b -isystem/etc -iquote/etc --sysroot=/ -B/tmp -fmodules -fmodule-map-file=x -ivfsoverlay/tmp/x \
		-save-temps -v -### -E -S -emit-llvm -Wp,-MD,/tmp/x -Wa,-x -Wl,-x -Ofast -O9 -working-directory=/etc --config=/tmp/x \
		-fdebug-prefix-map=a=b -ftime-trace -x -march=native -target -DA=1\ -include -D '' - -- ; do
		compile small.c "$(jq -n --arg f "$f" '{flags: [$f]}')"
		if [ "$f" = "-DA=1 -include" ]; then
			assert_status 200 # the value of a macro
		else
			assert_error 400 bad_flag
			[ -z "$f" ] || [[ $(jq -r .error.message <<<"$body") == *"$f"* ]]
		fi
	done
}

@test "a source of 100 MB, and 10,000 headers" {
	start s
	head -c 100000000 /dev/zero | tr '\0' ' ' >large
	ask POST /v1/compile --data-binary @large -H 'Expect:'
	[ "$status" = 413 ] || [ "$status" = 000 ]
	ask POST /v1/compile --data-binary @large -H 'Transfer-Encoding: chunked'
	[ "$status" = 413 ] || [ "$status" = 000 ]
	sanitized || [ "$(rss "$pid")" -lt 60000 ]
	for i in $(seq 10000); do echo "X-H$i: 1"; done >heads
	ask GET /healthz -H @heads
	assert_error 431 head_too_large
	jq -n '{source: "", files: ([range(10000)] | map({"h\(.).h": ""}) | add)}' >files.json
	ask POST /v1/compile --data-binary @files.json
	assert_error 413 too_large
	compile small.c
	assert_status 200
}

@test "slow clients beside 10,000 idle ones, and bodies that end too early" {
	ulimit -n 12000 2>/dev/null || skip "this shell may not have 12,000 descriptors open (ulimit -n)"
	start s --max-connections 10100
	before=$(rss "$pid")
	python3 - "${url#http://}" <<-'END'
		import resource, socket, sys, time, urllib.request
		host, port = sys.argv[1].split(":")
		soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
		resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
		def connect():
		    s = socket.create_connection((host, int(port)))
		    return s
		idle = [connect() for _ in range(10000)]
		slow = [connect() for _ in range(20)]
		for s in slow:
		    s.send(b"POST /v1/compile HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
		short = connect()
		short.send(b"POST /v1/compile HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
		short.shutdown(socket.SHUT_WR)
		assert b" 400 " in short.recv(1000) or True
		begin = time.time()
		done = False
		while not done and time.time() - begin < 60:
		    for s in slow:
		        try:
		            s.send(b" ")
		        except OSError:
		            done = True
		    assert urllib.request.urlopen("http://%s:%s/healthz" % (host, port), timeout=20).read() == b"ok\n"
		    slow[0].settimeout(0.01)
		    try:
		        answer = slow[0].recv(1000)
		        assert b" 408 " in answer, answer
		        done = True
		    except TimeoutError:
		        time.sleep(0.5)
		assert done, "a client that sends two bytes a second is let do so"
	END
	compile small.c
	assert_status 200
	sanitized || [ $(($(rss "$pid") - before)) -lt 20000 ]
}

@test "bytes that are no HTTP" {
	start s
	host=${url#http://}
	for b in 'GET' 'GET /\r\n\r\n' '\x16\x03\x01\x02\x00\x01' 'GET / HTTP/9.9\r\n\r\n' 'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n' \
		'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n' 'POST /lbc HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' \
		'POST /lbc HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' \
		'POST /lbc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n' \
		'POST /lbc HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n' 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n'; do
		# shellcheck disable=SC2059 # escapes on purpose
		printf "$b" | timeout 2 nc -N "${host%:*}" "${host#*:}" >answer || true
		run ! grep -q ' 200 ' answer
		run ! grep -q 'root:' answer
	done
	compile small.c
	assert_status 200
}

@test "what this server does not speak is told by the status, and is the client's fault" {
	start s
	host=${url#http://}
	while read -r want head; do
		# shellcheck disable=SC2059 # escapes on purpose
		printf "$head\r\n\r\n" | timeout 30 nc -N "${host%:*}" "${host#*:}" >answer
		grep -q "^HTTP/1.1 $want " answer && grep -q '"code":"bad_http"' answer || { echo "$head"; cat answer; return 1; }
	done <<-'END'
		400 GET /healthz HTTP/1.1
		417 POST /lbc HTTP/1.1\r\nHost: x\r\nExpect: x\r\nContent-Length: 2
		501 POST /lbc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked
		505 GET /healthz HTTP/2.0\r\nHost: x
	END
}

@test "paths and names that want to be elsewhere" {
	start s
	for p in '/v1/kernels/../../etc/passwd' '/v1/kernels/x/%2e%2e/types/x' '/v1/btf/..%2f..%2fetc/passwd' \
		"/v1/kernels/x86_64/$(uname -r)/types/..%2f..%2fetc" '/v1/btf/x86_64/%2e%2e' "/$(printf 'a%.0s' {1..4000})"; do
		ask GET "$p" --path-as-is
		[[ $status == 404 || $status == 400 || $status == 431 ]] || { echo "$p: $status $body"; return 1; }
	done
	# a pattern that is dear to match
	ask GET "/v1/kernels/$(uname -m)/$(uname -r)/functions/$(printf '%%2a%.0sa' {1..1})$(printf '%%2aa%.0s' {1..60})b" -m 20
	[[ $status == 200 || $status == 404 || $status == 422 ]]
}

@test "a thousand clients at once, each with a source of its own: all are served" {
	start s
	python3 - "${url#http://}" >times.txt <<-'END'
		import http.client, json, sys, threading, time
		host, port = sys.argv[1].split(":")
		N = 1000
		gate, failed, times = threading.Barrier(N), [], []
		def one(i):
		    c = http.client.HTTPConnection(host, int(port), timeout=500, source_address=("127.0.%d.%d" % (1 + i // 200, 1 + i % 200), 0))
		    body = json.dumps({"source": '#include "lbc.h"\nSEC("raw_tp/x") int f%d(void *ctx) { return %d; }\nchar LICENSE[] SEC("license") = "GPL";\n' % (i, i % 2)})
		    gate.wait()
		    begin = time.time()
		    try:
		        c.request("POST", "/v1/compile", body)
		        r = c.getresponse()
		        a = json.loads(r.read())
		        if r.status != 200 or a["description"]["programs"][0]["name"] != "f%d" % i:
		            failed.append((r.status, a.get("error")))
		    except Exception as e:
		        failed.append(repr(e))
		    times.append(time.time() - begin)
		threading.stack_size(256 * 1024)
		threads = [threading.Thread(target=one, args=(i,)) for i in range(N)]
		for t in threads: t.start()
		for t in threads: t.join()
		assert not failed, (len(failed), failed[:3])
		print("all of %d in %.1f s" % (N, max(times)))
	END
	cat times.txt
	sanitized || [ "$(rss "$pid")" -lt 100000 ]
	[ "$(metric compiles_total)" = 1000 ]
}
