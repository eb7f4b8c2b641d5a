#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
for dir in /sys/fs/bpf /sys/fs/cgroup /sys/kernel/tracing /sys /proc /dev/shm /dev /tmp /run; do
	umount -l $dir
done
rm -rf /lab /init 2>/dev/null
echo still here
