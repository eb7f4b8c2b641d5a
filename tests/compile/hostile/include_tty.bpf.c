// expect: error says: "/dev/tty"
#include "/dev/tty"
