#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# tcpretrans against the kernel's counter TcpRetransSegs, in network namespaces of its own: two ends of a cable, of which
# one is then deaf.

load common

setup_file() {
	prepare tcpretrans
}

setup() {
	need_tools
	near=coolbpf-near-$$
	far=coolbpf-far-$$
	# the tool sees every namespace: a port of this run's own
	port=$((7000 + $$ % 20000))
	ip netns add "$near" && ip netns add "$far" || skip "no network namespaces here"
	ip -n "$near" link add cable type veth peer name cable netns "$far" || skip "this kernel has no veth"
	ip -n "$near" addr add 10.99.0.1/24 dev cable
	ip -n "$far" addr add 10.99.0.2/24 dev cable
	ip -n "$near" link set cable up
	ip -n "$far" link set cable up
	# or the kernel would look for the neighbour, in vain, and send nothing
	address=$(ip -n "$far" -j link show cable | jq -r '.[0].address')
	ip -n "$near" neigh replace 10.99.0.2 lladdr "$address" dev cable nud permanent
}

teardown() {
	clean_up
	ip netns del "$near" 2>/dev/null || true
	ip netns del "$far" 2>/dev/null || true
}

counter() {
	ip netns exec "$near" cat /proc/net/snmp | awk '
		$1 == "Tcp:" && !n { for (i = 1; i <= NF; i++) if ($i == "RetransSegs") n = i; next }
		$1 == "Tcp:" { print $n }'
}

# counted_since NUMBER
counted_since() {
	[ "$(counter)" -gt "$1" ]
}

@test "tcpretrans sees each segment that the kernel counts, with connection and state" {
	ip netns exec "$far" timeout 120 nc -l 10.99.0.2 "$port" </dev/null >/dev/null 3>&- &
	workload=$!
	wait_until 20 sh -c "ip netns exec $far ss -Hltn | grep -q $port"
	start_tool tcpretrans
	before=$(counter)
	ip netns exec "$near" bash -c '
		exec 5<>/dev/tcp/10.99.0.2/$1
		ip -n "$0" addr del 10.99.0.2/24 dev cable
		printf "%500s" "" >&5
		exec sleep 60' "$far" "$port" 3>&- &
	workload="$workload $!"
	wait_until 20 counted_since $((before + 1))
	low=$(($(counter) - before))
	stop_tool
	# the kernel goes on
	high=$(($(counter) - before))
	between "retransmissions" 2 20 "$low"
	mine="select(.remote == \"10.99.0.2\" and .remote_port == $port)"
	between "segments" "$low" "$high" "$(query "map($mine | .segments) | add")"
	equal "connection" "10.99.0.1 500" "$(query "map($mine | \"\\(.local) \\(.bytes)\") | unique | join(\";\")")"
	equal "first state" "ESTABLISHED" "$(query "map($mine)[0].state")"
}

@test "tcpretrans shows a SYN that nobody answers" {
	ip -n "$far" addr del 10.99.0.2/24 dev cable
	start_tool tcpretrans --port "$port"
	before=$(counter)
	ip netns exec "$near" bash -c 'exec </dev/tcp/10.99.0.2/$0' "$port" 2>/dev/null 3>&- &
	workload=$!
	wait_until 20 counted_since "$before"
	kill -KILL "$workload"
	wait "$workload" || true
	workload=
	after=$(counter)
	stop_tool
	equal "segments" "$((after - before))" "$(query 'map(.segments) | add')"
	equal "state" "SYN_SENT 1" "$(query '.[0] | "\(.state) \(.bytes)"')"
}
