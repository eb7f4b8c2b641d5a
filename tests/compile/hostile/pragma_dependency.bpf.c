// expect: any
#pragma GCC dependency "/etc/passwd"
#pragma clang dependency "/etc/shadow"
