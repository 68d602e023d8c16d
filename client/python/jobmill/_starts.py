# SPDX-License-Identifier: MIT
"""Workers of a private daemon whose initializer ends them, as a crash or ``os._exit`` does: each start is written
down in a file that they share, so that one of the next can tell, and is there to say so to its jobs."""

from __future__ import annotations

import os

from .errors import InitializerFailed

__all__ = ["Starts"]

_BEGUN, _DONE = b"+", b"-"
# More deaths in a row than this are no accident: the daemon gives a pool up by the same rule.
_MOST = 5
# The end of the file tells enough, whatever lies before it.
_READ = 16384


class Starts:
    """``workers`` may be in their initializers at the same time."""

    def __init__(self, path: str, workers: int) -> None:
        self._path = path
        self._workers = workers

    def __enter__(self) -> None:
        """Raises ``InitializerFailed`` when this worker would only be the next to die."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, _BEGUN)
            size = os.fstat(descriptor).st_size
            last = os.pread(descriptor, _READ, max(0, size - _READ))
        finally:
            os.close(descriptor)
        begun = last.rsplit(_DONE, 1)[-1].count(_BEGUN)
        if begun > self._workers + _MOST:
            raise InitializerFailed("the workers before this one have ended in it")

    def __exit__(self, *_: object) -> None:
        """The initializer has returned, or raised."""
        with open(self._path, "ab", buffering=0) as file:
            file.write(_DONE)
