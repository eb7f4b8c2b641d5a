// expect: object
// LLVM puts the text of source lines into .BTF by opening the file that the debug information names.
#define SEC(name) __attribute__((section(name), used))
#line 1 "/etc/passwd"
SEC("kprobe/x") int f(int *a) { return a[0]; }
SEC("kprobe/y") int g(int *a) { return a[1]; }
SEC("kprobe/z") int h(int *a) { return a[2]; }
