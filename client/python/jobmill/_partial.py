# SPDX-License-Identifier: MIT
"""Messages that come in pieces."""

from __future__ import annotations

from typing import Any, Dict

from .errors import ProtocolError

__all__ = ["Partial"]


class Partial:
    """A result or chunk whose pieces are still coming."""

    __slots__ = ("kind", "fields", "meta", "size", "bytes")

    def __init__(self, kind: int, fields: tuple, meta: Dict[str, Any], size: int, first: bytes):
        self.kind = kind
        self.fields = fields
        self.meta = meta
        self.size = size
        self.bytes = bytearray(first)

    def judge(self, last: bool) -> None:
        size = len(self.bytes)
        if size > self.size or (last and size < self.size):
            raise ProtocolError(
                f"{'more' if size > self.size else 'fewer'} than the {self.size} bytes that were announced"
            )
