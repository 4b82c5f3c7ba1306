"""Reads and shortens ELF files (64 bits, little-endian), as far as image layers need it."""

import struct
from collections.abc import Iterator

_MAGIC = b"\x7fELF\x02\x01"
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRING_TABLE = 1, 5


def _programs(binary: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Type, offset, address and size in the file of each segment."""
    (table,) = struct.unpack_from("<Q", binary, 32)
    size, count = struct.unpack_from("<HH", binary, 54)
    for start in range(table, table + size * count, size):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", binary, start)
        yield kind, offset, address, length


def needed(binary: bytes) -> list[str]:
    """The names of the libraries that a program or library is linked with; none if it is no ELF file."""
    if not binary.startswith(_MAGIC):
        return []
    programs = list(_programs(binary))
    entries = [
        struct.unpack_from("<QQ", binary, start)
        for kind, offset, _, length in programs
        if kind == _DYNAMIC
        for start in range(offset, offset + length, 16)
    ]
    addresses = [value for tag, value in entries if tag == _STRING_TABLE]
    if not addresses:
        return []
    (strings,) = (
        addresses[0] - address + offset
        for kind, offset, address, length in programs
        if kind == _LOAD and address <= addresses[0] < address + length
    )
    starts = [strings + value for tag, value in entries if tag == _NEEDED]
    return [binary[start : binary.index(0, start)].decode() for start in starts]


def stripped(binary: bytes) -> bytes:
    """An ELF file without what follows its last loaded byte: symbols, debug information and the table of sections.

    The loader reads program headers only. What a tool has put behind the debug information and has loaded stays, and all before it.
    """
    if not binary.startswith(_MAGIC):
        return binary
    header = bytearray(binary[:64])
    (programs,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    end = max([programs + size * count, *(offset + length for _, offset, _, length in _programs(binary))])
    struct.pack_into("<Q", header, 40, 0)  # where the sections' table is
    struct.pack_into(
        "<HHH", header, 58, 0, 0, 0
    )  # its entries' size and number, and the one with their names
    return bytes(header) + binary[64:end]
