#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The server with curl, wrk and openssl as clients and nginx in front of it; the client with the servers of python, openssl
# and nginx. Only on the loopback interface.

setup_file() {
	export certs=$BATS_FILE_TMPDIR/certs
	mkdir "$certs"
	"$SRC/tests/http/certs.sh" "$certs"
	head -c 3000000 /dev/urandom >"$BATS_FILE_TMPDIR/random"
}

setup() {
	site=$BUILD/tests/http/http_site
	get=$BUILD/tests/http/http_get
	# with sanitizers there is no static one
	static=$BUILD/tests/http/http_get_static
	[ -x "$static" ] || static=$get
	random=$BATS_FILE_TMPDIR/random
	unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY SSL_CERT_FILE SSL_CERT_DIR
	pids=
}

teardown() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# Start a program in the background and wait for the first line that it prints.
start() {
	out=$BATS_TEST_TMPDIR/out.$RANDOM
	"$@" >"$out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pids="$! $pids"
	pid=$!
	wait_for '[ -s "$out" ]'
	line=$(head -n1 "$out")
	[ -n "$line" ]
}

# wait_for COMMAND: until it succeeds, 30 s at least.
wait_for() {
	for _ in $(seq 600); do
		eval "$1" && return
		sleep 0.05
	done
	return 1
}

serve() {
	start "$site" 127.0.0.1:0 "$@"
	port=$line
}

# Wait until somebody listens on this port.
wait_port() {
	wait_for "(exec 4<>/dev/tcp/127.0.0.1/$1) 2>/dev/null"
}

# One that nobody has, below those that connections are given.
free_port() {
	/usr/bin/python3 -c '
import random, socket
while True:
    try:
        s = socket.create_server(("127.0.0.1", random.randrange(20000, 32000)))
        break
    except OSError:
        pass
print(s.getsockname()[1])'
}

need_nginx() {
	nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || skip "nginx is not installed"
}

# CONFIGURATION of its http section
start_nginx() {
	local dir=$BATS_TEST_TMPDIR/nginx

	mkdir -p "$dir"
	cat >"$dir/conf" <<-END
		daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/f;
			uwsgi_temp_path $dir/u; scgi_temp_path $dir/s; client_max_body_size 100m;
			$1
		}
	END
	"$nginx" -p "$dir" -c "$dir/conf" >"$dir/out" 2>&1 3>&- &
	pids="$! $pids"
	wait_port "$2"
}

