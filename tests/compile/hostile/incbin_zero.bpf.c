// expect: error says: "/dev/zero"
asm(".section .rodata\nstolen: .incbin \"/dev/zero\"\n");
