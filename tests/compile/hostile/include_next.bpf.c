// expect: error says: "passwd"
#include_next "/etc/passwd"
