// expect: error,limit
asm(".section .rodata\n.org 0x200000000\n.byte 1\n");
