/* expect: 422 does_not_compile: modules are not to be loaded */
#pragma clang module import Foo.Bar
@import Foo;