@test "curl: get, head, post, wrong methods" {
	serve
	[ "$(curl -sS "http://127.0.0.1:$port/page" | wc -c)" -eq 20480 ]
	curl -sSI "http://127.0.0.1:$port/page" | grep -q '^Content-Length: 20480'
	[ "$(curl -sS0 -d hello "http://127.0.0.1:$port/echo")" = hello ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "http://127.0.0.1:$port/page")" = 405 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/nowhere")" = 404 ]
	curl -sS "http://127.0.0.1:$port/later" | grep -q later
}

@test "curl: a large body, with Expect: 100-continue and in chunks" {
	serve
	curl -sSv -H 'Expect: 100-continue' --data-binary "@$random" "http://127.0.0.1:$port/echo" \
		-o "$BATS_TEST_TMPDIR/back" 2>"$BATS_TEST_TMPDIR/log"
	cmp "$random" "$BATS_TEST_TMPDIR/back"
	grep -q '^< HTTP/1.1 100 Continue' "$BATS_TEST_TMPDIR/log"
	curl -sS -X POST -T - "http://127.0.0.1:$port/echo" <"$random" | cmp "$random" -
}

@test "curl: a body that is too large is refused before it is sent" {
	serve
	head -c 9000000 /dev/zero >"$BATS_TEST_TMPDIR/large"
	run curl -sS -o /dev/null -w '%{http_code} %{size_upload}' -H 'Expect: 100-continue' \
		--data-binary "@$BATS_TEST_TMPDIR/large" "http://127.0.0.1:$port/echo"
	[ "$output" = "413 0" ]
	run curl -sS -o /dev/null -w '%{http_code}' -H 'Expect:' --data-binary "@$BATS_TEST_TMPDIR/large" \
		"http://127.0.0.1:$port/echo"
	[ "$output" = 413 ]
}

@test "curl: one connection for many requests" {
	serve
	run curl -sS -w '%{num_connects}\n' -o /dev/null "http://127.0.0.1:$port/page" -o /dev/null "http://127.0.0.1:$port/page" \
		-o /dev/null "http://127.0.0.1:$port/nowhere"
	[ "$output" = $'1\n0\n0' ]
}

@test "curl: TLS, with and without a certificate of the client's" {
	serve "$certs/server.pem" "$certs/server.key"
	curl -sS --cacert "$certs/ca.pem" --data-binary "@$random" "https://localhost:$port/echo" | cmp "$random" -
	run curl -sS --cacert "$certs/other.pem" "https://localhost:$port/page"
	[ "$status" -eq 60 ]
	serve "$certs/server.pem" "$certs/server.key" "$certs/ca.pem"
	run curl -sS --cacert "$certs/ca.pem" --cert "$certs/client.pem" --key "$certs/client.key" "https://localhost:$port/subject"
	[ "$output" = "CN=client,O=Tests" ]
	run curl -sS --cacert "$certs/ca.pem" "https://localhost:$port/subject"
	[ "$status" -ne 0 ]
}

@test "openssl: TLS 1.2 and 1.3, nothing older, HTTP/1.1 by ALPN" {
	serve "$certs/server.pem" "$certs/server.key"
	for version in 1_2 1_3; do
		run openssl s_client -connect "127.0.0.1:$port" -CAfile "$certs/ca.pem" "-tls$version" -alpn h2,http/1.1 </dev/null
		[[ $output == *"Verify return code: 0 (ok)"* ]]
		[[ $output == *"ALPN protocol: http/1.1"* ]]
	done
	run openssl s_client -connect "127.0.0.1:$port" -CAfile "$certs/ca.pem" -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null
	[ "$status" -ne 0 ]
	run openssl s_client -connect "127.0.0.1:$port" -CAfile "$certs/ca.pem" -quiet -ign_eof \
		< <(printf 'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
	[[ $output == *"HTTP/1.1 404 Not Found"*"no such page"* ]]
}

@test "wrk: no request fails" {
	serve
	run wrk -t1 -c50 -d1 --timeout 60s "http://127.0.0.1:$port/page"
	[ "$status" -eq 0 ]
	[[ $output == *"Requests/sec"* ]]
	[[ $output != *"Socket errors"* ]]
	[[ $output != *"Non-2xx"* ]]
	serve "$certs/server.pem" "$certs/server.key"
	run wrk -t1 -c20 -d1 --timeout 60s "https://127.0.0.1:$port/page"
	[[ $output == *"Requests/sec"* ]]
	[[ $output != *"Socket errors"* ]]
	[[ $output != *"Non-2xx"* ]]
}

@test "a graceful stop answers what has come, and ends" {
	serve
	for _ in 1 2 3 4; do
		curl -sS "http://127.0.0.1:$port/later" >>"$BATS_TEST_TMPDIR/answers" &
		curls="$curls $!"
	done
	wait_for '[ "$(grep -c later "$out")" -eq 4 ]'
	kill -TERM "$pid"
	# shellcheck disable=SC2086
	wait $curls
	[ "$(grep -c later "$BATS_TEST_TMPDIR/answers")" -eq 4 ]
	wait "$pid"
	run curl -sS "http://127.0.0.1:$port/page"
	[ "$status" -eq 7 ]
}

@test "SIGHUP: a new certificate for new connections" {
	cp "$certs/server.pem" "$BATS_TEST_TMPDIR/live.pem"
	cp "$certs/server.key" "$BATS_TEST_TMPDIR/live.key"
	serve "$BATS_TEST_TMPDIR/live.pem" "$BATS_TEST_TMPDIR/live.key"
	openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | grep -q 'subject=CN = server$'
	cp "$certs/server2.pem" "$BATS_TEST_TMPDIR/live.pem"
	cp "$certs/server2.key" "$BATS_TEST_TMPDIR/live.key"
	kill -HUP "$pid"
	wait_for 'openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | grep -q "subject=CN = server2\$"'
}

@test "nginx in front: TLS, large bodies, connections that are kept" {
	need_nginx
	serve
	front=$(free_port)
	start_nginx "upstream site { server 127.0.0.1:$port; keepalive 4; }
		server {
			listen 127.0.0.1:$front ssl;
			ssl_certificate $certs/server.pem; ssl_certificate_key $certs/server.key;
			location / { proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ''; }
		}" "$front"
	for _ in 1 2 3; do
		curl -sS --cacert "$certs/ca.pem" --data-binary "@$random" "https://localhost:$front/echo" | cmp "$random" -
		CA=$certs/ca.pem "$get" POST "https://localhost:$front/echo" "$random" | cmp "$random" -
	done
	run wrk -t1 -c20 -d1 --timeout 60s "https://127.0.0.1:$front/page"
	[[ $output == *"Requests/sec"* ]]
	[[ $output != *"Non-2xx"* ]]
}

@test "the client: through nginx as a proxy" {
	need_nginx
	serve
	front=$(free_port)
	start_nginx "server {
			listen 127.0.0.1:$front;
			location / { proxy_pass http://127.0.0.1:$port; proxy_set_header X-Was \$request_uri; }
		}" "$front"
	http_proxy=http://127.0.0.1:$front run "$get" GET http://no-such-host.invalid/page
	[[ $output == *"200 text/plain"* ]]
	no_proxy=invalid http_proxy=http://127.0.0.1:$front run "$get" GET http://no-such-host.invalid/page
	[ "$status" -eq 1 ]
	[ "$output" = "no-such-host.invalid: no such host" ]
}

@test "the client: python's http.server, with its redirection" {
	mkdir -p "$BATS_TEST_TMPDIR/www/dir"
	cp "$random" "$BATS_TEST_TMPDIR/www/random"
	echo hello >"$BATS_TEST_TMPDIR/www/dir/index.html"
	port=$(free_port)
	/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$BATS_TEST_TMPDIR/www" "$port" >/dev/null 2>&1 3>&- &
	pids="$! $pids"
	wait_port "$port"
	"$get" GET "http://127.0.0.1:$port/random" | cmp "$random" -
	run "$get" GET "http://127.0.0.1:$port/dir"
	[ "$output" = $'200 text/html\nhello' ]
	run "$get" GET "http://127.0.0.1:$port/none"
	[[ $output == "404 text/html"* ]]
	run "$get" HEAD "http://127.0.0.1:$port/random"
	[ "$output" = "200 application/octet-stream" ]
}

@test "the client: openssl's server, trusted or not" {
	port=$(free_port)
	openssl s_server -accept "127.0.0.1:$port" -cert "$certs/server.pem" -key "$certs/server.key" -www -quiet \
		>/dev/null 2>&1 3>&- </dev/null &
	pids="$! $pids"
	wait_port "$port"
	CA=$certs/ca.pem run "$get" GET "https://localhost:$port/"
	[ "$status" -eq 0 ]
	[[ $output == *"200 text/html"* ]]
	[[ $output == *"TLSv1.3"* ]]
	CA=$certs/other.pem run "$get" GET "https://localhost:$port/"
	[ "$status" -eq 1 ]
	[[ $output == *"its certificate is not to be trusted: unable to get local issuer certificate" ]]
}

# In namespaces of its own, with these files for /etc/hosts and /etc/resolv.conf.
with_names() {
	[ "$(id -u)" -eq 0 ] || skip "this takes root, for namespaces"
	unshare -m true || skip "no mount namespaces here"
	printf '%s' "$1" >"$BATS_TEST_TMPDIR/hosts"
	printf '%s' "$2" >"$BATS_TEST_TMPDIR/resolv.conf"
	shift 2
	said=$BATS_TEST_TMPDIR/said unshare -mn sh -c 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf && ip link set lo up &&
		exec "$@"' "$BATS_TEST_TMPDIR" "$@"
}

# For sh in there: run COMMAND ... in the background, until it has printed a line; its pid is in pids.
in_background='run() {
	rm -f "$said"
	"$@" >"$said" &
	pids="$pids $!"
	for _ in $(seq 600); do
		[ ! -s "$said" ] || return
		sleep 0.05
	done
}
'

@test "names: /etc/hosts, also by the static binary" {
	for client in "$get" "$static"; do
		run with_names $'127.0.0.1 some.test\n' "" sh -c "$in_background"'
			run "$1" 127.0.0.1:8080
			"$0" GET http://some.test:8080/page 2>&1 >/dev/null; kill $pids; wait' "$client" "$site"
		[ "$output" = "200 text/plain" ]
		run with_names $'127.0.0.1 some.test\n' "" "$client" GET http://other.test:8080/page
		[ "$status" -eq 1 ]
		[[ $output == "other.test: no name server"* ]]
	done
}

@test "names: an address that does not answer is passed over" {
	run with_names $'::1 both.test\n127.0.0.1 both.test\n' "" sh -c "$in_background"'
		run "$1" 127.0.0.1:8080
		"$0" GET http://both.test:8080/page 2>&1 >/dev/null; kill $pids; wait' "$get" "$site"
	[ "$output" = "200 text/plain" ]
	run with_names $'::1 both.test\n127.0.0.1 both.test\n' "" sh -c "$in_background"'
		run "$1" "[::1]:8080"
		"$0" GET http://both.test:8080/page 2>&1 >/dev/null; kill $pids; wait' "$get" "$site"
	[ "$output" = "200 text/plain" ]
}

# Two listeners whose queues are full, so that the kernel drops what asks to connect.
@test "names: addresses that say nothing cost little" {
	cat >"$BATS_TEST_TMPDIR/holes.py" <<-END
		import socket, time
		held = []
		for host in ("127.0.0.2", "127.0.0.3"):
		    listener = socket.socket()
		    listener.bind((host, 8080))
		    listener.listen(0)
		    held.append(listener)
		    for _ in range(8):
		        client = socket.socket()
		        client.setblocking(False)
		        client.connect_ex((host, 8080))
		        held.append(client)
		print("ready", flush=True)
		time.sleep(100)
	END
	run with_names $'127.0.0.2 hole.test\n127.0.0.3 hole.test\n127.0.0.1 hole.test\n' "" sh -c "$in_background"'
		run "$1" 127.0.0.1:8080
		run /usr/bin/python3 "$2"
		timeout 1 "$0" GET http://127.0.0.2:8080/page 2>&1; echo "$?"
		timeout 8 "$0" GET http://hole.test:8080/page 2>&1 >/dev/null; kill $pids; wait' \
		"$get" "$site" "$BATS_TEST_TMPDIR/holes.py"
	[ "$output" = $'124\n200 text/plain' ]
}

@test "names: a name server, also by the static binary" {
	for client in "$get" "$static"; do
		run with_names "" $'nameserver 127.0.0.1\nsearch test\n' sh -c "$in_background"'
			run "$1" 127.0.0.1:8080
			run /usr/bin/python3 "$2"
			for name in v4.test both.test v4 none.test; do "$0" GET "http://$name:8080/page" 2>&1 >/dev/null; done
			kill $pids; wait' "$client" "$site" "$SRC/tests/http/dns.py"
		[ "${lines[0]}" = "200 text/plain" ]
		[ "${lines[1]}" = "200 text/plain" ]
		[ "${lines[2]}" = "200 text/plain" ]
		[ "${lines[3]}" = "none.test: no such host" ]
	done
}
