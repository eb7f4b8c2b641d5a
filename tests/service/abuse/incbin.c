/* expect: 422 *: a file by the assembler */
__asm__(".section .data\n.incbin \"/etc/passwd\"\n");
char LICENSE[] __attribute__((section("license"))) = "GPL";
