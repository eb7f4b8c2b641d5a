#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The client of a compile server, against one that does as it is told: what it sends, what it takes, what it refuses.

load common

setup_file() {
	"$COOLBPF" build --server none "$sample_source" -o "$BATS_FILE_TMPDIR/sample.bpf.o"
	for name in one two; do
		"$COOLBPF" keygen "$BATS_FILE_TMPDIR/$name" >"$BATS_FILE_TMPDIR/$name.id"
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	export COOLBPF_CACHE=$BATS_TEST_TMPDIR/cache
	unset COOLBPF_SERVER COOLBPF_TOKEN_FILE COOLBPF_PUBLIC_KEY
	export COOLBPF_CONFIG=/dev/null
	key=$BATS_FILE_TMPDIR/one
	cp "$sample_source" sample.bpf.c
}

teardown() {
	stop_stubs
}

# The cache's entries
entries() {
	find "$COOLBPF_CACHE/answers" -type f 2>/dev/null | wc -l
}

nothing_was_made() {
	[ ! -e sample.bpf.o ]
	[ "$(entries)" -eq 0 ]
}

# signed NAME: the stub of that name is to sign
signed() {
	mkdir -p "$1"
	cp "$key" "$1/key"
}

# ---- What is sent and what comes back ------------------------------------------------------------------------------

@test "the object that the server gave is written" {
	start_stub s ok
	"$COOLBPF" build --server "$url" sample.bpf.c
	cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
	[ "$(log_of s)" = "POST /v1/compile ok -" ]
}

@test "the request says source, name, arch, format, and the kernel by the digest of its BTF" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	start_stub s ok
	"$COOLBPF" build --server "$url" -D X=1 -DY sample.bpf.c
	jq -rj .source s/request.json | cmp - sample.bpf.c
	[ "$(jq -c '[.name, .arch, .format, .flags, .files]' s/request.json)" = "[\"sample.bpf.c\",\"$(uname -m)\",\"o\",[\"-DX=1\",\"-DY\"],{}]" ]
	[ "$(jq -r .kernel s/request.json)" = "$(sha256sum </sys/kernel/btf/vmlinux | cut -d' ' -f1)" ]
}

@test "--btf names another kernel, raw or in an ELF file" {
	llvm-objcopy --dump-section .BTF=raw.btf "$BATS_FILE_TMPDIR/sample.bpf.o" /dev/null
	gcc -c -x c /dev/null -o vmlinux.o
	objcopy --add-section .BTF=raw.btf vmlinux.o vmlinux
	start_stub s ok
	for file in raw.btf vmlinux; do
		"$COOLBPF" build --server "$url" --btf $file sample.bpf.c
		[ "$(jq -r .kernel s/request.json)" = "$(sha256sum <raw.btf | cut -d' ' -f1)" ]
	done
	run "$COOLBPF" build --server "$url" --btf absent sample.bpf.c
	assert_failed 1 "absent: No such file"
}

@test "headers go along: beside the source, of these, and from -I" {
	mkdir -p src/net include "$BATS_TEST_TMPDIR/far away"
	cp sample.bpf.c src/tool.bpf.c
	printf '#include "net/deep.h"\n#  include <mine.h>\n#include <far.h>\n#include <bpf/bpf_helpers.h>\n#include "absent.h"\n' >>src/tool.bpf.c
	echo '#include "deeper.h"' >src/net/deep.h
	echo '/* é */' >src/net/deeper.h
	echo 'mine' >src/mine.h
	mkdir src/include
	mv src/mine.h src/include/
	echo 'far' >"far away/far.h"
	echo 'not included' >src/other.h
	start_stub s ok
	"$COOLBPF" build --server "$url" -Isrc/include -I "far away" src/tool.bpf.c
	[ "$(jq -c .files s/request.json)" = \
		'{"_I1/far.h":"far\n","include/mine.h":"mine\n","net/deep.h":"#include \"deeper.h\"\n","net/deeper.h":"/* é */\n"}' ]
	[ "$(jq -c .flags s/request.json)" = '["-Iinclude","-I_I1"]' ]
}

