// expect: object
#define SEC(name) __attribute__((section(name), used))
#line 1 "/etc/shadow"
SEC("kprobe/x") int f(int *a) { return a[0]; }
