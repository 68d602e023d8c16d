# SPDX-License-Identifier: MIT
"""Payloads in sealed memfds: those that are sent, reused while they are warm, and those that came."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource
import weakref
from typing import Callable, Dict, List, Optional

from ._descriptor import owned

__all__ = ["BlobPool", "SentBlob", "map_blob"]

_MAP_POPULATE = 0x8000
_PAGE = mmap.PAGESIZE
_MOST_POPULATED = 1 << 30


class SentBlob:
    """A payload on its way: a descriptor, and memory to write it to."""

    __slots__ = ("_file", "capacity", "mapping")

    def __init__(self, size: int) -> None:
        self.capacity = size + -size % _PAGE
        self.mapping: Optional[mmap.mmap] = None
        self._file = owned(
            os.memfd_create, "jobmill-payload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        )
        try:
            # So that memory that is not there is an error here and no SIGBUS later.
            os.posix_fallocate(self.descriptor, 0, self.capacity)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            flags = mmap.MAP_SHARED | (_MAP_POPULATE if size <= _MOST_POPULATED else 0)
            self.mapping = mmap.mmap(self.descriptor, self.capacity, flags)
        except BaseException:
            self.close()
            raise

    @property
    def descriptor(self) -> int:
        return self._file.fileno()

    def view(self, size: int) -> memoryview:
        assert self.mapping is not None
        return memoryview(self.mapping)[:size]

    def unmap(self) -> None:
        mapping, self.mapping = self.mapping, None
        if mapping is not None:
            mapping.close()

    def is_at(self, descriptor: int) -> bool:
        """Whether that descriptor is one of the same memory."""
        return os.path.sameopenfile(self.descriptor, descriptor)

    def close(self) -> None:
        self._file.close()
        self.unmap()


class BlobPool:
    """Blobs that may be written to again: fresh pages cost ten times a copy. Not for several
    threads."""

    def __init__(self, most_bytes: int = 256 << 20, most: int = 16) -> None:
        self._most_bytes = most_bytes
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = min(most, soft // 64)
        self._free: List[SentBlob] = []
        self._bytes = 0
        # By the job whose result lies in it, which somebody here looks at.
        self._read: Dict[int, SentBlob] = {}

    def take(self, size: int) -> SentBlob:
        """One of ``size`` to twice as many bytes, the smallest that is there, else a new one."""
        best: Optional[SentBlob] = None
        for blob in self._free:
            if size <= blob.capacity <= 2 * size and (
                best is None or blob.capacity < best.capacity
            ):
                best = blob
        if best is None:
            return SentBlob(size)
        self._free.remove(best)
        self._bytes -= best.capacity
        return best

    def give_back(self, blob: SentBlob) -> None:
        self._free.append(blob)
        self._bytes += blob.capacity
        while len(self._free) > self._most or self._bytes > self._most_bytes:
            oldest = self._free.pop(0)
            self._bytes -= oldest.capacity
            oldest.close()

    def leave(self, blob: SentBlob, job: int) -> None:
        """It is the result of that job, too: nobody writes to it until ``returned(job)``."""
        self._read[job] = blob
        while len(self._read) > self._most:
            # Its reader has a mapping of his own.
            self._read.pop(next(iter(self._read))).close()

    def returned(self, job: int) -> None:
        """Nobody looks at that job's result any more."""
        blob = self._read.pop(job, None)
        if blob is not None:
            self.give_back(blob)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to close."""
        return not self._free and not self._read

    def close(self) -> None:
        for blob in self._free:
            blob.close()
        for blob in self._read.values():
            blob.close()
        self._free.clear()
        self._read.clear()
        self._bytes = 0


class _Mapping(mmap.mmap):
    """An mmap that can tell when its last reader is gone."""


def map_blob(
    descriptor: int, size: int, on_gone: Optional[Callable[[], None]] = None
) -> memoryview:
    """A read-only view of a blob that came, whose descriptor is closed. ``on_gone`` is called when
    nothing looks at it any more, in whichever thread that happens."""
    try:
        mapping = _Mapping(descriptor, size, mmap.MAP_SHARED | _MAP_POPULATE, mmap.PROT_READ)
    finally:
        os.close(descriptor)
    if on_gone is not None:
        finalizer = weakref.finalize(mapping, on_gone)
        finalizer.atexit = False
    return memoryview(mapping)
