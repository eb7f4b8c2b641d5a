// expect: error says: "nested too deeply"
#include "/proc/self/fd/0"
