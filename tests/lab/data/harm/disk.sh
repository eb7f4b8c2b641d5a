#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
for dir in . /tmp /dev/shm /run /dev /sys/fs/cgroup /; do
	dd if=/dev/zero of=$dir/fill bs=1M count=2000
done
echo still here
