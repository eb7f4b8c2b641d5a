#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# tcpdrop against packets that must be dropped for a known reason. The kernel's own numbers of the reasons come from its
# BTF by bpftool.

load common

setup_file() {
	prepare tcpdrop
}

teardown() {
	clean_up
	[ -z "$netns" ] || ip netns del "$netns"
}

# The number of a reason in this kernel; "" where it has none.
number_of() {
	bpftool btf dump file /sys/kernel/btf/vmlinux 2>/dev/null |
		sed -nE "s/.*'SKB_DROP_REASON_$1' val=([0-9]+).*/\1/p" | head -n 1
}

# refused FAMILY ADDRESS
refused() {
	start_tool tcpdrop --port 17473
	start_workload refused "$1" 17473
	go
	end_workload
	stop_tool
	syn='.[] | select(.target_port == 17473)'
	equal "packets" "1" "$(query "[$syn] | length")"
	equal "addresses" "$2 $2" "$(query "$syn | \"\\(.source) \\(.target)\"")"
	equal "flags" "S" "$(query "$syn | .flags")"
	number=$(number_of NO_SOCKET)
	if [ -n "$number" ]; then
		equal "reason" "NO_SOCKET $number" "$(query "$syn | \"\\(.reason) \\(.code)\"")"
	else
		equal "reason" "NOT_TOLD" "$(query "$syn | .reason")"
	fi
}

@test "tcpdrop: a SYN to a port without a listener, IPv4" {
	need_command bpftool
	refused 4 127.0.0.1
	[[ $(query "$syn | .place") == tcp_v4_rcv+* ]]
	equal "stack" "true" "$(query "$syn | .stack | any(. == \"tcp_v4_rcv\") and any(. == \"ip_local_deliver_finish\")")"
}

@test "tcpdrop: a SYN to a port without a listener, IPv6" {
	need_command bpftool
	[ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
	refused 6 ::1
	[[ $(query "$syn | .place") == tcp_v6_rcv+* ]]
}

@test "tcpdrop: a packet that a traffic filter throws away" {
	need_command tc
	need_command bpftool
	[ -n "$(number_of TC_INGRESS)" ] || skip "this kernel does not know the reason TC_INGRESS"
	cat >"$BATS_TEST_TMPDIR/drop.c" <<-'EOF'
		__attribute__((section("classifier"), used)) int drop(void *skb) { return 2; /* TC_ACT_SHOT */ }
	EOF
	clang -O2 -target bpf -c "$BATS_TEST_TMPDIR/drop.c" -o "$BATS_TEST_TMPDIR/drop.o"
	netns=coolbpf-$$
	ip netns add "$netns"
	ip -n "$netns" link set lo up
	tc -n "$netns" qdisc add dev lo clsact || skip "this kernel has no clsact"
	tc -n "$netns" filter add dev lo ingress bpf direct-action object-file "$BATS_TEST_TMPDIR/drop.o" \
		section classifier || skip "tc cannot load a BPF filter here"
	start_tool tcpdrop --port 17474
	ip netns exec "$netns" bash -c 'exec </dev/tcp/127.0.0.1/17474' 2>/dev/null 3>&- &
	workload=$!
	wait_until 20 test -s "$out"
	kill -KILL "$workload"
	wait "$workload" || true
	workload=
	stop_tool
	equal "reasons" "TC_INGRESS" "$(query 'map(.reason) | unique | join(" ")')"
	equal "number" "$(number_of TC_INGRESS)" "$(query '.[0].code')"
}

@test "tcpdrop --stacks off takes no stacks" {
	start_tool tcpdrop --port 17475 --stacks off
	start_workload refused 4 17475
	go
	end_workload
	stop_tool
	equal "stacks" "0" "$(query 'map(select(.stack | length > 0)) | length')"
	equal "packets" "1" "$(query 'map(select(.target_port == 17475)) | length')"
}
