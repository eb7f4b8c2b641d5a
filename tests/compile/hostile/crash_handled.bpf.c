// expect: any
#pragma clang __debug handle_crash
