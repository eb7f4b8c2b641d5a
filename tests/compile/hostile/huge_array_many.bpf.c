// expect: limit
#define A(n) char a##n[1ULL << 30] = {[(1ULL << 30) - 1] = n};
A(1) A(2) A(3) A(4) A(5) A(6) A(7) A(8)
