/* expect: 422 does_not_compile: the compiler's own environment */
#include "/proc/self/environ"
