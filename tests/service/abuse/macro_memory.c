/* expect: 422 *: 2^40 numbers */
#define A(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x
#define B(x) A(A(A(A(A(x)))))
int big[] = {B(B(1))};
