#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Client and server together, both real: what comes from a server is what is compiled here.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	export COOLBPF_CACHE=$BATS_TEST_TMPDIR/cache COOLBPF_CONFIG=/dev/null
	unset COOLBPF_SERVER COOLBPF_TOKEN_FILE COOLBPF_PUBLIC_KEY
}

teardown() {
	stop_stubs
}

@test "every tool and example is byte for byte what it is here" {
	start_server s
	for f in "$SRC"/tools/*.bpf.c "$SRC"/examples/*.bpf.c; do
		"$COOLBPF" build --server "$url" "$f" -o there.o
		"$COOLBPF" build --server none "$f" -o here.o
		cmp there.o here.o || { echo "$f"; return 1; }
	done
}

@test "headers, directories and macros mean the same there" {
	mkdir -p dir/net inc far
	cat >dir/t.bpf.c <<-'END'
		#include <coolbpf/lbc.h>
		#include "net/a.h"
		#include <b.h>
		#include <c.h>
		LBC_PARAM(int, sum, A + B + C + D, "");
		SEC("raw_tracepoint/sched_switch") int f(void *ctx) { return sum + g(); }
		char _license[] SEC("license") = "GPL";
	END
	printf '#include "../above.h"\n#define A 1\n' >dir/net/a.h
	printf 'static inline int g(void)\n{\n\treturn 5;\n}\n' >dir/above.h
	mkdir dir/inc
	echo '#define B 20' >dir/inc/b.h
	echo '#define C 300' >far/c.h
	start_server s
	"$COOLBPF" build --server "$url" -DD=4000 -I dir/inc -Ifar dir/t.bpf.c
	[ "$("$COOLBPF" inspect -o json t.bpf.o | jq -r '.params[0].default')" = 4321 ]
	"$COOLBPF" build --server none -DD=4000 -I dir/inc dir/t.bpf.c -Ifar -o here.o
	cmp here.o t.bpf.o
}

# A local compile passes on what frames the messages, too.
without_frame() {
	grep -v -e "generated\.$" -e "^\(coolbpf: \)\?In file included from"
}

@test "errors and warnings are said in the same words" {
	mkdir dir
	printf '#include <coolbpf/lbc.h>\n#include "h.h"\nint x\n' >dir/bad.bpf.c
	printf '#warning from the header\n' >dir/h.h
	start_server s
	run "$COOLBPF" build --server "$url" dir/bad.bpf.c
	assert_failed 1 "dir/bad.bpf.c does not compile:"
	there=$output
	run "$COOLBPF" build --server none dir/bad.bpf.c
	diff <(without_frame <<<"$there") <(without_frame <<<"$output")
	printf 'SEC("raw_tracepoint/x") int f(void *ctx) { return 0; }\n' >>dir/bad.bpf.c
	sed -i 's/^int x/int x;/' dir/bad.bpf.c
	"$COOLBPF" build --server "$url" dir/bad.bpf.c 2>there
	"$COOLBPF" build --server none dir/bad.bpf.c 2>here
	grep -q "dir/h.h:1:2: warning: from the header" there
	diff <(without_frame <there) <(without_frame <here)
}

@test "signed objects are taken, those of another key refused" {
	"$COOLBPF" keygen server.key >id
	"$COOLBPF" keygen other.key
	start_server s --sign server.key
	COOLBPF_PUBLIC_KEY=$(cat id) "$COOLBPF" build --server "$url" "$SRC/examples/hello.bpf.c"
	COOLBPF_PUBLIC_KEY=other.key.pub run "$COOLBPF" build --server "$url" "$SRC/examples/hello.bpf.c"
	assert_failed 1 "is not one of the public key"
}

@test "a token opens the door" {
	printf 'a-token-of-some-length somebody\n' >tokens
	echo "a-token-of-some-length" >token
	start_server s --tokens tokens
	run "$COOLBPF" build --server "$url" "$SRC/examples/hello.bpf.c"
	assert_failed 1 "$url does not compile"
	COOLBPF_TOKEN_FILE=token "$COOLBPF" build --server "$url" "$SRC/examples/hello.bpf.c"
}

@test "a kernel that the server does not know is sent to it" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	# another kernel: the last letter of the last name is another
	cat /sys/kernel/btf/vmlinux >other.btf
	printf X | dd of=other.btf bs=1 seek=$(($(stat -c %s other.btf) - 2)) conv=notrunc status=none
	cp "$SRC/examples/hello.bpf.c" t.bpf.c
	start_server closed
	run "$COOLBPF" build --server "$url" --btf other.btf t.bpf.c
	assert_failed 1 "it does not take this kernel's BTF"
	mkdir btf
	start_server open --accept-btf --btf btf
	"$COOLBPF" build --server "$url" --btf other.btf t.bpf.c
	[ -n "$(ls -A btf)" ]
}

@test "shared library and headers" {
	f=$SRC/examples/hello.bpf.c
	start_server s
	"$COOLBPF" build --server "$url" --format so "$f"
	"$COOLBPF" build --server none --format so "$f" -o here.so
	cmp hello.so here.so
	for format in h skel; do
		"$COOLBPF" build --server "$url" --format $format "$f" -o there.h
		"$COOLBPF" build --server none --format $format "$f" -o here.h
		cmp there.h here.h
	done
}

@test "one of two servers dies in the middle, and every client gets its answer" {
	start_server one
	one=$url
	start_server two
	for i in $(seq 12); do
		(
			COOLBPF_CACHE=$PWD/cache$i "$COOLBPF" build --server "$one,$url" -DN="$i" "$SRC/examples/hello.bpf.c" -o "$i.o" 2>"client$i.err"
		) 3>&- &
		[ "$i" -ne 6 ] || kill -KILL "$(awk '{print $1}' <<<"$stubs")"
		clients="${clients-} $!"
	done
	for pid in $clients; do
		wait "$pid"
	done
	[ "$(find . -maxdepth 1 -name '*.o' | wc -l)" -eq 12 ]
	! cat client*.err | grep .
}
