// SPDX-License-Identifier: GPL-2.0
/* unloadable - does not find what it is for. */
#include <linux/module.h>

static int __init begin(void)
{
	pr_err("unloadable: the device is not there\n");
	return -ENODEV;
}

static void __exit end(void)
{
}

module_init(begin);
module_exit(end);
MODULE_DESCRIPTION("for tests of the lab");
MODULE_LICENSE("GPL");
