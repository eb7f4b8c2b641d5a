/* expect: 200 *: BTF by hand, in which types refer to tags: twice as many numbers as types, unless each is given once */
asm(".section .BTF, \"\", @progbits\n"
    ".short 0xeb9f\n.byte 1, 0\n.long 24, 0, 44016, 44016, 12\n"
    ".long 1, 0x01000000, 4, 0x01000020\n" /* int */
    ".set id, 2\n"
    ".rept 1000\n"
    ".long 5, 0x11000000, 1, 0xffffffff\n" /* a tag on it */
    ".long 0, 0x02000000, id\n"		   /* a pointer to the tag */
    ".long 9, 0x0e000000, id + 1, 0\n"	   /* a variable of that type */
    ".set id, id + 3\n"
    ".endr\n"
    ".asciz \"\"\n.asciz \"int\"\n.asciz \"tag\"\n.asciz \"v\"\n.byte 0\n.text\n");
__attribute__((section("raw_tp/sys_enter"))) int f(void *ctx)
{
	return 0;
}
