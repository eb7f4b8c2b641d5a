// expect: error says: "/proc/self/cwd"
#include "/proc/self/cwd/etc/passwd"
