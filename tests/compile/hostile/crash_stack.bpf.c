// expect: crash,limit
#pragma clang __debug overflow_stack
