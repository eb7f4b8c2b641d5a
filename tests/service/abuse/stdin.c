/* expect: 422 *: itself, by its descriptor, for ever */
#include "/proc/self/fd/0"