@test "inspect and run take a server, too, and so does the environment" {
	start_stub s ok
	[ "$("$COOLBPF" inspect --server "$url" sample.bpf.c)" = "$("$COOLBPF" inspect "$BATS_FILE_TMPDIR/sample.bpf.o")" ]
	COOLBPF_CACHE=$BATS_TEST_TMPDIR/c2 COOLBPF_SERVER=$url "$COOLBPF" run sample.bpf.c --help | grep -q -- --number
	[ "$(log_of s | wc -l)" -eq 2 ]
}

@test "a tool runs from a server's object without a compiler" {
	need_bpf
	start_stub s ok
	CLANG=/nowhere PATH=/usr/bin:/bin "$COOLBPF" run --server "$url" sample.bpf.c --duration 100ms
}

@test "--clang means here; with --server none, too" {
	start_stub s ok
	export COOLBPF_SERVER=$url
	"$COOLBPF" build --clang clang sample.bpf.c
	"$COOLBPF" build --server none sample.bpf.c
	[ -z "$(log_of s)" ]
}

@test "a shared library is what the server makes of it" {
	start_stub s ok
	echo "a library" >s/object
	"$COOLBPF" build --server "$url" --format so sample.bpf.c
	[ "$(cat sample.so)" = "a library" ]
	[ "$(jq -r .format s/request.json)" = so ]
}

# ---- Compile errors and warnings -----------------------------------------------------------------------------------

@test "a source that does not compile is said as a local compile says it, by the user's own names" {
	mkdir -p dir inc
	echo '#include "in.h"' >dir/bad.bpf.c
	echo 'int x' >inc/in.h
	mkdir s
	cat >s/diagnostics <<-'END'
		[{"file": "bad.bpf.c", "line": 3, "column": 7, "severity": "error", "text": "expected ';'", "excerpt": "int x\n     ^\n"},
		 {"file": "_I1/in.h", "line": 1, "column": 2, "severity": "note", "text": "here", "excerpt": ""},
		 {"file": "/usr/include/x.h", "line": 9, "column": 1, "severity": "note", "text": "there", "excerpt": ""}]
	END
	start_stub s 422
	run "$COOLBPF" build --server "$url,http://127.0.0.1:1" -I inc dir/bad.bpf.c
	assert_failed 1 "dir/bad.bpf.c does not compile:
dir/bad.bpf.c:3:7: error: expected ';'
int x
     ^
inc/in.h:1:2: note: here
/usr/include/x.h:9:1: note: there"
	[ "$(log_of s | wc -l)" -eq 1 ]
	[ "$(entries)" -eq 0 ]
}

@test "warnings are shown, also when the answer is from the cache" {
	mkdir s
	echo '[{"file": "sample.bpf.c", "line": 3, "column": 7, "severity": "warning", "text": "unused", "excerpt": ""}]' >s/diagnostics
	start_stub s ok
	for _ in 1 2; do
		run "$COOLBPF" build --server "$url" sample.bpf.c
		[ "$status" -eq 0 ]
		[ "$output" = "coolbpf: sample.bpf.c:3:7: warning: unused" ]
	done
	[ "$(log_of s | wc -l)" -eq 1 ]
}

# ---- The cache -----------------------------------------------------------------------------------------------------

@test "the same request is answered from the cache, also with no server; another is not" {
	start_stub s ok
	"$COOLBPF" build --server "$url" sample.bpf.c
	stop_stubs
	rm sample.bpf.o
	run "$COOLBPF" run -v --server "$url" sample.bpf.c --help
	[ "$status" -eq 0 ]
	"$COOLBPF" build --server "$url" sample.bpf.c
	cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
	run "$COOLBPF" build --server "$url" -DX sample.bpf.c
	assert_failed 1 "cannot have sample.bpf.c compiled by $url"
	echo '//' >>sample.bpf.c
	run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "refused"
}

