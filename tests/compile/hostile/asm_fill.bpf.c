// expect: limit
asm(".section .rodata\n.fill 0x200000000, 1, 65\n");
