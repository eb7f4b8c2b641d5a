#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# oomkill against a process in a cgroup with less memory than it wants, and what the kernel's log says of it.

load common

setup_file() {
	prepare oomkill
}

setup() {
	need_tools
	name=coolbpf-oom-$$
	if [ -d /sys/fs/cgroup/memory ]; then
		cgroup=/sys/fs/cgroup/memory/$name
		mkdir "$cgroup"
		echo 16M >"$cgroup/memory.limit_in_bytes"
	else
		grep -q memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null ||
			echo +memory >/sys/fs/cgroup/cgroup.subtree_control || skip "no memory cgroups here"
		cgroup=/sys/fs/cgroup/$name
		mkdir "$cgroup"
		echo 16M >"$cgroup/memory.max"
	fi
	# swap would let it live on
	for file in memory.swap.max memory.swappiness; do
		[ ! -e "$cgroup/$file" ] || echo 0 >"$cgroup/$file"
	done
}

teardown() {
	clean_up
	rmdir "$cgroup" 2>/dev/null || true
}

kills() {
	cat "$cgroup"/memory.oom_control "$cgroup"/memory.events 2>/dev/null | sed -n 's/^oom_kill //p'
}

@test "oomkill shows the victim, who asked for the memory, and what the kernel's log says of its size" {
	start_tool oomkill
	start_workload memory 64
	echo "$workload" >"$cgroup/cgroup.procs"
	before=$(kills)
	go
	status=0
	wait "$workload" || status=$?
	equal "exit status" "$((128 + 9))" "$status"
	stop_tool
	[ -z "$before" ] || equal "kills that the cgroup counts" "$((before + 1))" "$(kills)"
	equal "victims" "workload $workload" "$(query 'map("\(.victim) \(.victim_pid)") | join(";")')"
	equal "trigger" "workload $workload" "$(query '.[0] | "\(.trigger) \(.trigger_pid)"')"
	equal "cgroup" "$name" "$(query '.[0].cgroup')"
	between "pages" 3000 5000 "$(query '.[0].pages')"

	line=$(dmesg | grep -E "Killed process $workload \(" | tail -n 1)
	[ -n "$line" ] || skip "the kernel's log is not to be had; the rest is as expected"
	[[ $line =~ total-vm:([0-9]+)kB,\ anon-rss:([0-9]+)kB,\ file-rss:([0-9]+)kB,\ shmem-rss:([0-9]+)kB ]]
	page=$(($(getconf PAGE_SIZE) / 1024))
	equal "sizes in kB" "${BASH_REMATCH[*]:1:4}" \
		"$(query ".[0] | [.mapped, .anonymous, .file, .shared] | map(. * $page) | join(\" \")")"
}
