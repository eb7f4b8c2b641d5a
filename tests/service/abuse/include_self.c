/* expect: 422 does_not_compile: a header that includes itself (sent with it) */
#include "self.h"
