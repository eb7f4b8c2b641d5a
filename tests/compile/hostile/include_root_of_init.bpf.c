// expect: error says: "/proc/1/root"
#include "/proc/1/root/etc/passwd"
