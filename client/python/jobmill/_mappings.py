# SPDX-License-Identifier: MIT
"""Large payloads in a worker: mapped, not copied, and kept mapped for the next job for a while."""

from __future__ import annotations

import collections
import ctypes
import os
import sys
import weakref
from typing import Tuple

__all__ = ["Mappings"]

_PROT_READ, _PROT_WRITE = 1, 2
_MAP_SHARED, _MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_POPULATE = 1, 2, 0x20, 0x8000
_MREMAP_TO = 3  # MREMAP_MAYMOVE | MREMAP_FIXED
_FAILED = ctypes.c_void_p(-1).value
_MOST_POPULATED = 128 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_mmap = _libc.mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_munmap = _libc.munmap
_munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_mprotect = _libc.mprotect
_mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_mremap = _libc.mremap
_mremap.restype = ctypes.c_void_p
_mremap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_void_p,
]


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


class _Mapping:
    """``memory`` is a ctypes array over it, unmapped with the last object that refers to that."""

    __slots__ = ("memory", "address", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        populate = _MAP_POPULATE if size <= _MOST_POPULATED else 0
        address = _mmap(None, size, _PROT_READ, _MAP_SHARED | populate, descriptor, 0)
        if address is None or address == _FAILED:
            _fail(f"mapping a payload of {size} bytes")
        self.address = address
        self.size = size
        self.memory = (ctypes.c_ubyte * size).from_address(address)
        finalizer = weakref.finalize(self.memory, _munmap, address, size)
        finalizer.atexit = False

    def view(self) -> memoryview:
        return memoryview(self.memory).cast("B").toreadonly()

    def is_looked_at(self) -> bool:
        return sys.getrefcount(self.memory) > 2

    def make_own(self) -> None:
        """Puts a copy in its place, at the same address: what still looks at it sees what it has
        seen, whatever the payload's sender does with his memory next."""
        copy = _mmap(
            None, self.size, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS, -1, 0
        )
        if copy is None or copy == _FAILED:
            _fail(f"keeping a payload of {self.size} bytes")
        ctypes.memmove(copy, self.address, self.size)
        _mprotect(copy, self.size, _PROT_READ)
        if _mremap(copy, self.size, self.size, _MREMAP_TO, self.address) == _FAILED:
            _fail(f"keeping a payload of {self.size} bytes")


class Mappings:
    """The most recent ones are kept, by the identity of their memfd: all of the last job's, as far as there is
    room for them."""

    def __init__(self, most: int = 4, most_bytes: int = 1 << 30) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._taken = 0  # by the job
        self._kept: "collections.OrderedDict[Tuple[int, int], _Mapping]" = collections.OrderedDict()

    @property
    def in_use(self) -> bool:
        return bool(self._kept)

    def take(self, descriptor: int) -> memoryview:
        self._taken += 1
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino)
        mapping = self._kept.get(key)
        if mapping is None:
            mapping = self._kept[key] = _Mapping(descriptor, status.st_size)
        else:
            self._kept.move_to_end(key)
        return mapping.view()

    def end_job(self, keep: bool = True) -> None:
        """Nobody but what a job has left behind looks at them any more."""
        for key, mapping in list(self._kept.items()):
            if mapping.is_looked_at():
                mapping.make_own()
                del self._kept[key]
        if not keep:
            self._kept.clear()
        most = max(self._most, self._taken)
        self._taken = 0
        total = sum(mapping.size for mapping in self._kept.values())
        while len(self._kept) > most or total > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            total -= oldest.size
