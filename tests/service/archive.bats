#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# BTF of kernels that an archive on a web server has: serve --btf URL.

load service

btf=/sys/kernel/btf/vmlinux

setup() {
	[ -r $btf ] || skip "this kernel has no BTF"
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p archive/x86_64
	cat >small.c <<-'END'
		#include "lbc.h"
		SEC("raw_tp/sched_process_exec") int f(void *ctx) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	END
}

# add_kernel RELEASE [ARCH]: a kernel with a function vfs_RELEASE (of which only letters and digits count, 8 of them); sets
# digest
add_kernel() {
	local name=${1//[^a-z0-9]/}00000000 arch=${2:-x86_64}
	LC_ALL=C sed "s/vfs_readlink/vfs_${name:0:8}/" $btf >raw
	add_raw "$1" "$arch"
}

# add_raw RELEASE ARCH: the file raw
add_raw() {
	digest=$(sha256sum <raw | cut -d ' ' -f 1)
	mkdir -p "archive/$2"
	zstd -qf -1 raw -o "archive/$2/$digest.btf.zst"
	jq -n --arg arch "$2" --arg release "$1" --arg digest "$digest" \
		'{$arch, $release, $digest, distribution: "test", build_id: "00", functions: {of: "others"}}' >>kernels
	write_index
}

write_index() {
	jq -s '{version: 1, made_by: "a test", kernels: .}' kernels >archive/index.json
}

# A web server that is not ours; sets web and web_pid. With a port: there again; without, at one that the system gives to nobody
# by itself, so that it can come back.
start_web() {
	for _ in 1 2 3 4 5; do
		python3 -u -m http.server --bind 127.0.0.1 --directory archive "${1:-$((20000 + RANDOM % 12000))}" \
			>web.out 2>web.log 3>&- 4>&- &
		web_pid=$!
		echo "$web_pid" >>pids
		wait_for 'grep -q "Serving HTTP" web.out' "$web_pid" || continue
		web=$(sed -n 's/.*(\(http:.*\)\/).*/\1/p' web.out)
		return 0
	done
	cat web.log
	return 1
}

stop_web() {
	kill "$web_pid"
	wait "$web_pid" || true
}

# How often the web server gave, or was asked for, what has this in its name.
fetched() {
	grep -c "GET [^ ]*$1" web.log || true
}

# The functions of a kernel that are called like this
functions() {
	ask GET "/v1/kernels/$1/functions/$2"
	jq -r '.functions[].name' <<<"$body"
}

@test "kernels of an archive are listed, and fetched when they are needed, once" {
	add_kernel 5.1.0-7
	other=$digest
	add_kernel 6.2.0 aarch64
	start_web
	start s --btf "$web/"
	ask GET /v1/kernels
	[ "$(jq -c '[.kernels[] | [.arch, .release]] - [["'"$(uname -m)"'","'"$(uname -r)"'"]]' <<<"$body")" = '[["aarch64","6.2.0"],["x86_64","5.1.0-7"]]' ]
	[ "$(fetched btf.zst)" = 0 ]
	compile small.c '{kernel: "5.1.0-7"}'
	assert_status 200
	[ "$(fetched "x86_64/$other.btf.zst")" = 1 ]
	cmp <(zstd -qdc "archive/x86_64/$other.btf.zst") "cache-s/btf/$other.btf"
	compile small.c "{kernel: \"$other\", flags: [\"-O1\"]}"
	assert_status 200
	[ "$(functions x86_64/5.1.0-7 'vfs_5107*')" = vfs_51070000 ]
	[ "$(fetched btf.zst)" = 1 ]
	ask GET /v1/kernels/aarch64/6.2.0/types/task_struct
	assert_status 200
	[ "$(fetched "aarch64/$digest.btf.zst")" = 1 ]
	ask GET /v1/btf/aarch64/6.2.0
	[ "$(zstd -qdc body | sha256sum | cut -d ' ' -f 1)" = "$digest" ]
	# the next server with this cache directory needs the index alone
	cache_dir=$PWD/cache-s start again --btf "$web"
	compile small.c '{kernel: "6.2.0", flags: ["-O1"]}'
	assert_status 200
	[ "$(fetched btf.zst)" = 2 ]
	[ "$(fetched index.json)" = 2 ]
	compile small.c '{kernel: "9.9"}'
	assert_error 404 unknown_kernel
}

@test "the older clients' questions fetch it too" {
	add_kernel 5.1.0-7
	start_web
	start s --btf "$web"
	ask POST /lbc --data-binary '[{"cmd": "func", "arch": "x86_64", "ver": "5.1.0-7", "func": "vfs_5107%"}]'
	[ "$(jq -r '.res[0].res[0].func' <<<"$body")" = vfs_51070000 ]
	rm -r cache-s archive/x86_64
	ask POST /lbc --data-binary '[{"cmd": "struct", "arch": "x86_64", "ver": "5.1.0-7", "struct": "sk_buff"}]'
	[[ $(jq -r '.res[0].log' <<<"$body") == *"cannot fetch"*404* ]]
}

@test "BTF that is here is not fetched, and this machine's architecture goes first" {
	cp $btf raw
	add_raw "$(uname -r)" aarch64
	add_raw "$(uname -r)" x86_64
	add_raw 1.2.3 x86_64
	mkdir btf
	LC_ALL=C sed "s/vfs_readlink/vfs_readlinq/" $btf >btf/5.1.0-7.x86_64.btf
	add_kernel 5.1.0-7
	start_web
	start s --btf "$web" --btf btf
	ask GET /v1/kernels
	[ "$(jq -c '[.kernels[] | select(.release == "'"$(uname -r)"'") | .arch]' <<<"$body")" = '["aarch64","x86_64"]' ]
	compile small.c
	compile small.c '{kernel: "1.2.3"}'
	assert_status 200
	[ "$(functions x86_64/5.1.0-7.x86_64 'vfs_readlin*')" = vfs_readlinq ]
	[ "$(fetched btf.zst)" = 0 ]
}

@test "a kernel whose file is wrong is an error of its own, until it is right" {
	add_kernel 1.1
	start_web
	start s --btf "$web"
	file=archive/x86_64/$digest.btf.zst
	mv "$file" right
	compile small.c '{kernel: "1.1"}'
	assert_error 503 kernel_unavailable
	[[ $(jq -r .error.message <<<"$body") == *"$digest.btf.zst"*"status 404"* ]]
	zstd -qf $btf -o "$file" # another kernel's
	compile small.c '{kernel: "1.1"}'
	assert_error 503 kernel_unavailable
	[[ $(jq -r .error.message <<<"$body") == *"has the SHA-256 $(sha256sum <$btf | cut -d ' ' -f 1)"* ]]
	head -c 100000 right >"$file"
	ask GET /v1/kernels/x86_64/1.1/types/sk_buff
	assert_error 503 kernel_unavailable
	[[ $(jq -r .error.message <<<"$body") == *"does not unpack"* ]]
	echo nonsense >"$file"
	ask GET /v1/btf/x86_64/1.1
	assert_error 503 kernel_unavailable
	head -c 100000000 /dev/zero | zstd -qf -o "$file"
	compile small.c '{kernel: "1.1"}'
	assert_error 503 kernel_unavailable
	[[ $(jq -r .error.message <<<"$body") == *"more than"* ]]
	[ -z "$(find cache-s -name "$digest*")" ]
	mv right "$file"
	compile small.c '{kernel: "1.1"}'
	assert_status 200
	# what is no BTF under a right digest
	echo "no BTF" >raw
	add_raw 2.2 x86_64
	kill -HUP "$pid"
	wait_for 'curl -s "$url/v1/kernels" | grep -q "$digest"'
	compile small.c '{kernel: "2.2"}'
	assert_error 503 kernel_unavailable
}

@test "an archive that is gone spoils only what needs it, and is found again" {
	add_kernel 1.1
	add_kernel 2.2
	start_web
	start s --btf "$web"
	compile small.c '{kernel: "1.1"}'
	assert_status 200
	stop_web
	compile small.c '{kernel: "1.1", flags: ["-O1"]}'
	assert_status 200
	compile small.c '{kernel: "2.2"}'
	assert_error 503 kernel_unavailable
	kill -HUP "$pid"
	wait_for 'grep -q "cannot fetch.*going on with what was there" s.err'
	[ "$(functions x86_64/1.1 'vfs_11*')" = vfs_11000000 ]
	start_web "${web##*:}"
	compile small.c '{kernel: "2.2"}'
	assert_status 200
}

@test "SIGHUP: a new index" {
	add_kernel 1.1
	start_web
	start s --btf "$web"
	add_kernel 3.3
	compile small.c '{kernel: "3.3"}'
	assert_error 404 unknown_kernel
	kill -HUP "$pid"
	wait_for 'curl -s "$url/v1/kernels" | grep -q "$digest"'
	compile small.c '{kernel: "3.3"}'
	assert_status 200
	# another kernel under the same name
	rm kernels
	LC_ALL=C sed "s/vfs_readlink/vfs_33333333/" $btf >raw
	add_raw 3.3 x86_64
	kill -HUP "$pid"
	wait_for 'curl -s "$url/v1/kernels" | grep -q "$digest"'
	[ "$(functions x86_64/3.3 'vfs_33*')" = vfs_33333333 ]
	echo '{"version": 1}' >archive/index.json
	kill -HUP "$pid"
	wait_for 'grep -q "no list \"kernels\"; going on with what was there" s.err'
	[ "$(functions x86_64/3.3 'vfs_33*')" = vfs_33333333 ]
}

@test "a silent archive holds nobody up" {
	add_kernel 1.1
	start_web
	start s --jobs 2 --job-time 16s --btf "$web"
	stop_web
	python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
kept = []
while True:
    kept.append(s.accept())
    print("asked", flush=True)' "${web##*:}" >silent.out 3>&- 4>&- &
	silent=$!
	echo "$silent" >>pids
	wait_for 'grep -q ready silent.out'
	kill -HUP "$pid"
	wait_for 'grep -q asked silent.out'
	compile small.c '{}' -m 6
	assert_status 200
	kill -HUP "$pid" # heard when the first is done with
	ask GET /v1/kernels -m 6
	assert_status 200
	[ "$(jq '.kernels | map(select(.release == "1.1")) | length' <<<"$body")" = 1 ]
	compile small.c '{kernel: "1.1"}'
	assert_error 503 kernel_unavailable
	wait_for '[ "$(grep -c asked silent.out)" = 3 ]'
	kill "$silent"
	wait "$silent" || true
	wait_for '[ "$(grep -c "going on with what was there" s.err)" = 2 ]'
	add_kernel 2.2
	start_web "${web##*:}"
	kill -HUP "$pid"
	wait_for 'curl -s "$url/v1/kernels" | grep -q "$digest"'
}

# refused INDEX WORD: a server does not start with this index, and says so
refused() {
	printf '%s' "$1" >archive/index.json
	COOLBPF_CACHE=$PWD/cache run "$COOLBPF" serve --listen 127.0.0.1:0 --btf "$web"
	assert_failed 1 "$2"
}

@test "a bad index is an error that says what is wrong" {
	start_web
	zero=$(printf '%064d' 0)
	run "$COOLBPF" serve --listen 127.0.0.1:0 --btf "$web"
	assert_failed 1 "index.json"
	[[ $output == *404* ]]
	refused '' "not JSON"
	refused '[1, 2' "not JSON"
	refused '[]' "version 1"
	refused '{"version": 2, "kernels": []}' "version 1"
	refused '{"version": 1, "kernels": {}}' "no list"
	refused '{"version": 1, "kernels": [1]}' 'kernel 0: "arch"'
	refused '{"version": 1, "kernels": [{"arch": "../x", "release": "1", "digest": "'"$zero"'"}]}' '"arch"'
	refused '{"version": 1, "kernels": [{"arch": "x86_64", "release": "a b", "digest": "'"$zero"'"}]}' '"release"'
	refused '{"version": 1, "kernels": [{"arch": "x86_64", "release": "'"$(printf '%0200d' 1)"'", "digest": "'"$zero"'"}]}' '"release"'
	refused '{"version": 1, "kernels": [{"arch": "x86_64", "release": "1", "digest": "'"${zero%0}"'"}]}' '"digest"'
	refused '{"version": 1, "kernels": [{"arch": "x86_64", "release": "1", "digest": "'"${zero%0}A"'"}]}' '"digest"'
	refused "$(printf '[%.0s' {1..100})" "nested too deep"
	refused "{\"version\": 1, \"kernels\": [$(seq -s , 100001)]}" "100001 kernels"
	refused "[$(seq -s , 1700000)]" "too many values"
	head -c 40000000 /dev/zero >archive/index.json
	run "$COOLBPF" serve --listen 127.0.0.1:0 --btf "$web"
	assert_failed 1 "index.json"
	stop_web
	run "$COOLBPF" serve --listen 127.0.0.1:0 --btf "$web"
	assert_failed 1 "refused"
	for u in http:// 'http://a/?x' 'http://me:secret@a/'; do
		run "$COOLBPF" serve --btf "$u"
		[ "$status" = 2 ]
	done
	run "$COOLBPF" serve --btf "$web" --accept-btf
	assert_failed 2 "--btf DIR"
}

@test "an index of 100,000 kernels" {
	! sanitized || skip "a build with sanitizers takes too long to read it"
	python3 - >archive/index.json <<-'END'
		import json
		print(json.dumps({"version": 1, "kernels": [{"arch": "x86_64", "release": f"5.{i}", "digest": f"{i:064x}",
		      "distribution": "test", "build_id": f"{i:040x}"} for i in range(100000)]}))
	END
	start_web
	start s --btf "$web"
	[ "$(curl -s "$url/v1/kernels" | jq '.kernels | length')" -ge 100000 ]
	compile small.c '{kernel: "5.99999"}'
	assert_error 503 kernel_unavailable
}

@test "through the proxy that the environment names" {
	add_kernel 1.1
	start_web
	# the web server takes the whole URL for a path
	mkdir archive/http:
	ln -s .. archive/http:/archive.invalid
	http_proxy=$web start s --btf "http://archive.invalid"
	compile small.c '{kernel: "1.1"}'
	assert_status 200
	[ "$(fetched "http://archive.invalid/x86_64/$digest")" = 1 ]
}

@test "old kernels, which have no BTF themselves" {
	old=$SRC/../shared/data/btf
	[ -d "$old" ] || skip "there is no BTF of old kernels in ../shared/data/btf beside the source tree"
	for f in "$old"/*.x86_64.btf.zst; do
		zstd -qdcf "$f" >raw
		name=$(basename "$f" .x86_64.btf.zst)
		add_raw "$name" x86_64
	done
	start_web
	start s --btf "$web"
	cat >task.c <<-'END'
		#include "vmlinux.h"
		#include "lbc.h"
		SEC("kprobe/vfs_read") int f(void *ctx)
		{
			struct task_struct *t = (void *)bpf_get_current_task();
			return BPF_CORE_READ(t, tgid);
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	for release in $(jq -r .release kernels); do
		compile task.c "{kernel: \"$release\", arch: \"x86_64\"}"
		assert_status 200
		ask GET "/v1/kernels/x86_64/$release/types/task_struct"
		assert_status 200
	done
	[ "$(fetched btf.zst)" = "$(jq -r .digest kernels | sort -u | wc -l)" ]
}
