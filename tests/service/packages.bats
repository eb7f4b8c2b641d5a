#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The published Python packages coolbpf 0.1.1 and pylcc 0.3.5, as they are, against our server. They connect to port 80: server
# and client stand in a network namespace of their own, in which it is free.

load service

packages="coolbpf==0.1.1 pylcc==0.3.5"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/coolbpf-build/pylcc-0.3.5

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	[ ! -x "$venv/bin/clcc-ready" ] || return 0
	rm -rf "$venv"
	# shellcheck disable=SC2086 # words on purpose
	if python3 -m venv "$venv" && "$venv/bin/pip" install -q $packages; then
		ln -s /bin/true "$venv/bin/clcc-ready"
	fi >"$BATS_FILE_TMPDIR/log" 2>&1 || true
}

need_packages() {
	need_root
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	[ -x "$venv/bin/clcc-ready" ] || skip "the packages cannot be installed: $(tail -n 1 "$BATS_FILE_TMPDIR/log")"
	unshare -n true || skip "no network namespaces here"
}

# with_server COMMAND: in a namespace where the server listens on port 80
with_server() {
	cat >inside <<-END
		ip link set lo up
		COOLBPF_CACHE=$PWD/cache-s "$COOLBPF" serve --listen 127.0.0.1:80 --access-log s.log 2>s.err 3>&- 4>&- &
		pid=\$!
		for i in \$(seq 100); do
			curl -sf http://127.0.0.1/healthz >health && break
			sleep 0.1
		done
		export LBC_SERVER=127.0.0.1
		$1
		status=\$?
		kill \$pid
		wait \$pid
		exit \$status
	END
	timeout -k 5 100 unshare -n bash inside
}

requests() {
	grep -c '"path":"/lbc"' s.log
}

@test "a program of pylcc is compiled by our server, and counts what really happens" {
	need_packages
	need_bpf
	run with_server "'$venv/bin/python' '$SRC/tests/service/packages.py'"
	echo "$output"
	[[ $output == *"remote server compile success."* ]]
	[[ $output == *"7 events, 7 counted"* ]]
	[ "$(requests)" = 1 ]
	# started again, it finds that its library is still good, and asks nobody
	rm s.log
	run with_server "'$venv/bin/python' '$SRC/tests/service/packages.py'"
	echo "$output"
	[[ $output == *"7 events, 7 counted"* ]]
	[ "$(requests)" = 0 ]
}

@test "coolbpf's command compiles a file" {
	need_packages
	cp small.c tool.bpf.c
	run with_server "'$venv/bin/python' -m coolbpf.coolbpf -f tool.bpf.c -o"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $(file tool.bpf.o) == *eBPF* ]]
}

@test "what does not compile is what the client raises" {
	need_packages
	echo 'int x = ;' >tool.bpf.c
	run with_server "'$venv/bin/python' -m coolbpf.coolbpf -f tool.bpf.c"
	[ "$status" -ne 0 ]
	[[ $output == *"error: expected expression"* ]]
	[[ $output == *"compile failed."* ]]
}

@test "surftrace's questions about functions and types" {
	need_packages
	cat >ask.py <<-'END'
		from surftrace.lbcClient import ClbcClient
		c = ClbcClient("127.0.0.1")
		f = c.getFunc("vfs_read")["res"][0]
		print(f["ret"], f["args"])
		print(c.getStruct("struct list_head")["res"]["size"], c.getType("u64")["res"]["size"], c.getType("struct sock *")["res"]["size"])
		try:
		    c.getFunc("vfs_read", ret="int")
		except Exception as e:
		    print(type(e).__name__, e)
	END
	run with_server "'$venv/bin/python' ask.py"
	echo "$output"
	[[ $output == *"ssize_t ['struct file *', 'char *', 'size_t', 'loff_t *']"* ]]
	[[ $output == *"16 8 8"* ]]
	[[ $output == *"DbException db set return query value error."* ]]
}
