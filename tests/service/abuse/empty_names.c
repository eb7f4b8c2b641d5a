/* expect: 422 does_not_compile: line markers that lie about names */
# 1 "/etc/shadow"
#line 5 "../../x.c"
int x = ;
