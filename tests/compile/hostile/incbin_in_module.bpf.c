// expect: error says: "passwd"
asm(".section .rodata\nstolen: .incbin \"/etc/passwd\"\n");
