#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""embed.py NAME IN OUT: write a C file that defines the bytes of IN as NAME, with NAME_len."""
import sys

name, source, target = sys.argv[1:]
with open(source, "rb") as f:
    data = f.read()
rows = (", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24))
with open(target, "w") as f:
    f.write("/* Made by scripts/embed.py. */\n#include <stddef.h>\n\n")
    f.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_len;\n\n")
    f.write(f"const unsigned char {name}[] = {{\n\t" + ",\n\t".join(rows) + "};\n")
    f.write(f"const size_t {name}_len = sizeof({name});\n")
