# SPDX-License-Identifier: MIT
"""MessagePack as far as the protocol has it: no binary strings, no extensions, text keys.

``pack`` writes what a client says; ``unpack`` reads what the daemon said, with every length judged
against what is there.
"""

from __future__ import annotations

import struct
from typing import Any, Tuple

__all__ = ["pack", "unpack", "MalformedDocument"]

DEEPEST = 16


class MalformedDocument(ValueError):
    """Not a MessagePack document, or one that is nested too deep."""


def pack(value: Any) -> bytes:
    """The document of ``value``: None, bool, int, float, str, and lists, tuples and dicts of these."""
    out = bytearray()
    _write(value, out, 0)
    return bytes(out)


def _write(value: Any, out: bytearray, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if value is None:
        out.append(0xC0)
    elif value is True:
        out.append(0xC3)
    elif value is False:
        out.append(0xC2)
    elif isinstance(value, int):
        _write_int(value, out)
    elif isinstance(value, float):
        out += struct.pack(">Bd", 0xCB, value)
    elif isinstance(value, str):
        text = value.encode()
        _write_head(len(text), (0xA0, 32), (0xD9, 0xDA, 0xDB), out)
        out += text
    elif isinstance(value, (list, tuple)):
        _write_head(len(value), (0x90, 16), (None, 0xDC, 0xDD), out)
        for item in value:
            _write(item, out, depth + 1)
    elif isinstance(value, dict):
        _write_head(len(value), (0x80, 16), (None, 0xDE, 0xDF), out)
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a name of an argument is text, not {type(key).__name__}")
            _write(key, out, depth + 1)
            _write(item, out, depth + 1)
    else:
        raise TypeError(
            f"{type(value).__name__} cannot be an argument of a native handler: "
            "want None, bool, int, float, str, or lists and dicts of these"
        )


def _write_int(value: int, out: bytearray) -> None:
    if 0 <= value < 128:
        out.append(value)
    elif -32 <= value < 0:
        out.append(value & 0xFF)
    elif 0 <= value < 1 << 64:
        out += struct.pack(">BQ", 0xCF, value)
    elif -(1 << 63) <= value < 0:
        out += struct.pack(">Bq", 0xD3, value)
    else:
        raise ValueError(f"{value} does not fit 64 bits")


def _write_head(size: int, small: Tuple[int, int], kinds: tuple, out: bytearray) -> None:
    base, below = small
    if size < below:
        out.append(base | size)
    elif size < 1 << 8 and kinds[0] is not None:
        out += struct.pack(">BB", kinds[0], size)
    elif size < 1 << 16:
        out += struct.pack(">BH", kinds[1], size)
    else:
        out += struct.pack(">BI", kinds[2], size)


_NUMBERS = {
    0xCA: struct.Struct(">f"),
    0xCB: struct.Struct(">d"),
    0xCC: struct.Struct(">B"),
    0xCD: struct.Struct(">H"),
    0xCE: struct.Struct(">I"),
    0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
}
_SIZES = {1: struct.Struct(">B"), 2: struct.Struct(">H"), 4: struct.Struct(">I")}
_TEXTS = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def unpack(data: bytes) -> Any:
    """The value of a whole document; ``MalformedDocument`` when it is none."""
    try:
        value, end = _read(data, 0, 0)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise MalformedDocument(f"malformed MessagePack: {error}") from None
    if end != len(data):
        raise MalformedDocument("bytes after the end of a document")
    return value


def _read(data: bytes, at: int, depth: int) -> Tuple[Any, int]:
    if depth > DEEPEST:
        raise MalformedDocument(f"nested deeper than {DEEPEST} levels")
    kind = data[at]
    at += 1
    if kind < 0x80:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind < 0x90:
        return _read_map(data, at, kind & 0x0F, depth)
    if kind < 0xA0:
        return _read_list(data, at, kind & 0x0F, depth)
    if kind < 0xC0:
        return _read_text(data, at, kind & 0x1F)
    if kind == 0xC0:
        return None, at
    if kind in (0xC2, 0xC3):
        return kind == 0xC3, at
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        return form.unpack_from(data, at)[0], at + form.size
    for table, reader in ((_TEXTS, None), (_LISTS, _read_list), (_MAPS, _read_map)):
        if kind in table:
            width = table[kind]
            size = _SIZES[width].unpack_from(data, at)[0]
            at += width
            if size > len(data) - at:
                raise MalformedDocument("a length beyond the end of the document")
            return _read_text(data, at, size) if reader is None else reader(data, at, size, depth)
    raise MalformedDocument(f"a byte 0x{kind:02x} that begins nothing")


def _read_text(data: bytes, at: int, size: int) -> Tuple[str, int]:
    end = at + size
    if end > len(data):
        raise MalformedDocument("a text beyond the end of the document")
    return str(data[at:end], "utf-8"), end


def _read_list(data: bytes, at: int, size: int, depth: int) -> Tuple[list, int]:
    items = []
    for _ in range(size):
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return items, at


def _read_map(data: bytes, at: int, size: int, depth: int) -> Tuple[dict, int]:
    members = {}
    for _ in range(size):
        key, at = _read(data, at, depth + 1)
        if not isinstance(key, str):
            raise MalformedDocument("a name that is no text")
        members[key], at = _read(data, at, depth + 1)
    return members, at
