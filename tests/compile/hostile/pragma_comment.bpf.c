// expect: any
#pragma comment(lib, "/etc/passwd")
#pragma comment(linker, "/include:x")
