#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# POST /lbc, the dialect of older clients: what they look at in an answer, also when something is wrong.

load service

arch=$(uname -m)
release=$(uname -r)

# lbc OBJECT: one request; res is the first element of the answer
lbc() {
	jq -n "[{arch: \"$arch\", ver: \"$release\"} + $1]" >lbc.json
	ask POST /lbc --data-binary @lbc.json
	assert_status 200
	[ "$(jq -c '[.result, .status, .code, (.res | length)]' <<<"$body")" = '["success",true,200,1]' ]
	res=$(jq -c '.res[0]' <<<"$body")
}

need_btf() {
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
}

@test "c gives a shared library that says whose it is" {
	need_btf
	start s
	jq -n --rawfile code small.c "{cmd: \"c\", code: \$code, env: \"-DX=1 -O2\"}" >c.json
	lbc "$(cat c.json)"
	[ "$(jq -c '[.log, .clog]' <<<"$res")" = '["ok.",""]' ]
	jq -r .so <<<"$res" | base64 -d >small.so
	hash=$( (cat small.c; printf %s "-DX=1 -O2") | sha256sum | cut -d ' ' -f 1)
	python3 - "$PWD/small.so" "$hash" "$arch" "$release" <<-'END'
		import ctypes, json, sys
		so = ctypes.CDLL(sys.argv[1])
		so.lbc_get_map_types.restype = ctypes.c_char_p
		types = json.loads(so.lbc_get_map_types())
		assert [types["hash"], types["arch"], types["kern_version"]] == sys.argv[2:5], types
	END
	lbc "$(cat c.json)"
	[ "$(metric compiles_total)" = 1 ]
}

@test "obj gives an object" {
	need_btf
	start s
	jq -n --rawfile code small.c '{cmd: "obj", code: $code}' >c.json
	lbc "$(cat c.json)"
	[ "$(jq -r .log <<<"$res")" = ok. ]
	jq -r .obj <<<"$res" | base64 -d >o
	[[ $(file o) == *eBPF* ]]
}

@test "what does not compile has the compiler's text, and null" {
	need_btf
	start s
	lbc '{cmd: "c", code: "int x = ;"}'
	[ "$(jq -c '[.log, .so]' <<<"$res")" = '["compile failed.",null]' ]
	[[ $(jq -r .clog <<<"$res") == *"1:9: error: expected expression"* ]]
	lbc '{cmd: "obj", code: "int x = ;"}'
	[ "$(jq -c '.obj' <<<"$res")" = null ]
}

@test "flags are -D, -U, -I, -W and -O; another is refused by its name" {
	need_btf
	start s
	lbc '{cmd: "obj", code: "int x = A;", env: "-DA=1 -UB -O1 -Wall"}'
	[ "$(jq -r .log <<<"$res")" = ok. ]
	for f in -fplugin=x.so -I/etc -include/etc/passwd @file -Wl,-x -Xclang; do
		lbc "{cmd: \"c\", code: \"\", env: \"-DA $f\"}"
		[[ $(jq -r .log <<<"$res") == *"$f"* ]] || { echo "$res"; return 1; }
		[ "$(jq -c .so <<<"$res")" = null ]
	done
}

@test "btf" {
	need_btf
	start s
	lbc '{cmd: "btf"}'
	jq -r .btf <<<"$res" | base64 -d | cmp - /sys/kernel/btf/vmlinux
	lbc '{cmd: "btf", ver: "1.2.3"}'
	[ "$(jq -c .btf <<<"$res")" = null ]
	[[ $(jq -r .log <<<"$res") == *1.2.3* ]]
}

