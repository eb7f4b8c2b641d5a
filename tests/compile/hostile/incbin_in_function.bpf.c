// expect: error says: "passwd"
__attribute__((section("kprobe/x"), used)) int f(void *ctx)
{
	asm volatile(".incbin \"/etc/passwd\"");
	return 0;
}
