// expect: limit
asm(".section .rodata\n.fill 0x4000000, 1, 65\n");
