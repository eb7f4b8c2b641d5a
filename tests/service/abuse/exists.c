/* expect: 422 does_not_compile: is there such a file? It must not be told. */
#if __has_include("/etc/passwd")
#error "ORACLE: it is there"
#else
#error "no such file"
#endif
