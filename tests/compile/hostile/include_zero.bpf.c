// expect: error says: "/dev/zero"
#include "/dev/zero"
