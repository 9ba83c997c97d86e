"""What a program for Linux needs of the system that it runs on, read from its ELF headers."""
from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import struct

# By the machine of the ELF header: Debian's name, that of container images, and the folder of its libraries.
MACHINES = {62: ("amd64", "amd64", "x86_64-linux-gnu"), 183: ("arm64", "arm64", "aarch64-linux-gnu")}

PT_DYNAMIC, PT_INTERP, PT_LOAD = 2, 3, 1
DT_NEEDED, DT_STRTAB = 1, 5


@dataclasses.dataclass(frozen=True)
class Program:
    """`interpreter` is None for a static program; `glibc` is the newest version of glibc that it names."""

    debian: str
    image: str
    libraries_of: str
    interpreter: str | None
    needed: tuple
    glibc: tuple | None


def read(path):
    """Reads a program or library of a 64-bit little-endian machine. Source: elf(5)."""
    data = pathlib.Path(path).read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path} is no program for 64-bit Linux")
    machine = struct.unpack_from("<H", data, 18)[0]
    if machine not in MACHINES:
        raise ValueError(f"{path} is for machine {machine}, which no package is made for")
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, at + size * number) for number in range(count)]
    interpreter, needed = None, ()
    for kind, _, offset, _, _, length, _, _ in headers:
        if kind == PT_INTERP:
            interpreter = data[offset:offset + length].rstrip(b"\0").decode()
        if kind == PT_DYNAMIC:
            needed = dynamic(data, headers, offset, length)
    versions = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"\0GLIBC_(\d+\.\d+)", data)}
    return Program(*MACHINES[machine], interpreter, needed, max(versions, default=None))


def dynamic(data, headers, offset, length):
    """The names of the libraries that the dynamic section needs."""
    entries = [struct.unpack_from("<QQ", data, at) for at in range(offset, offset + length, 16)]
    table = next((value for tag, value in entries if tag == DT_STRTAB), None)
    if table is None:
        return ()
    for kind, _, start, address, _, size, _, _ in headers:
        if kind == PT_LOAD and address <= table < address + size:
            table = table - address + start
            break
    names = [table + value for tag, value in entries if tag == DT_NEEDED]
    return tuple(data[at:data.index(b"\0", at)].decode() for at in names)


def libraries(program):
    """The files of all libraries that a program needs, by name, and of its interpreter by path."""
    folders = [f"/lib/{program.libraries_of}", f"/usr/lib/{program.libraries_of}", f"/usr/{program.libraries_of}/lib"]
    if not os.path.isdir(folders[0]):
        folders += ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    found, wanted = {}, list(program.needed)
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        path = next((f"{folder}/{name}" for folder in folders if os.path.isfile(f"{folder}/{name}")), None)
        if path is None:
            raise FileNotFoundError(f"the library {name} is nowhere in {', '.join(folders)}")
        found[name] = path
        wanted += read(path).needed
    return found
