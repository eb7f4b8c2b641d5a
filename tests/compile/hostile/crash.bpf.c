// expect: crash
#pragma clang __debug crash
