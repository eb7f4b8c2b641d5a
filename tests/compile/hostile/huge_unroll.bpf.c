// expect: limit
__attribute__((section("kprobe/x"), used)) int f(volatile int *p)
{
	int sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < 4000; i++)
#pragma clang loop unroll(full)
		for (int k = 0; k < 4000; k++)
			sum += p[i ^ k] * p[k];
	return sum;
}
