/* expect: *: an object of a gigabyte, of zeros and not of zeros */
char zeros[1 << 30] = {1};
