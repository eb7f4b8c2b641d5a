#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# room.sh DIR KILOBYTES [veth]: in the guest, in a mount namespace of a job's own: make what it may write to, and its network.
#
# DIR, /tmp, /run and /dev/shm are its own and limited, the rest of the files cannot be written. busybox's applets do all.
set -eu

dir=$1
size=$2
mount -t tmpfs -o "mode=1777,size=${size}k" tmpfs /tmp
mount -t tmpfs -o "mode=1777,size=${size}k" tmpfs /dev/shm
mount -t tmpfs -o mode=755,size=1m tmpfs /run
mkdir -p "$dir" /run/dir /run/netns
# its files come on top
all=$((size + $(du -sk "$dir" | cut -f1)))
mount -t tmpfs -o "mode=755,size=${all}k" tmpfs /run/dir
cp -a "$dir/." /run/dir/
mount --move /run/dir "$dir"
mount -o remount,bind,ro /

[ "${3-}" = veth ] || exit 0
# The pair is made in the other network namespace, because one is named by a process in it, and this shell is in ours.
: >/run/netns/peer
unshare --net=/run/netns/peer ip link set lo up
/bin/peer ip link add lab1 type veth
/bin/peer ip link set veth0 netns $$
ip link set veth0 name lab0
ip addr add 10.77.0.1/24 dev lab0
ip link set lab0 up
/bin/peer ip addr add 10.77.0.2/24 dev lab1
/bin/peer ip link set lab1 up
