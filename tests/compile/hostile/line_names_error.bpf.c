// expect: error
#line 1 "/etc/passwd"
int f(void) { return nosuch; }
