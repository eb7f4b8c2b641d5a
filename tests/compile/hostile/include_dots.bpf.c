// expect: error says: "passwd"
#include "../../../../../../../../../../etc/passwd"
