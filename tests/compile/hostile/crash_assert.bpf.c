// expect: any
#pragma clang __debug assert
