# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""dns.py: a name server on 127.0.0.1 that knows two names: v4.test is 127.0.0.1, both.test is also ::1."""
import socket
import struct

KNOWN = {(b"\2v4\4test", 1): [b"\x7f\0\0\1"], (b"\4both\4test", 1): [b"\x7f\0\0\1"],
         (b"\4both\4test", 28): [bytes(15) + b"\1"]}

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, client = s.recvfrom(4096)
    end = query.index(b"\0", 12)
    name, kind = query[12:end].lower(), struct.unpack(">H", query[end + 1:end + 3])[0]
    found = KNOWN.get((name, kind), [])
    known = any(key[0] == name for key in KNOWN)
    head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(found), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(a)) + a for a in found)
    s.sendto(head + query[12:end + 5] + body, client)
