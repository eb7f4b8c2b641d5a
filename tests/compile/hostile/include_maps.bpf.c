// expect: error says: "/proc/self/maps"
#include "/proc/self/maps"
