/* expect: 422 does_not_compile: the same by a relative path */
#include "../../../../../../../../etc/shadow"
