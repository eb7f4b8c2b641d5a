// expect: any
#pragma include_alias("x.h", "/etc/passwd")
#include "x.h"
