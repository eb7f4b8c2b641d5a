// expect: error says: "bracket nesting level"
#define P0(x) ((((((((((x))))))))))
#define P1(x) P0(P0(P0(P0(P0(P0(P0(P0(P0(P0(x))))))))))
int a = P1(P1(P1(P1(1))));
