# SPDX-License-Identifier: MIT
"""What a session has to send.

Whoever uses it may be interrupted between any two steps: each frame is added in one, and is written
and taken out in another, so none is sent twice, in part, or with the descriptor of another.
"""

from __future__ import annotations

import array
import collections
import io
import os
import socket
from typing import Deque, Optional

from ._descriptor import owned

__all__ = ["Outbox"]

# As plain numbers: the module's are enumerations, whose every use costs microseconds.
_FLAGS = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_RIGHTS = (int(socket.SOL_SOCKET), int(socket.SCM_RIGHTS))


class _Chunk:
    """Frames, or one frame with its descriptor, which goes with the first byte."""

    __slots__ = ("data", "size", "descriptor")

    def __init__(self, data: bytes = b"", descriptor: Optional[io.FileIO] = None) -> None:
        self.data = bytearray(data)
        self.size = len(data)
        self.descriptor = descriptor

    def close(self) -> None:
        if self.descriptor is not None:
            self.descriptor.close()


class Outbox:
    def __init__(self) -> None:
        self._chunks: Deque[_Chunk] = collections.deque((_Chunk(),))

    def __bool__(self) -> bool:
        return len(self._chunks) > 1 or bool(self._chunks[0].data)

    @property
    def tail(self) -> bytearray:
        """What a frame is to be added to, at once."""
        return self._chunks[-1].data

    def add_with(self, frame: bytes, descriptor: int) -> None:
        """Adds a frame and a copy of the descriptor, which stays the caller's."""
        self._chunks.extend((_Chunk(frame, owned(os.dup, descriptor)), _Chunk()))

    def send(self, connection: socket.socket) -> bool:
        """Writes what the socket takes at once; whether that was all."""
        chunks = self._chunks
        try:
            while True:
                chunk = chunks[0]
                data = chunk.data
                while data:
                    if chunk.descriptor is None or len(data) < chunk.size:
                        sizes = map(connection.send, (data,), (_FLAGS,))
                    else:
                        rights = (*_RIGHTS, array.array("i", (chunk.descriptor.fileno(),)))
                        sizes = map(connection.sendmsg, ((data,),), ((rights,),), (_FLAGS,))
                    list(map(data.__delitem__, map(slice, sizes)))
                if len(chunks) == 1:
                    return True
                chunks.popleft().close()
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Nothing more is sent."""
        for chunk in self._chunks:
            chunk.close()
        self._chunks = collections.deque((_Chunk(),))
