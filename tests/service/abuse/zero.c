/* expect: 422 *: a file without an end */
#include "/dev/zero"
