// expect: error says: "passwd"
asm(".include \"/etc/passwd\"\n");
