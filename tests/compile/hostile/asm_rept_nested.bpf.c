// expect: limit
asm(".section .rodata\n.rept 100000\n.rept 100000\n.quad 1\n.endr\n.endr\n");