@test "an entry of the cache that was changed is not used" {
	signed s
	start_stub s ok
	export COOLBPF_PUBLIC_KEY=$key.pub
	"$COOLBPF" build --server "$url" sample.bpf.c
	entry=$(find "$COOLBPF_CACHE/answers" -type f)
	# damaged: its digest says so
	printf X | dd of="$entry" bs=1 seek=300 conv=notrunc status=none
	"$COOLBPF" build --server "$url" sample.bpf.c
	[ "$(log_of s | wc -l)" -eq 2 ]
	# forged: whole, but with another object; the signature says so
	python3 - "$entry" <<-'END'
		import base64, hashlib, json, sys
		data = open(sys.argv[1], "rb").read()
		a = json.loads(data[40:])
		a["object"] = base64.b64encode(b"forged").decode()
		a["digest"] = hashlib.sha256(b"forged").hexdigest()
		content = json.dumps(a).encode()
		open(sys.argv[1], "wb").write(data[:8] + hashlib.sha256(content).digest() + content)
	END
	"$COOLBPF" build --server "$url" sample.bpf.c
	[ "$(log_of s | wc -l)" -eq 3 ]
	cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
}

@test "a cache that cannot be written does not matter" {
	start_stub s ok
	COOLBPF_CACHE=/proc/nowhere "$COOLBPF" build --server "$url" sample.bpf.c
	cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
}

# ---- Signatures ----------------------------------------------------------------------------------------------------

@test "with a public key, as a file or as digits, what it has signed is taken" {
	signed s
	start_stub s ok
	for k in "$key.pub" "$(cat "$key.id")"; do
		rm -rf cache sample.bpf.o
		COOLBPF_PUBLIC_KEY=$k "$COOLBPF" build --server "$url" sample.bpf.c
		cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
	done
}

@test "with a public key, anything else is refused, and nothing is kept" {
	signed s
	export COOLBPF_PUBLIC_KEY=$BATS_FILE_TMPDIR/two.pub
	start_stub s ok
	run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "is not one of the public key $(head -c 16 "$BATS_FILE_TMPDIR/two.id")"
	nothing_was_made
	export COOLBPF_PUBLIC_KEY=$key.pub
	for step in signature unsigned swapped digest object; do
		start_stub s $step
		run "$COOLBPF" build --server "$url" sample.bpf.c
		assert_failed 1 "cannot have sample.bpf.c compiled by $url"
		nothing_was_made
		stop_stubs
		rm s/port
	done
}

@test "an unsigned answer from before the key was set is not taken from the cache" {
	start_stub s ok
	"$COOLBPF" build --server "$url" sample.bpf.c
	rm sample.bpf.o
	export COOLBPF_PUBLIC_KEY=$key.pub
	run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "not signed"
	[ ! -e sample.bpf.o ]
}

@test "a public key that is none is said before anything is sent" {
	start_stub s ok
	COOLBPF_PUBLIC_KEY=sample.bpf.c run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "sample.bpf.c holds no public key"
	COOLBPF_PUBLIC_KEY=absent.pub run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "absent.pub: No such file"
	[ -z "$(log_of s)" ]
}

# ---- Servers that fail ---------------------------------------------------------------------------------------------

@test "an answer that is wrong in itself is refused" {
	for step in digest object swapped format garbage truncated html redirect; do
		start_stub s $step
		run timeout 20 "$COOLBPF" build --server "$url" sample.bpf.c
		echo "$step: $output"
		assert_failed 1 "cannot have sample.bpf.c compiled by $url"
		nothing_was_made
		stop_stubs
		rm s/port
	done
}

