// SPDX-License-Identifier: GPL-2.0
/*
 * lab_proof - a module for tests of the lab: /proc/lab_proof counts its readers; what is written to it is done: "note" (a message
 * of the kernel's), "warn", "panic", "spin" (all processors, without interrupts).
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

static atomic_t readers;

static int show(struct seq_file *to, void *unused)
{
	seq_printf(to, "reader %d\n", atomic_inc_return(&readers));
	return 0;
}

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static ssize_t take(struct file *file, const char __user *from, size_t len, loff_t *at)
{
	char word[16] = "";

	if (len >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, from, len))
		return -EFAULT;
	if (!strncmp(word, "note", 4))
		pr_warn("lab_proof: nothing is wrong\n");
	else if (!strncmp(word, "warn", 4))
		WARN(1, "lab_proof: something is wrong");
	else if (!strncmp(word, "panic", 5))
		panic("lab_proof: all is wrong");
	else if (!strncmp(word, "spin", 4))
		on_each_cpu(spin, NULL, 1);
	else
		return -EINVAL;
	return len;
}

static int open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static const struct proc_ops ops = {.proc_open = open,
				    .proc_read = seq_read,
				    .proc_lseek = seq_lseek,
				    .proc_release = single_release,
				    .proc_write = take};

static int __init begin(void)
{
	return proc_create("lab_proof", 0600, NULL, &ops) ? 0 : -ENOMEM;
}

static void __exit end(void)
{
	remove_proc_entry("lab_proof", NULL);
}

module_init(begin);
module_exit(end);
MODULE_DESCRIPTION("for tests of the lab");
MODULE_LICENSE("GPL");