@test "func, struct and type" {
	need_btf
	start s
	lbc '{cmd: "func", func: "vfs_read"}'
	[ "$(jq -c '[.log, .res]' <<<"$res")" = \
		'["ok.",[{"func":"vfs_read","args":["struct file *","char *","size_t","loff_t *"],"ret":"ssize_t","line":0,"file":""}]]' ]
	lbc '{cmd: "func", func: "tcp_%"}'
	[ "$(jq '.res | length' <<<"$res")" = 20 ]
	lbc '{cmd: "func", func: "", arg: "struct sk_buff *"}'
	[ "$(jq '[.res[] | select(.args | index("struct sk_buff *"))] | length' <<<"$res")" = 100 ]
	lbc '{cmd: "func", func: "vfs_%", ret: "static ssize_t"}'
	[ "$(jq '[.res[].ret] | unique == ["ssize_t"]' <<<"$res")" = true ]
	lbc '{cmd: "func", func: "vfs_read", ret: "int"}'
	[ "$(jq -r .log <<<"$res")" = "query value error." ]
	lbc '{cmd: "func", func: "", ret: "int;"}'
	[ "$(jq -r .log <<<"$res")" = "bad ret key." ]
	lbc '{cmd: "struct", struct: "struct list_head"}'
	[ "$(jq -c .res <<<"$res")" = '{"name":"struct list_head","members":2,"size":16,"cell":[{"type":"struct list_head *","name":"next","offset":0,"size":8,"bits":""},{"type":"struct list_head *","name":"prev","offset":8,"size":8,"bits":""}]}' ]
	lbc '{cmd: "struct", struct: "struct task_struct"}'
	[ "$(jq -c '.res.cell[] | select(.name == "comm[16]") | [.type, .size]' <<<"$res")" = '["char",16]' ]
	[ "$(jq -r '.res.cell[] | select(.name == "in_execve") | .bits' <<<"$res")" != "" ]
	lbc '{cmd: "struct", struct: "struct list_%"}'
	[ "$(jq '.res | length <= 10 and (map(.name) | index("struct list_head") != null)' <<<"$res")" = true ]
	# a member's type, as it stands there
	lbc '{cmd: "struct", struct: "const volatile struct list_head"}'
	[ "$(jq -c '[.res.name, .res.size]' <<<"$res")" = '["struct list_head",16]' ]
	lbc '{cmd: "struct", struct: "struct nothing_is_called_so"}'
	[ "$(jq -c '[.log, .res]' <<<"$res")" = '["ok.",null]' ]
	for t in "u64 8" "unsigned int 4" "unsigned long 8" "size_t 8" "struct list_head 16" "const unsigned char 1" "volatile const struct list_head 16" "_ 8"; do
		lbc "{cmd: \"type\", type: \"${t% *}\"}"
		[ "$(jq .res.size <<<"$res")" = "${t##* }" ] || { echo "$t: $res"; return 1; }
	done
	lbc '{cmd: "type", type: "nothing_is_called_so"}'
	[ "$(jq -c .res <<<"$res")" = null ]
}

@test "another cmd, and what is no request" {
	start s
	for cmd in ko elf_so zap ""; do
		lbc "{cmd: \"$cmd\"}"
		[[ $(jq -r .log <<<"$res") == *"\"$cmd\""* ]]
	done
	for b in '{}' '[]' '[1]' '[[]]' '{' '' 'null' '[{"cmd":1}]' '[{"cmd":"c"}]' '[{"cmd":"func"}]' '[{"cmd":"c","code":1}]' \
		'[{"cmd":"c","code":"","ver":"../x"}]' '[{"cmd":"type","type":["u8"]}]'; do
		ask POST /lbc --data-binary "$b"
		assert_status 200
		[ "$(jq -r '.code == 200 and .res[0].log != "ok." and (.res[0].log | length > 5)' <<<"$body")" = true ] || { echo "$b: $body"; return 1; }
	done
}

@test "a list of several, answered in its order" {
	need_btf
	start s
	jq -n "[{cmd: \"type\", type: \"u8\"}, {cmd: \"zap\"}, {cmd: \"type\", type: \"u32\"}, {cmd: \"type\", type: \"u8\"}]
		| map(. + {arch: \"$arch\", ver: \"$release\"})" >list.json
	ask POST /lbc --data-binary @list.json
	[ "$(jq -c '[.res[] | .res.size]' <<<"$body")" = '[1,null,4,1]' ]
	jq -n "[range(17) | {cmd: \"zap\"}]" >list.json
	ask POST /lbc --data-binary @list.json
	[[ $(jq -r '.res[0].log' <<<"$body") == *"too many"* ]]
}
