// expect: any
asm(".file \"/etc/passwd\"\n.file 1 \"/etc\" \"passwd\"\n");
