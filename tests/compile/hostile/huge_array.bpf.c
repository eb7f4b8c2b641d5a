// expect: limit,object
char a[1ULL << 33] = {1};
