# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""layout.py LIBRARY OBJECT: every type that `ffi` declares has, in the real cffi, the size and the offsets that bpftool
reads from the object's BTF. Prints what differs, and how much was compared."""
import json
import subprocess
import sys

import cffi

import lbc


class Btf:
    """An object's BTF by bpftool."""

    def __init__(self, path):
        text = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], stdout=subprocess.PIPE, check=True).stdout
        self.types = {t["id"]: t for t in json.loads(text)["types"]}

    def resolve(self, i):
        while self.types[i]["kind"] in ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"):
            i = self.types[i]["type_id"]
        return self.types[i]

    def size(self, i):
        t = self.resolve(i)
        if t["kind"] == "PTR":
            return 8
        if t["kind"] == "ARRAY":
            return t["nr_elems"] * self.size(t["type_id"])
        return t["size"]

    def members(self, t, base=0):
        """Name, offset in bits, width (0: no bit field), type; those of nameless aggregates as the outer one's."""
        for m in t["members"]:
            at = base + m["bits_offset"]
            inner = self.resolve(m["type_id"])
            if m["name"] != "(anon)":
                yield m["name"], at, m.get("bitfield_size", 0), m["type_id"]
            elif inner["kind"] in ("STRUCT", "UNION"):
                yield from self.members(inner, at)


class Comparison:
    def __init__(self, btf):
        self.btf, self.wrong, self.compared, self.unseen = btf, [], 0, 0

    def expect(self, where, what, found, wanted):
        self.compared += 1
        if found != wanted:
            self.wrong.append(f"{where}: {what} is {found} in cffi, {wanted} in BTF")

    def type(self, where, ctype, i):
        """ctype: of the cffi; i: the id of BTF's."""
        t = self.btf.resolve(i)
        self.expect(where, "size", ffi.sizeof(ctype), self.btf.size(i))
        if ctype.kind == "array" and t["kind"] == "ARRAY" and t["nr_elems"]:
            self.type(where + "[]", ctype.item, t["type_id"])
        elif ctype.kind in ("struct", "union") and t["kind"] in ("STRUCT", "UNION"):
            self.members(where, ctype, t)

    def members(self, where, ctype, t):
        fields = dict(flat(ctype))
        for name, at, width, i in self.btf.members(t):
            f = fields.pop(name, None)
            if f is None and width:  # a bit field that no C integer without attributes covers
                self.unseen += 1
                continue
            if f is None:
                self.wrong.append(f"{where}.{name} is not in cffi")
                continue
            offset, bits, size, inner = f
            self.expect(f"{where}.{name}", "place", offset, at)
            self.expect(f"{where}.{name}", "width", bits, width)
            if not width:
                self.type(f"{where}.{name}", inner, i)
        self.wrong += [f"{where}.{n} is not in BTF" for n in fields if not n.startswith("__lbc_pad")]


def flat(ctype, base=0):
    """The fields of a cffi aggregate by name: offset in bits, width, size, type."""
    for name, f in ctype.fields:
        bits = f.bitsize if f.bitsize > 0 else 0
        at = base + f.offset * 8 + (f.bitshift if bits else 0)
        if name:
            yield name, (at, bits, ffi.sizeof(f.type), f.type)
        else:
            yield from flat(f.type, at)


ffi = cffi.FFI()


def main():
    library, btf = lbc.Library(sys.argv[1]), Btf(sys.argv[2])
    ffi.cdef(library.types["ffi"])
    compare = Comparison(btf)
    variables = {t["name"]: t for t in btf.types.values() if t["kind"] == "VAR"}
    for name, m in library.types["maps"].items():
        definition = {x["name"]: x["type_id"] for x in btf.resolve(variables[name]["type_id"])["members"]}
        for part, text in (("key", m["fktype"]), ("value", m["fvtype"])):
            if part in definition:
                compare.type(f"{name}'s {part}", ffi.typeof(text), btf.resolve(definition[part])["type_id"])
    print("\n".join(compare.wrong))
    print(f"{compare.compared} compared, {len(compare.wrong)} wrong, {compare.unseen} bit fields unseen")
    sys.exit(1 if compare.wrong or not compare.compared else 0)


main()
