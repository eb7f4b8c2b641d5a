// expect: any
int x = 1; /* never closed
