// expect: error says: "/usr/include/linux"
#include "/usr/include/linux"
