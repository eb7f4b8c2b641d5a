/* expect: 422 limit_exceeded: 50 MB, made by the assembler */
asm(".section .data\n.fill 52428800, 1, 7\n");
