// expect: any
#pragma GCC pch_preprocess "/etc/passwd"
