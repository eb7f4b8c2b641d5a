/* expect: 422 *: the same, to be assembled */
__asm__(".include \"/etc/passwd\"\n");
