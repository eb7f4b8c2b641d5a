// expect: any
#if __has_include("/etc/shadow")
int there;
#else
int not_there;
#endif
