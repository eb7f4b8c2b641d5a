// expect: limit
asm(".section .rodata\n.rept 1000000000\n.quad 1\n.endr\n");
