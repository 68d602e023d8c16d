# SPDX-License-Identifier: MIT
"""A worker's standard output and error: what a job prints goes to its client, the rest to the
daemon."""

from __future__ import annotations

import io
import os
import sys
import time
from typing import Any, Callable, List

from . import _frames as f

__all__ = ["Capture"]

_MOST_HELD = 8192
# A job that prints without end is told of in lumps; one that prints now and then, at once.
_BURST = 20
_PAUSE = 0.05


class Capture:
    """``emit(stream, bytes)`` sends for the job that runs, and answers whether there is one, as
    ``in_job()`` does."""

    def __init__(self, emit: Callable[[int, bytes], bool], in_job: Callable[[], bool]) -> None:
        self._emit = emit
        self.in_job = in_job
        self._streams: List[_Stream] = []
        #: Whether something is held that flush() would send.
        self.holds = False

    def install(self) -> None:
        for number, name in ((f.STREAM_OUT, "stdout"), (f.STREAM_ERR, "stderr")):
            raw = _Stream(self, number)
            self._streams.append(raw)
            text = io.TextIOWrapper(
                raw,  # type: ignore[arg-type]
                encoding="utf-8",
                errors="backslashreplace",
                write_through=True,
            )
            setattr(sys, name, text)

    def flush(self) -> None:
        """At the end of a job, while its client can still be told."""
        self.holds = False
        for stream in self._streams:
            stream.send()

    def send(self, stream: int, data: bytes) -> None:
        # In pieces that go at any max_payload.
        for begin in range(0, len(data), f.MOST_INLINE):
            piece = data[begin : begin + f.MOST_INLINE]
            if not self._emit(stream, piece):
                os.write(2, piece)


class _Stream(io.RawIOBase):
    def __init__(self, capture: Capture, number: int) -> None:
        super().__init__()
        self._capture = capture
        self._number = number
        self._tokens = float(_BURST)
        self._filled_at = 0.0
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Where the daemon reads what a worker says of itself: for children of the job."""
        return self._number

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._held += data
        if len(self._held) >= _MOST_HELD or (self._held.endswith(b"\n") and self._may_send()):
            self.send()
        elif not self._capture.in_job():
            self.send()  # else the next job would say it
        else:
            self._capture.holds = True
        return size

    def _may_send(self) -> bool:
        now = time.monotonic()
        self._tokens = min(float(_BURST), self._tokens + (now - self._filled_at) / _PAUSE)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def send(self) -> None:
        if self._held:
            data, self._held = bytes(self._held), bytearray()
            self._capture.send(self._number, data)
