#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The published Python packages coolbpf, pylcc and surftrace, as they are, with our server: they know port 80 alone, so server
# and clients live in a network namespace of their own. What they find is held against what other tools say (clients/cases.py).
load ../cli/common
bats_require_minimum_version 1.5.0

clients=$SRC/tests/service/clients

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	[ "$(id -u)" -eq 0 ] || return 0
	unshare -n true 2>why || return 0
	"$SRC/scripts/clients.sh" --where >where 2>why ||
		{ "$SRC/scripts/clients.sh" >why 2>&1 && "$SRC/scripts/clients.sh" --where >where; } || return 0
	: >access.log
	COOLBPF_CACHE=$PWD/cache unshare -n sh -c 'ip link set lo up && exec "$@"' sh \
		"$COOLBPF" serve --listen 127.0.0.1:7655 --lbc-listen 127.0.0.1:80 --access-log access.log 2>err 3>&- 4>&- &
	echo $! >pid
	for _ in $(seq 600); do
		grep -q "serving on" err && break
		sleep 0.05
	done
	grep "serving on" err || { cat err; return 1; }
}

teardown_file() {
	[ -f "$BATS_FILE_TMPDIR/pid" ] || return 0
	pid=$(cat "$BATS_FILE_TMPDIR/pid")
	kill "$pid" || return 0
	for _ in $(seq 200); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "$pid"
}

setup() {
	need_root
	[ -s "$BATS_FILE_TMPDIR/where" ] || skip "$(tail -n 1 "$BATS_FILE_TMPDIR/why")"
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	cd "$BATS_TEST_TMPDIR"
	venv=$(cat "$BATS_FILE_TMPDIR/where")
	net=(nsenter "--net=/proc/$(cat "$BATS_FILE_TMPDIR/pid")/ns/net")
	inside=()
	export LBC_SERVER=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
	export ACCESS_LOG=$BATS_FILE_TMPDIR/access.log VMLINUX_H=$BATS_FILE_TMPDIR/vmlinux.h
}

# run_case CASE [ARGUMENT ...]: one of cases.py
run_case() {
	status=0
	"${net[@]}" "${inside[@]}" "$venv/bin/python" "$clients/cases.py" "$@" >out 2>err 3>&- || status=$?
	[ "$status" -ne 77 ] || skip "$(sed -n 's/^skip: //p' out)"
	[ "$status" -eq 0 ] || { cat out err; return 1; }
}

# one that loads programs into the kernel
bpf_case() {
	need_bpf
	run_case "$@"
}