@test "what is wrong with it is said" {
	declare -A says=([digest]="another digest" [swapped]="another request" [format]="the format h, not o"
		[garbage]="cannot be used" [html]="status 404" [redirect]="redirection" [500]="has crashed" [401]="a token is needed")
	for step in "${!says[@]}"; do
		start_stub s "$step"
		run "$COOLBPF" build --server "$url" sample.bpf.c
		assert_failed 1 "${says[$step]}"
		stop_stubs
		rm s/port
	done
}

@test "one that is away or broken is passed over" {
	for step in 500 503 garbage digest html truncated drop; do
		start_stub bad $step
		bad=$url
		start_stub good ok
		timeout 20 "$COOLBPF" build --server "http://127.0.0.1:1, $bad,$url/" sample.bpf.c
		cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
		stop_stubs
		rm -r bad/port good/port cache sample.bpf.o
	done
}

@test "a request that is wrong is not carried to another server" {
	for step in 400 401; do
		start_stub bad $step
		bad=$url
		start_stub good ok
		run "$COOLBPF" build --server "$bad,$url" sample.bpf.c
		assert_failed 1 "$bad does not compile sample.bpf.c"
		[ -z "$(log_of good)" ]
		stop_stubs
		rm bad/port good/port
	done
}

@test "one that is busy is asked again, when it says" {
	start_stub s busy1 busy0 ok
	start=$(date +%s%N)
	"$COOLBPF" build --server "$url" sample.bpf.c
	[ $((($(date +%s%N) - start) / 1000000)) -ge 1000 ]
	[ "$(log_of s | wc -l)" -eq 3 ]
}

@test "one that is away is asked again after a while" {
	start_stub s 503 drop ok
	"$COOLBPF" build --server "$url" sample.bpf.c
	[ "$(log_of s | wc -l)" -eq 3 ]
}

@test "nobody waits longer than the timeout" {
	echo "timeout = 2s" >config # the stub would let it wait for a minute
	export COOLBPF_CONFIG=config
	for step in hang busy100 busy1; do
		start_stub s $step
		start=$(date +%s%N)
		run "$COOLBPF" build --server "$url" sample.bpf.c
		assert_failed 1 "$url"
		[ $((($(date +%s%N) - start) / 1000000)) -lt 20000 ]
		stop_stubs
		rm s/port
	done
}

@test "one that hangs leaves time for the next" {
	echo "timeout = 10s" >config
	export COOLBPF_CONFIG=config
	start_stub slow hang
	slow=$url
	start_stub good ok
	"$COOLBPF" build --server "$slow,$url" sample.bpf.c
	cmp sample.bpf.o "$BATS_FILE_TMPDIR/sample.bpf.o"
}

@test "when all fail, each is said with its reason" {
	start_stub s 500
	run "$COOLBPF" build --server "http://127.0.0.1:1,$url" sample.bpf.c
	assert_failed 1 "no server compiles sample.bpf.c:
http://127.0.0.1:1: "
	[[ $output == *"refused"*"$url: the worker has crashed" ]]
}

# ---- The kernel's BTF ----------------------------------------------------------------------------------------------

@test "a kernel that the server does not know is sent to it, once" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	start_stub s kernel
	"$COOLBPF" build --server "$url" sample.bpf.c
	"$COOLBPF" build --server "$url" -DX sample.bpf.c
	digest=$(sha256sum </sys/kernel/btf/vmlinux | cut -d' ' -f1)
	diff <(log_of s) - <<-END
		POST /v1/compile kernel -
		PUT /v1/btf/$digest good -
		POST /v1/compile kernel -
		POST /v1/compile kernel -
	END
}

@test "a server that forgets the kernel is not sent it for ever" {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	start_stub s forgetful
	run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "not known here"
	[ "$(log_of s | wc -l)" -eq 3 ]
}

# ---- Settings ------------------------------------------------------------------------------------------------------

