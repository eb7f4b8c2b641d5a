#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
echo 1 >/proc/sys/kernel/panic_on_warn
echo 0 >/proc/sys/kernel/printk
