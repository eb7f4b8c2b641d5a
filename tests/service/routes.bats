#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Each route of the compile server, and each error that its document names.

load service

arch=$(uname -m)
release=$(uname -r)

need_btf() {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
}

@test "a compiled object is the one that build writes" {
	start s
	compile small.c '{name: "small.bpf.c"}'
	assert_status 200
	jq -r .object <<<"$body" | base64 -d >served.o
	cp small.c small.bpf.c
	"$COOLBPF" build small.bpf.c -o local.o
	cmp served.o local.o
	[ "$(jq -r .digest <<<"$body")" = "$(sha256sum <served.o | cut -d ' ' -f 1)" ]
	[ "$(jq -c '[.format, .cached, .diagnostics, .description.programs[0].name]' <<<"$body")" = '["o",false,[],"f"]' ]
	llvm-readelf -S served.o | grep -q raw_tp/sched_process_exec
}

@test "the same again comes from the cache, in another spelling of the JSON too" {
	start s
	compile small.c
	object=$(jq -r .object <<<"$body")
	compile small.c
	[ "$(jq -r .cached <<<"$body")" = true ]
	[ "$(jq -r .object <<<"$body")" = "$object" ]
	jq -c . request.json >flat.json
	ask POST /v1/compile --data-binary @flat.json
	[ "$(jq -r '.cached' <<<"$body")" = true ]
	[ "$(metric compiles_total)" = 1 ]
}

@test "files, flags and name reach the compiler" {
	start s
	cat >use.c <<-'END'
		#include "net/two.h"
		#include "lbc.h"
		SEC("raw_tp/x") int f(void *ctx) { return TWO + N; }
		char LICENSE[] SEC("license") = "GPL";
	END
	compile use.c '{files: {"net/two.h": "#include \"one.h\"\n#define TWO (ONE + 1)\n", "net/one.h": "#define ONE 1\n"}, flags: ["-DN=40"]}'
	assert_status 200
	jq -r .object <<<"$body" | base64 -d >o
	llvm-objdump -d o | grep -q 'r0 = 42'
}

@test "the compiler's own headers are there, and those of the system" {
	start s
	for header in stddef.h stdarg.h stdbool.h linux/types.h asm/unistd.h; do
		printf '#include <%s>\nint x = sizeof(long);\n' "$header" >own.c
		compile own.c
		assert_status 200
	done
}

@test "each format" {
	start s
	for f in o so h skel; do
		compile small.c "{name: \"small.bpf.c\", format: \"$f\"}"
		assert_status 200
		[ "$(jq -r .format <<<"$body")" = $f ]
		jq -r .object <<<"$body" | base64 -d >small.$f
	done
	[[ $(file small.o) == *ELF*eBPF* ]]
	[[ $(file small.so) == *"shared object"* ]]
	gcc -fsyntax-only -I"$SRC/include" -include stddef.h -x c small.h
	grep -q bpf_object small.skel
}

@test "what does not compile is told by line and column, and remembered" {
	start s
	printf 'int x;\nint y = "z" + ;\n' >bad.c
	compile bad.c '{name: "bad.bpf.c"}'
	assert_error 422 does_not_compile
	[ "$(jq -c '.diagnostics[0] | [.file, .line, .column, .severity, .text]' <<<"$body")" = '["bad.bpf.c",2,15,"error","expected expression"]' ]
	compile bad.c '{name: "bad.bpf.c"}'
	assert_error 422 does_not_compile
	[ "$(metric compiles_total)" = 1 ]
}

@test "warnings come with the object" {
	start s
	sed 's/return 0/int unused; return 0/' small.c >warn.c
	compile warn.c '{flags: ["-Wunused-variable"]}'
	assert_status 200
	[ "$(jq -r '.diagnostics[0].severity' <<<"$body")" = warning ]
}

