/* expect: 422 limit_exceeded: 15 MB, which is less than a compile may write, and more than is answered */
__attribute__((section(".rodata"))) const char x[15 << 20] = {1};
