# SPDX-License-Identifier: MIT
"""What wakes a thread that polls."""

from __future__ import annotations

import os

__all__ = ["Bell"]


class Bell:
    """A pipe. Its reader, ``descriptor``, is readable from ``ring`` until ``quiet``."""

    _writer = -1

    def __init__(self) -> None:
        self.descriptor, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def ring(self) -> None:
        """For any thread at any time, finalizers too."""
        try:
            os.write(self._writer, b"\0")
        except OSError:
            pass  # full, so it will wake; or closed

    def quiet(self) -> None:
        try:
            os.read(self.descriptor, 4096)
        except BlockingIOError:
            pass

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """More than once, if need be."""
        if self._writer != -1:
            os.close(self.descriptor)
            writer, self._writer = self._writer, -1
            os.close(writer)
