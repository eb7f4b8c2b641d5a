// expect: error says: "/proc/1/environ"
#include "/proc/1/environ"
