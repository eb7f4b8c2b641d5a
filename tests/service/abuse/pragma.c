/* expect: *: the compiler is made to crash; its own way to do so, so that this is a test wherever it is there */
#pragma clang __debug crash
