// expect: limit
// Nothing is kept: it takes time alone.
#define F0(x) x
#define F1(x) F0(x) F0(x) F0(x) F0(x) F0(x) F0(x) F0(x) F0(x)
#define F2(x) F1(x) F1(x) F1(x) F1(x) F1(x) F1(x) F1(x) F1(x)
#define F3(x) F2(x) F2(x) F2(x) F2(x) F2(x) F2(x) F2(x) F2(x)
#define F4(x) F3(x) F3(x) F3(x) F3(x) F3(x) F3(x) F3(x) F3(x)
#define F5(x) F4(x) F4(x) F4(x) F4(x) F4(x) F4(x) F4(x) F4(x)
#define F6(x) F5(x) F5(x) F5(x) F5(x) F5(x) F5(x) F5(x) F5(x)
#define F7(x) F6(x) F6(x) F6(x) F6(x) F6(x) F6(x) F6(x) F6(x)
#define F8(x) F7(x) F7(x) F7(x) F7(x) F7(x) F7(x) F7(x) F7(x)
#define F9(x) F8(x) F8(x) F8(x) F8(x) F8(x) F8(x) F8(x) F8(x)
F9(;) F9(;) F9(;) F9(;)
