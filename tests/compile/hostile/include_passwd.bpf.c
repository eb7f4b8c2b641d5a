// expect: error says: "/etc/passwd"
#include </etc/passwd>
