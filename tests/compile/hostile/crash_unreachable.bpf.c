// expect: crash,object
#pragma clang __debug llvm_unreachable
