#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
hostname evil
date -s '2001-01-01 00:00'
mkdir -p /sys/fs/cgroup/left/more
