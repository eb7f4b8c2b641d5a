// expect: any
// Messages by the thousand.
#define W0 int f(void); _Pragma("GCC warning \"0123456789012345678901234567890123456789\"")
#define W1 W0 W0 W0 W0 W0 W0 W0 W0 W0 W0
#define W2 W1 W1 W1 W1 W1 W1 W1 W1 W1 W1
#define W3 W2 W2 W2 W2 W2 W2 W2 W2 W2 W2
W3 W3
