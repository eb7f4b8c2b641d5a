// expect: limit
struct s { int a, b; } all[] = {[0 ... 200000000] = {1, 2}};