@test "kernels, types and functions" {
	need_btf
	start s
	ask GET /v1/kernels
	assert_status 200
	digest=$(sha256sum </sys/kernel/btf/vmlinux | cut -d ' ' -f 1)
	[ "$(jq -c ".kernels[] | select(.release == \"$release\") | [.arch, .digest]" <<<"$body")" = "[\"$arch\",\"$digest\"]" ]
	ask GET "/v1/kernels/$arch/$release/types/struct%20list_head"
	assert_status 200
	[ "$(jq -c '.types[0] | [.kind, .name, .size]' <<<"$body")" = '["struct","list_head",16]' ]
	[ "$(jq -c '[.types[0].members[] | [.name, .type, .offset]]' <<<"$body")" = '[["next","struct list_head *",0],["prev","struct list_head *",8]]' ]
	jq -r '.types[0].c' <<<"$body" >t.c
	gcc -fsyntax-only t.c
	ask GET "/v1/kernels/$arch/$release/functions/vfs_rea%5Bd%5D"
	assert_status 200
	[ "$(jq -c '[.more, (.functions[] | [.name, .returns, (.args[] | .type)])]' <<<"$body")" = \
		'[false,["vfs_read","ssize_t","struct file *","char *","size_t","loff_t *"]]' ]
	ask GET "/v1/kernels/$arch/$release/functions/nothing_is_called_so"
	assert_status 200
	[ "$(jq -c .functions <<<"$body")" = '[]' ]
	ask GET "/v1/kernels/$arch/$release/types/nothing_is_called_so"
	assert_error 404 unknown_type
	ask GET "/v1/kernels/$arch/1.2.3/types/list_head"
	assert_error 404 unknown_kernel
}

@test "a type's size and members are what pahole says" {
	need_btf
	need_command pahole
	start s
	for t in task_struct sk_buff; do
		ask GET "/v1/kernels/$arch/$release/types/struct%20$t"
		pahole -C $t /sys/kernel/btf/vmlinux 2>/dev/null >$t
		[ "$(jq '.types[0].size' <<<"$body")" = "$(sed -n 's/.*size: \([0-9]*\), cachelines.*/\1/p' $t)" ]
		# TYPE NAME; with OFFSET SIZE behind it, of the members that are no bitfield and no nested struct
		grep -v '}' $t | sed -n 's/.*[ *]\([a-z_0-9]*\)\(\[[0-9]*\]\)*; *\/\* *\([0-9]*\) *\([0-9]*\) \*\//\1 \3 \4/p' | sort -u >expected
		[ "$(wc -l <expected)" -gt 20 ]
		jq -r '.types[0].members[] | "\(.name) \(.offset) \(.size)"' <<<"$body" | sort -u >members
		[ -z "$(comm -23 expected members)" ] || { comm -23 expected members; return 1; }
	done
}

@test "the BTF of a kernel, packed" {
	need_btf
	start s
	ask GET "/v1/btf/$arch/$release"
	assert_status 200
	zstd -dc body | cmp - /sys/kernel/btf/vmlinux
	ask GET "/v1/btf/$arch/1.2.3"
	assert_error 404 unknown_kernel
}

@test "BTF of other kernels, by release, release without architecture, and digest" {
	need_btf
	command -v zstd
	mkdir -p btf/aarch64
	cp /sys/kernel/btf/vmlinux btf/5.1.0-7.x86_64.btf
	zstd -q /sys/kernel/btf/vmlinux -o btf/aarch64/6.2.0.btf.zst
	echo "no BTF" >btf/9.9.btf
	start s --btf btf
	grep -q '9.9.btf is no raw BTF' s.err
	ask GET /v1/kernels
	[ "$(jq -c '[.kernels[] | [.arch, .release]] - [["'"$arch"'","'"$release"'"]]' <<<"$body")" = '[["aarch64","6.2.0"],["x86_64","5.1.0-7.x86_64"]]' ]
	for k in 5.1.0-7.x86_64 5.1.0-7; do
		compile small.c "{kernel: \"$k\", arch: \"x86_64\"}"
		assert_status 200
	done
	compile small.c '{kernel: "6.2.0", arch: "aarch64"}'
	assert_status 200
	compile small.c '{kernel: "6.2.0", arch: "x86_64"}'
	assert_error 404 unknown_kernel
	compile small.c "{kernel: \"$(sha256sum </sys/kernel/btf/vmlinux | cut -d ' ' -f 1)\"}"
	assert_status 200
}

@test "BTF that is sent is checked and then used" {
	need_btf
	mkdir btf
	# a kernel that this server does not know: a function has another name
	LC_ALL=C sed 's/vfs_readlink/vfs_readlinq/' /sys/kernel/btf/vmlinux >raw
	digest=$(sha256sum <raw | cut -d ' ' -f 1)
	zstd -q raw -o packed
	start s --btf btf --accept-btf
	compile small.c "{kernel: \"$digest\"}"
	assert_error 404 unknown_kernel
	ask PUT "/v1/btf/$digest" --data-binary @packed
	assert_status 201
	ask PUT "/v1/btf/$digest" --data-binary @packed
	assert_status 200
	compile small.c "{kernel: \"$digest\"}"
	assert_status 200
	ask GET "/v1/kernels/any/$digest/functions/vfs_readlin*"
	[ "$(jq -r '.functions[].name' <<<"$body")" = vfs_readlinq ]
	[ -f "btf/$digest.btf.zst" ]
	# it is there after a start too
	start again --btf btf
	compile small.c "{kernel: \"$digest\"}"
	assert_status 200
}

@test "of BTF that is sent so much is kept, and what came first goes" {
	need_btf
	mkdir btf
	start s --btf btf --accept-btf --sent-btf-size $((5 * $(stat -c %s /sys/kernel/btf/vmlinux) / 2))
	for i in 1 2 3; do
		LC_ALL=C sed "s/vfs_readlink/vfs_readlin$i/" /sys/kernel/btf/vmlinux >raw
		digest[i]=$(sha256sum <raw | cut -d ' ' -f 1)
		zstd -qf raw -o packed
		ask PUT "/v1/btf/${digest[i]}" --data-binary @packed
		assert_status 201
		compile small.c "{kernel: \"${digest[i]}\"}"
		assert_status 200
	done
	ask GET "/v1/kernels/any/${digest[1]}/functions/vfs*"
	assert_error 404 unknown_kernel
	for i in 2 3; do
		compile small.c "{kernel: \"${digest[i]}\", flags: [\"-DN\"]}"
		assert_status 200
	done
	[ -z "$(find btf cache-s -name "${digest[1]}*")" ]
	[ "$(find btf cache-s -name "${digest[3]}*" | wc -l)" = 3 ]
}

@test "BTF that is not what it says is refused" {
	mkdir btf
	start s --btf btf --accept-btf
	zero=$(printf '%064d' 0)
	ask PUT "/v1/btf/$zero" --data-binary nonsense
	assert_error 422 bad_btf
	echo "not BTF" | zstd -q >packed
	ask PUT "/v1/btf/$zero" --data-binary @packed
	assert_error 422 digest_mismatch
	sum=$(echo "not BTF" | sha256sum | cut -d ' ' -f 1)
	ask PUT "/v1/btf/$sum" --data-binary @packed
	assert_error 422 bad_btf
	# 100 MB of zeros in some kilobytes
	head -c 100000000 /dev/zero | zstd -q >bomb
	ask PUT "/v1/btf/$zero" --data-binary @bomb
	assert_error 413 too_large
	# a struct of 20,000 members whose type has a name of 1 MB: 20 GB of text
	python3 - >long <<-'END'
		import struct, sys
		strs = b"\0int\0b\0m\0" + b"a" * (1 << 20) + b"\0"
		types = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32)  # int
		types += struct.pack("<III", 9, 4 << 24, 0)  # struct aaa...
		types += struct.pack("<III", 5, 4 << 24 | 20000, 0) + struct.pack("<III", 7, 2, 0) * 20000
		sys.stdout.buffer.write(struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strs)) + types + strs)
	END
	zstd -q long -o long.zst
	ask PUT "/v1/btf/$(sha256sum <long | cut -d ' ' -f 1)" --data-binary @long.zst
	assert_error 422 bad_btf
	ask PUT /v1/btf/xyz --data-binary @packed
	assert_error 400 bad_request
	ask PUT "/v1/btf/..%2f$zero" --data-binary @packed
	[ "$status" -ge 400 ]
	[ -z "$(ls btf)" ]
	start closed
	ask PUT "/v1/btf/$zero" --data-binary @packed
	assert_error 403 forbidden
}