with_tracefs() {
	inside=(unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null; exec "$@"' sh)
}

# ---- pylcc ------------------------------------------------------------------------------------------------------------------

@test "pylcc: maps of every type hold what strace and bpftool say" {
	with_tracefs
	bpf_case maps
	grep "remote server compile success." out
}

@test "pylcc: members of every kind become Python's values" {
	bpf_case values
}

@test "pylcc: histograms are drawn" {
	with_tracefs
	bpf_case histograms
}

@test "pylcc: programs are attached by their sections; those without a place are not" {
	bpf_case attached_by_section
}

@test "pylcc: attach to a raw tracepoint" {
	[ "$(uname -m)" = x86_64 ] || skip "it counts a system call by its number on x86-64"
	bpf_case raw_tracepoint
}

@test "pylcc: attach to a tracepoint" {
	with_tracefs
	bpf_case tracepoint
}

@test "pylcc: attach to functions of a program" {
	gcc -O2 "$clients/calls.c" -o calls
	bpf_case uprobe "$PWD/calls"
}

@test "pylcc: attach to a perf event of a process: its page faults" {
	bpf_case page_faults
}

@test "pylcc: attach to perf events of all CPUs, with stacks" {
	bpf_case cpu_clock
}

@test "pylcc: programs for kprobes compile, and say so where they cannot be attached" {
	bpf_case kprobes
}

@test "pylcc: a library that is still good is not asked for again" {
	bpf_case again
}

@test "pylcc: flags of env are the compiler's" {
	bpf_case flags
}

@test "pylcc: what does not compile, a flag that is refused, a kernel that is not known: the reason is shown" {
	bpf_case errors
}

@test "pylcc: several clients at once, each in time" {
	need_bpf
	pids=
	for i in $(seq 8); do
		mkdir "$i"
		(cd "$i" && run_case one_of_many "$i") 3>&- &
		pids="$pids $!"
	done
	failed=0
	for pid in $pids; do
		wait "$pid" || failed=1
	done
	[ "$failed" -eq 0 ] || { cat ./*/out ./*/err; return 1; }
	cat ./*/out
}

@test "pylcc: where the kernel shows no BTF, it comes from the server" {
	need_bpf
	export REAL_BTF=$PWD/real
	cp /sys/kernel/btf/vmlinux real
	inside=(unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && mount -t tmpfs none /boot && exec "$@"' sh)
	run_case btf
	grep "get btf from remote success." out
}

# ---- coolbpf ----------------------------------------------------------------------------------------------------------------

@test "coolbpf: a shared library, which pylcc runs" {
	cp "$clients/hello.bpf.c" .
	"${net[@]}" "$venv/bin/coolbpf" -f hello.bpf.c
	bpf_case run_file hello
}

@test "coolbpf: an object, which bpftool loads" {
	need_bpf
	sed 's/"lbc.h"/"mine.h"/' "$clients/hello.bpf.c" >hello.bpf.c
	mkdir headers bpffs
	printf '#include "lbc.h"\n#ifdef ONE\ntypedef u64 one_t;\n#endif\none_t mine;\n' >headers/mine.h
	"${net[@]}" "$venv/bin/coolbpf" -o -f hello.bpf.c -i "$PWD/headers" --env=-DONE
	[ ! -e hello.so ]
	unshare -m sh -c 'mount -t bpf none bpffs && bpftool prog loadall hello.bpf.o bpffs/all && ls bpffs/all' >loaded
	grep -x on_exec loaded
	bpftool btf dump file hello.bpf.o | grep "'mine'"
}

@test "coolbpf: for another machine; python -m pylcc.clcc is the same" {
	cp "$clients/hello.bpf.c" .
	"${net[@]}" "$venv/bin/python" -m pylcc.clcc -f hello.bpf.c -a "$(uname -m)" -v "$(uname -r)"
	[ -s hello.so ]
	run "${net[@]}" "$venv/bin/coolbpf" -o -f hello.bpf.c -v 3.10.0-1160.el7
	[ "$status" -ne 0 ]
	[[ $output == *"no BTF of the kernel 3.10.0-1160.el7"* ]]
}

@test "coolbpf: a source that does not compile" {
	echo 'int x = ;' >bad.bpf.c
	run "${net[@]}" "$venv/bin/coolbpf" -f bad.bpf.c
	[ "$status" -ne 0 ]
	[[ $output == *"1:9: error: expected expression"* ]]
	[ ! -e bad.so ]
}

# ---- surftrace --------------------------------------------------------------------------------------------------------------

@test "surftrace: structs, as bpftool shows them" {
	run_case structs
	cat out
}

@test "surftrace: the sizes of types, of arrays' elements too" {
	run_case types
	cat out
}

@test "surftrace: functions, as bpftool lists them" {
	run_case funcs
	cat out
}

@test "surftrace: expressions on members" {
	[ "$(uname -m)" = x86_64 ] || skip "it names registers of x86-64"
	run_case fxpr
}

@test "surftrace: the command shows expressions" {
	[ "$(uname -m)" = x86_64 ] || skip "it names registers of x86-64"
	# it makes a directory of its own in tracefs, which is one for all
	run unshare -m sh -c 'mount -t debugfs none /sys/kernel/debug && ls /sys/kernel/debug/tracing/instances'
	[ "$status" -eq 0 ] || skip "there is no debugfs with tracing here"
	[[ $output != *surftrace* ]] || skip "somebody has a surftrace at work"
	status=0
	cat >show <<-'END'
		mount -t debugfs none /sys/kernel/debug || exit
		"$@"
		status=$?
		rmdir /sys/kernel/debug/tracing/instances/surftrace
		exit $status
	END
	"${net[@]}" unshare -m sh show "$venv/bin/surftrace" -S 'p vfs_read flags=%0->f_flags' >out 2>err || status=$?
	[ "$status" -eq 0 ] || { cat out err; return 1; }
	offset=$(pahole -C file --hex /sys/kernel/btf/vmlinux | sed -n 's/.* f_flags; *\/\* *\(0x[0-9a-f]*\|0\) .*/\1/p')
	grep -F "p:p0 vfs_read flags=+$offset(%di):u32" out
}

@test "older versions' port" {
	run_case old_port
}

@test "no request took longer than these clients wait" {
	# 30 s for what is compiled; a query that takes more than their 5 s is an error to them, and a failed test above
	jq -es 'map(select(.path == "/lbc") | .ms) | length > 100 and max < 30000' "$BATS_FILE_TMPDIR/access.log" >/dev/null || {
		jq -c 'select(.ms > 5000)' "$BATS_FILE_TMPDIR/access.log"
		return 1
	}
	jq -s 'map(select(.path == "/lbc") | .ms) | {requests: length, slowest_ms: max}' "$BATS_FILE_TMPDIR/access.log"
}
