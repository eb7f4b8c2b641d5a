/* expect: 422 does_not_compile: a file that is not the client's */
#include "/etc/shadow"
