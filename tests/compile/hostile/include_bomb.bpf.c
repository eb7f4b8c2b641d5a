// expect: limit
#if __INCLUDE_LEVEL__ < 150
#include __FILE__
#include __FILE__
#endif
