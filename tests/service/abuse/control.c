/* expect: 422 does_not_compile: what the compiler says must not steer a terminal */
#error [31mred]0;title