@test "the token goes along, and only a token" {
	echo "s3cret-token" >token
	start_stub s ok
	COOLBPF_TOKEN_FILE=token "$COOLBPF" build --server "$url" sample.bpf.c
	[ "$(log_of s)" = "POST /v1/compile ok Bearer s3cret-token" ]
	rm -r cache
	for text in '' 'two words' $'two\nlines' $'a\r\nX-Evil: 1'; do
		printf '%s' "$text" >token
		COOLBPF_TOKEN_FILE=token run "$COOLBPF" build --server "$url" sample.bpf.c
		assert_failed 1 "token does not hold a token"
	done
	COOLBPF_TOKEN_FILE=absent run "$COOLBPF" build --server "$url" sample.bpf.c
	assert_failed 1 "absent: No such file"
	[ "$(log_of s | wc -l)" -eq 1 ]
}

@test "the configuration file, found where it belongs" {
	start_stub s ok
	unset COOLBPF_CONFIG
	mkdir -p home/.config/coolbpf xdg/coolbpf
	export HOME=$PWD/home
	printf '# ours\n\n  server = %s  \ntoken_file = token\n' "$url" >home/.config/coolbpf/config
	echo "from-file" >home/.config/coolbpf/token
	"$COOLBPF" build sample.bpf.c
	[ "$(log_of s)" = "POST /v1/compile ok Bearer from-file" ]
	echo 'server = none' >xdg/coolbpf/config
	XDG_CONFIG_HOME=$PWD/xdg "$COOLBPF" build -DX sample.bpf.c
	[ "$(log_of s | wc -l)" -eq 1 ]
	echo "other" >token
	COOLBPF_TOKEN_FILE=token "$COOLBPF" build -DX sample.bpf.c
	[ "$(log_of s | tail -n 1)" = "POST /v1/compile ok Bearer other" ]
}

@test "a configuration file that is wrong is said with its line" {
	while IFS='|' read -r text says; do
		printf "$text" >config
		COOLBPF_CONFIG=config run "$COOLBPF" build sample.bpf.c
		assert_failed 1 "$says"
	done <<-'END'
		server\n|config:1: a line has the form
		\n# x\nsrever = x\n|config:3: there is no setting "srever"
		server =\n|config:1: server has no value
		server = http://a\nserver = http://b\n|config:2: server stands in this file twice
		server = ftp://a\n|"ftp://a" is not the URL of a server
		server = http://\n|"http://" is not the URL
		server = http://a,,http://b\n|"" is not the URL
		timeout = soon\n|timeout is "soon"
		timeout = 0\n|timeout is "0"
		cert_file = x\n|cert_file and key_file
	END
	COOLBPF_CONFIG=absent run "$COOLBPF" build sample.bpf.c
	assert_failed 1 "absent: No such file"
}

# ---- What cannot be sent -------------------------------------------------------------------------------------------

@test "flags, headers and texts that a server cannot be given are said, and nothing is sent" {
	start_stub s ok
	run "$COOLBPF" build --server "$url" '-D1=x' sample.bpf.c
	assert_failed 1 'the flag "-D1=x" is not allowed'
	mkdir dir
	echo >up.h
	echo '#include "../up.h"' >dir/up.bpf.c
	run "$COOLBPF" build --server "$url" dir/up.bpf.c
	assert_failed 1 'dir/up.bpf.c includes dir/../up.h, which is above dir/'
	printf 'int a;\n// caf\351\n' >latin.bpf.c
	run "$COOLBPF" build --server "$url" latin.bpf.c
	assert_failed 1 "latin.bpf.c:2: the byte 0xe9 is not UTF-8"
	run "$COOLBPF" build --server "$url" absent.bpf.c
	assert_failed 1 "absent.bpf.c: No such file"
	head -c 17M /dev/zero | tr '\0' ' ' >big.bpf.c
	run "$COOLBPF" build --server "$url" big.bpf.c
	assert_failed 1 "larger than"
	[ -z "$(log_of s)" ]
}
