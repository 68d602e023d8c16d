# SPDX-License-Identifier: MIT
"""Guests: threads that read the result they wait for themselves, in place of a link's reading thread.

A result that goes by the reading thread costs a second wake-up, and two threads that take turns with
the interpreter.
"""

from __future__ import annotations

import math
import select
from time import monotonic
from typing import Any, Optional

from ._bell import Bell
from ._desk import Sink

__all__ = ["Visits"]

# The reading thread leaves the socket to guests while one came in the last so many milliseconds.
_SOON = 1
_LONGEST = 2**31 - 1  # milliseconds that poll takes


class Visits:
    """One at a time. All but ``wait`` is called under the link's lock."""

    #: Whose result the guest waits for. None: there is no guest, or he was dismissed.
    guest: Optional[Sink] = None
    #: Whether the reading thread is to look for what comes.
    reading = True
    #: How long it may sleep, in milliseconds; None: until it is woken.
    patience: Optional[int] = None
    #: Whether a thread is between ``begin`` and ``end``, dismissed or not; the same one perhaps, whose
    #: signal handler asks. An interrupt may keep it from the end, and that was the last guest.
    taken = False

    def __init__(self, connection: Any) -> None:
        self._bell = Bell()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._poll.register(self._bell.descriptor, select.POLLIN)
        self._count = self._seen = 0
        self._called = False
        self._last = 0.0

    # For the guest.

    def begin(self, sink: Sink) -> bool:
        """Whether the reading thread has to be woken: it is about to be woken by each result."""
        self.taken = True
        self.guest = sink
        self._count += 1
        return self.reading and monotonic() - self._last < _SOON / 1000

    def wait(self, end: Optional[float]) -> bool:
        """Until there is something to read, or he is dismissed. False: it is later than ``end``."""
        left = None
        if end is not None:
            left = min(math.ceil(max(0.0, end - monotonic()) * 1000), _LONGEST)
        ready = self._poll.poll(left)
        for descriptor, _ in ready:
            if descriptor == self._bell.descriptor:
                self._bell.quiet()
        return bool(ready) or left == _LONGEST

    def end(self) -> bool:
        """Whether he leaves before his result came, so that the reading thread has to be called."""
        self._last = monotonic()
        self.taken = False
        return self.guest is not None

    # For others.

    @property
    def reader_sleeps(self) -> bool:
        """Whether what comes is not, or not for long, for the reading thread."""
        return not self.reading or self.guest is not None

    def dismiss(self) -> None:
        if self.guest is not None:
            self._bell.ring()
            self.guest = None

    def call_reader(self) -> None:
        """What comes from now on is for the reading thread, which has been woken."""
        self.reading = self._called = True
        self.dismiss()

    def choose(self) -> None:
        """For the reading thread, before it polls: sets ``reading`` and ``patience``."""
        came = self._count != self._seen and not self._called
        self._seen = self._count
        self._called = False
        # One who was here before waits for long, or is here no more, for he was interrupted: it goes on
        # without him, and looks once more, for what he has read and not told.
        stayed = self.guest is not None and not came
        if stayed:
            self.dismiss()
        self.reading = self.guest is None and not came
        self.patience = None if self.reading and not stayed else _SOON

    def close(self) -> None:
        self._bell.close()
