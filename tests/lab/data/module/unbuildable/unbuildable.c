// SPDX-License-Identifier: GPL-2.0
/* unbuildable - does not compile. */
#include <linux/module.h>

int broken = there_is_no_such_thing;

MODULE_DESCRIPTION("for tests of the lab");
MODULE_LICENSE("GPL");
