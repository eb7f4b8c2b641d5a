# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# common.bash - what the tests of the client share: a server that does as it is told (stub.py).

load ../cli/common

# start_stub NAME STEP ...: its directory is $BATS_TEST_TMPDIR/NAME, its URL $url. stop_stubs ends all.
start_stub() {
	local dir=$BATS_TEST_TMPDIR/$1
	mkdir -p "$dir"
	rm -f "$dir/port"
	[ -e "$dir/object" ] || cp "$BATS_FILE_TMPDIR/sample.bpf.o" "$dir/object"
	python3 "$SRC/tests/service/stub.py" "$dir" "${@:2}" >"$dir/out" 2>&1 3>&- &
	stubs="${stubs-} $!"
	for _ in $(seq 600); do
		[ ! -s "$dir/port" ] || break
		sleep 0.05
	done
	url=http://127.0.0.1:$(cat "$dir/port")
}

stop_stubs() {
	for pid in ${stubs-}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	stubs=
}

# The lines of a stub's log: "POST /v1/compile ok -"
log_of() {
	cat "$BATS_TEST_TMPDIR/$1/log" 2>/dev/null
}

# start_server NAME [OPTION ...]: a real one, with a cache of its own; its URL is $url. stop_stubs ends it, too.
start_server() {
	local name=$1
	"$COOLBPF" help | grep -q '^  serve ' || skip "this coolbpf is built without its server"
	COOLBPF_CACHE=$PWD/cache-of-$name "$COOLBPF" serve --listen 127.0.0.1:0 "${@:2}" >"$name.out" 2>"$name.err" 3>&- 4>&- &
	stubs="${stubs-} $!"
	for _ in $(seq 600); do
		! grep -q "serving on" "$name.err" || break
		sleep 0.05
	done
	url=$(sed -n 's/^coolbpf: serving on /http:\/\//p' "$name.err")
	[ -n "$url" ] || { cat "$name.err"; return 1; }
}
