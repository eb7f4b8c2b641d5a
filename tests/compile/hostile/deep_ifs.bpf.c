// expect: any
#define I0 if (a) if (a) if (a) if (a) if (a) if (a) if (a) if (a) if (a) if (a)
#define I1 I0 I0 I0 I0 I0 I0 I0 I0 I0 I0
#define I2 I1 I1 I1 I1 I1 I1 I1 I1 I1 I1
#define I3 I2 I2 I2 I2 I2 I2 I2 I2 I2 I2
int f(int a) { I3 return 1; return 0; }
