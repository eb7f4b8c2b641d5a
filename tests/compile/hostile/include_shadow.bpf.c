// expect: error says: "/etc/shadow"
#include "/etc/shadow"
