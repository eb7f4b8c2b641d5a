# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
echo 1 >/proc/sys/kernel/panic_on_warn
echo 0 >/proc/sys/kernel/printk
