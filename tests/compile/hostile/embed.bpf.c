// expect: error
const char stolen[] = {
#embed "/etc/passwd"
};