@test "health, metrics, the document" {
	start s
	ask GET /healthz
	assert_status 200
	[ "$body" = ok ]
	compile small.c
	ask GET /metrics
	assert_status 200
	grep -q '^coolbpf_requests_total{route="/v1/compile",status="200"} 1$' body
	# each metric has its help and its type, and no line is of another form
	run ! grep -vE '^# (HELP|TYPE) coolbpf_[a-z_]+ .+$|^coolbpf_[a-z_]+(\{[^}]+\})? [0-9.e+-]+$' body
	ask GET /v1/openapi.json
	assert_status 200
	[ "$(jq -r .openapi <<<"$body")" = 3.0.3 ]
	ask HEAD /healthz -I
	assert_status 200
}

@test "a wrong path, a wrong method" {
	start s
	for p in / /v1 /v1/nothing /v1/kernels/a/b/types /v1/kernels/a/b/types/c/d /lbc/x; do
		ask GET $p
		assert_error 404 not_found
	done
	for m in GET PUT DELETE PATCH; do
		ask $m /v1/compile -D head
		assert_error 405 method_not_allowed
		grep -qi '^allow: POST' head
	done
	ask POST /metrics -d x
	assert_error 405 method_not_allowed
}

@test "what a request may not be" {
	start s
	reject() {
		ask POST /v1/compile --data-binary "$3"
		assert_error "$1" "$2"
	}
	reject 400 bad_json '{'
	reject 400 bad_json '{"source":"a","source":"b"}'
	reject 400 bad_json '{"source":"a\u0000b"}'
	reject 400 bad_request '[]'
	reject 400 bad_request '{}'
	reject 400 bad_request '{"source":1}'
	reject 400 bad_request '{"source":"","sauce":""}'
	[[ $body == *sauce* ]]
	reject 400 bad_request '{"source":"","flags":"-O2"}'
	reject 400 bad_request '{"source":"","flags":[1]}'
	reject 400 bad_request '{"source":"","files":[]}'
	reject 400 bad_request '{"source":"","files":{"a.h":1}}'
	reject 400 bad_request '{"source":"","arch":"../x"}'
	reject 400 bad_request '{"source":"","kernel":"a b"}'
	reject 400 bad_name '{"source":"","name":"../x.bpf.c"}'
	reject 400 bad_name '{"source":"","files":{"../a.h":""}}'
	reject 400 bad_name '{"source":"","files":{"/etc/a.h":""}}'
	reject 400 bad_flag '{"source":"","flags":["-fplugin=/tmp/x.so"]}'
	[[ $body == *-fplugin=/tmp/x.so* ]]
	reject 400 unknown_format '{"source":"","format":"exe"}'
	reject 404 unknown_kernel '{"source":"","kernel":"1.2.3"}'
	jq -n '{source: "", files: ([range(600)] | map({"h\(.).h": ""}) | add)}' >many.json
	reject 413 too_large "$(cat many.json)"
	[ "$(metric compiles_total)" = 0 ]
}

@test "objects are signed over what was asked and what was given" {
	need_command openssl
	"$COOLBPF" keygen key
	start s --sign key
	compile small.c
	assert_status 200
	printf 'coolbpf object 1\n%s\n%s\n' "$(jq -r .request <<<"$body")" "$(jq -r .digest <<<"$body")" >signed
	jq -r .signature <<<"$body" | base64 -d >signature
	openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in signed -sigfile signature
	compile small.c
	[ "$(jq -r .cached <<<"$body")" = true ]
	jq -r .signature <<<"$body" | base64 -d | cmp - signature
}
