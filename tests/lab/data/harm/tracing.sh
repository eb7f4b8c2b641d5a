# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
echo 1 >/sys/kernel/tracing/events/sched/enable
