// expect: error says: "nested"
asm(".macro again\nagain\n.endm\nagain\n");
