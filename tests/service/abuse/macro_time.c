/* expect: 422 *: a lot of work that leaves nothing */
#define E0(x) (x + 1)
#define E1(x) E0(E0(E0(E0(E0(E0(E0(E0(x))))))))
#define E2(x) E1(E1(E1(E1(E1(E1(E1(E1(x))))))))
#define E3(x) E2(E2(E2(E2(E2(E2(E2(E2(x))))))))
#define E4(x) E3(E3(E3(E3(E3(E3(E3(E3(x))))))))
int f(int x)
{
	return E4(E4(E4(E4(x))));
}
