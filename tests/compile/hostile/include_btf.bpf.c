// expect: error says: "/sys/kernel/btf/vmlinux"
#include "/sys/kernel/btf/vmlinux"
