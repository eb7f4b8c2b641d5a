#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf doctor, against bpftool and the kernel's own files.

load common

setup_file() {
	"$COOLBPF" doctor -o json >"$BATS_FILE_TMPDIR/doctor.json" || true
}

setup() {
	json=$BATS_FILE_TMPDIR/doctor.json
}

# state GROUP NAME
state() {
	jq -r --arg g "$1" --arg n "$2" '.checks[] | select(.group == $g and .name == $n) | .state' "$json"
}

detail() {
	jq -r --arg g "$1" --arg n "$2" '.checks[] | select(.group == $g and .name == $n) | .detail' "$json"
}

@test "kernel and BTF are those of this machine" {
	[ "$(detail kernel release)" = "$(uname -r) $(uname -m)" ]
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no /sys/kernel/btf/vmlinux"
	[ "$(state kernel BTF)" = yes ]
	[[ $(detail kernel BTF) == "/sys/kernel/btf/vmlinux, $(stat -c %s /sys/kernel/btf/vmlinux) bytes, "* ]]
}

@test "program types are those that bpftool finds" {
	need_bpf
	need_command bpftool
	# tracing and lsm: bpftool asks by a message that newer kernels word differently; see the hooks below
	bpftool -j feature probe kernel | jq -r '.program_types | to_entries[] |
		"\(.key | ltrimstr("have_") | rtrimstr("_prog_type")) \(if .value then "yes" else "no" end)"' |
		grep -v -E '^(tracing|lsm) ' >"$BATS_TEST_TMPDIR/theirs"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/theirs")" -gt 20 ]
	while read -r name expected; do
		[ "$(state "program types" "$name")" = "$expected" ] || { echo "$name: bpftool says $expected"; return 1; }
	done <"$BATS_TEST_TMPDIR/theirs"
}

@test "map types are those that bpftool finds" {
	need_bpf
	need_command bpftool
	bpftool -j feature probe kernel | jq -r '.map_types | to_entries[] |
		"\(.key | ltrimstr("have_") | rtrimstr("_map_type")) \(if .value then "yes" else "no" end)"' >"$BATS_TEST_TMPDIR/theirs"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/theirs")" -gt 20 ]
	while read -r name expected; do
		[ "$(state "map types" "$name")" = "$expected" ] || { echo "$name: bpftool says $expected"; return 1; }
	done <"$BATS_TEST_TMPDIR/theirs"
}

@test "the JIT is what the sysctl says" {
	need_root
	[ "$(cat /proc/sys/net/core/bpf_jit_enable)" -gt 0 ] && expected=yes || expected=no
	[ "$(state kernel JIT)" = $expected ]
}

@test "capabilities are those of /proc/self/status" {
	effective=$((0x$(sed -n 's/^CapEff:\t//p' /proc/self/status)))
	for pair in CAP_BPF:39 CAP_PERFMON:38 CAP_SYS_ADMIN:21 CAP_NET_ADMIN:12; do
		(((effective >> ${pair#*:}) & 1)) && expected=yes || expected=no
		[ "$(state rights "${pair%:*}")" = $expected ]
	done
}

@test "hooks: kprobes and uprobes where the kernel has their perf events" {
	need_bpf
	for kind in kprobe uprobe; do
		[ -e /sys/bus/event_source/devices/$kind ] && expected=yes || expected=no
		[ "$(state hooks $kind)" = $expected ]
	done
}

@test "hooks: tracepoints where tracefs is mounted" {
	need_bpf
	grep -q ' /sys/kernel/tracing tracefs ' /proc/mounts || skip "tracefs is not mounted"
	[ "$(state hooks tracepoint)" = yes ]
}

@test "hooks: fentry and tp_btf are what bpftrace can do" {
	need_bpf
	need_command bpftrace
	bpftrace -e 'kfunc:bpf_fentry_test1 { exit(); } BEGIN { exit(); }' >/dev/null 2>&1 && expected=yes || expected=no
	[ "$(state hooks fentry)" = $expected ]
	[ "$(state hooks tp_btf)" = yes ] || skip "no tp_btf here"
	[ "$(state "program types" tracing)" = yes ]
}

@test "helpers: those every tracing program of kernel 5.8 has" {
	need_bpf
	[ "$(printf '%s\n' 5.8 "$(uname -r)" | sort -V | head -n 1)" = 5.8 ] || skip "an older kernel"
	for h in probe_read_kernel ringbuf_reserve get_stackid perf_event_output; do
		[ "$(state helpers $h)" = yes ]
	done
}

@test "lockdown is what the kernel says" {
	need_root
	if [ -r /sys/kernel/security/lockdown ]; then
		lockdown=$(cat /sys/kernel/security/lockdown)
	else
		# a mount of our own, in a name space that ends with the command
		lockdown=$(unshare -m sh -c 'mount -t securityfs none /mnt && cat /mnt/lockdown' 2>/dev/null) ||
			skip "securityfs cannot be mounted, or this kernel has no lockdown"
	fi
	[ "$(detail kernel lockdown)" = "$(sed 's/.*\[\(.*\)\].*/\1/' <<<"$lockdown")" ]
}

@test "a compiler that is too old, or none, is not good enough" {
	printf '#!/bin/sh\necho "clang version 11.1.0"\n' >"$BATS_TEST_TMPDIR/old-clang"
	chmod +x "$BATS_TEST_TMPDIR/old-clang"
	run "$COOLBPF" doctor --clang "$BATS_TEST_TMPDIR/old-clang"
	[[ $output == *"old-clang is clang 11; coolbpf needs clang 14 or newer"* ]]
	run "$COOLBPF" doctor --clang /bin/true
	[[ $output == *"/bin/true is not clang"* ]]
	run "$COOLBPF" doctor --clang /no/such/clang
	[[ $output == *"clang"*"no"*"not found"* ]]
}

@test "clang's version is clang's" {
	need_command clang
	[[ $(detail installed clang) == *": $(clang --version | head -n 1)" ]]
}

@test "text ends with a verdict that fits the exit status" {
	run "$COOLBPF" doctor
	case $status in
	0) [ "${lines[-1]}" = "Tools can run here." ] ;;
	1) [ "${lines[-1]}" = "Tools cannot run here." ] ;;
	*) return 1 ;;
	esac
	[ "$(jq .usable "$json")" = "$([ "$status" -eq 0 ] && echo true || echo false)" ]
}

@test "without rights the exit status is 1, with advice" {
	need_root
	cp "$COOLBPF" "$BATS_TEST_TMPDIR/coolbpf"
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	[ "$(cat /proc/sys/kernel/unprivileged_bpf_disabled)" != 0 ] || skip "everybody may call bpf() here"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/coolbpf" doctor
	[ "$status" -eq 1 ]
	[[ $output == *"  bpf(): run as root"* ]]
	[ "${lines[-1]}" = "Tools cannot run here." ]
}

@test "without BTF the exit status is 1, with advice" {
	run env BPF_CUSTOM_BTF=/no/such/file "$COOLBPF" doctor
	[ "$status" -eq 1 ]
	[[ $output == *"/no/such/file"* ]]
	[[ $output == *"  BTF: name a file with this kernel's BTF"* ]]
}

@test "it leaves nothing behind" {
	need_bpf
	need_command bpftool
	"$COOLBPF" doctor >/dev/null
	for _ in $(seq 150); do # the kernel frees programs a moment later
		left=$(bpftool -j prog show | jq '[.[] | select(.name // "" | startswith("cb_"))] | length')
		[ "$left" -eq 0 ] && return
		sleep 0.2
	done
	return 1
}
