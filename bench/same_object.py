# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""What of a BPF object decides what the kernel runs: instructions, relocations, and CO-RE relocations with the names of
their types, read from the bytes of the file by the ELF specification and the kernel's Documentation/bpf/btf.rst."""
import struct

SHT_PROGBITS, SHT_SYMTAB, SHT_REL, SHF_EXECINSTR = 1, 2, 9, 4


def text(strings, at):
    return strings[at:strings.index(b"\0", at)].decode()


class Object:
    def __init__(self, data):
        self.data = data
        shoff, = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        self.sections = []
        for i in range(count):
            name, kind, flags, _, offset, length, link, info, _, entry = struct.unpack_from(
                "<IIQQQQIIQQ", data, shoff + i * size)
            body = data[offset:offset + length] if kind != 8 else b"\0" * length
            self.sections.append([name, kind, flags, body, link, info])
        strings = self.sections[names][3]
        for section in self.sections:
            section[0] = text(strings, section[0])

    def body(self, name):
        return next((s[3] for s in self.sections if s[0] == name), b"")

    def programs(self):
        """{section: instructions}"""
        return {s[0]: s[3] for s in self.sections if s[1] == SHT_PROGBITS and s[2] & SHF_EXECINSTR and s[3]}

    def relocations(self):
        """{section: [(offset, type, name of what is meant, value)]}"""
        found = {}
        for _, kind, _, body, link, info in self.sections:
            if kind != SHT_REL or not self.sections[info][2] & SHF_EXECINSTR:
                continue
            symbols, strings = self.sections[link][3], self.sections[self.sections[link][4]][3]
            rows = []
            for offset, what in struct.iter_unpack("<QQ", body):
                name, symbol_info, _, section, value, _ = struct.unpack_from("<IBBHQQ", symbols, (what >> 32) * 24)
                label = text(strings, name) or self.sections[section][0]
                rows.append((offset, what & 0xffffffff, label, value if symbol_info & 15 == 3 else None))
            found[self.sections[info][0]] = sorted(rows)
        return found

    def core(self):
        """{section: [(offset, kind of relocation, access, type)]}"""
        btf, ext = self.body(".BTF"), self.body(".BTF.ext")
        if not ext:
            return {}
        names = type_names(btf)
        header, _, types_len, strs_at = struct.unpack_from("<IIII", btf, 4)
        strings = btf[header + strs_at:]
        ext_header, = struct.unpack_from("<I", ext, 4)
        if ext_header < 32:
            return {}
        at, length = struct.unpack_from("<II", ext, 24)
        part = ext[ext_header + at:ext_header + at + length]
        if not part:
            return {}
        size, position, found = struct.unpack_from("<I", part)[0], 4, {}
        while position < len(part):
            section, count = struct.unpack_from("<II", part, position)
            position += 8
            rows = []
            for _ in range(count):
                offset, type_id, access, kind = struct.unpack_from("<IIII", part, position)
                rows.append((offset, kind, text(strings, access), names[type_id]))
                position += size
            found[text(strings, section)] = sorted(rows)
        return found

    def what_runs(self):
        return self.programs(), self.relocations(), self.core()


def type_names(btf):
    """Of each id: its kind and name; behind modifiers and pointers the type they lead to."""
    header, types_at, types_len, strs_at = struct.unpack_from("<IIII", btf, 4)
    types, strings = btf[header + types_at:header + types_at + types_len], btf[header + strs_at:]
    extra = {1: 4, 3: 12, 14: 4, 17: 4}
    each = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
    raw, at = [(0, "void", 0)], 0
    while at < len(types):
        name, info, size_or_type = struct.unpack_from("<III", types, at)
        kind, vlen = info >> 24 & 31, info & 0xffff
        raw.append((kind, text(strings, name), size_or_type))
        at += 12 + extra.get(kind, 0) + each.get(kind, 0) * vlen
    names = []
    for kind, name, ref in raw:
        while not name and kind in (2, 9, 10, 11, 18) and ref:
            kind, name, ref = raw[ref]
        names.append((kind, name))
    return names


def same(a, b):
    """None, or what differs between two objects (bytes)."""
    for what, one, other in zip(("instructions", "relocations", "CO-RE relocations"),
                                Object(a).what_runs(), Object(b).what_runs()):
        if one != other:
            keys = [k for k in sorted(set(one) | set(other)) if one.get(k) != other.get(k)]
            return f"{what} of {keys[0]}"
    return None
