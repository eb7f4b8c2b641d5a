// expect: error says: "/proc/self/mem"
#include "/proc/self/mem"
