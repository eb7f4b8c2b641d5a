#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Is this guest as it was when it booted? Ends with the first thing that is not.
is() { # WHAT WANTED FOUND
	[ "$2" = "$3" ] || { echo "$1: $3 instead of $2" >&2; exit 1; }
}
is "the host's name" lab "$(hostname)"
is "the year" now "$([ "$(date +%Y)" -gt 2001 ] && echo now)"
is "interfaces" "lo " "$(ls /sys/class/net | tr '\n' ' ')"
is "addresses" "127.0.0.1/8 " "$(ip -4 addr | awk '$1 == "inet" { print $2 }' | tr '\n' ' ')"
ping -c 1 127.0.0.1 >/dev/null
is "modules" "" "$(lsmod | awk 'NR > 1')"
is "cgroups" "/sys/fs/cgroup/job" "$(find /sys/fs/cgroup -mindepth 1 -type d)"
is "BPF files" "" "$(ls /sys/fs/bpf)"
is "probes" "" "$(cat /sys/kernel/tracing/kprobe_events)"
is "traced events" "" "$(cat /sys/kernel/tracing/set_event)"
is "panic_on_warn" 0 "$(cat /proc/sys/kernel/panic_on_warn)"
is "printk" 1 "$(cut -f 1 /proc/sys/kernel/printk)"
is "files in /dev" "" "$(find /dev -type f)"
is "files in /tmp" "" "$(find /tmp /dev/shm -mindepth 1)"
is "processes" "" "$(ps -o pid,ppid,args | awk 'NR > 1 && $2 != 0 && $2 != 2 && $3 !~ /^\[|coolbpf|^sh$|^ps$|^awk$/')"
dd if=/dev/zero of=/tmp/fill bs=1M count=32 2>/dev/null
dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.01 &
done
wait
/bin/busybox true &
echo child=$!
wait
