// expect: error says: "/proc/self/environ"
#include "/proc/self/environ"
