// expect: error says: "passwd"
#define OPEN	  </etc/passwd>
#define TEXT(x)	  #x
#define STRING(x) TEXT(x)
#include OPEN
#include STRING(/etc/passwd)
