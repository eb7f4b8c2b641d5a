/* expect: 422 does_not_compile: bytes that are no text are JSON all the same */
#error é €
