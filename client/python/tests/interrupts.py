# SPDX-License-Identifier: MIT
"""For scripts of the tests: a ``KeyboardInterrupt`` wherever the program is when a signal comes."""

from __future__ import annotations

import random
import signal
from typing import Any


class Interrupts:
    """One at a time, when it is ``armed``."""

    def __init__(self, number: int = signal.SIGALRM) -> None:
        self.armed = False
        self._chance = random.Random(1)
        signal.signal(number, self._interrupt)

    def _interrupt(self, *_: Any) -> None:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def within(self, least: float, most: float) -> None:
        """Arms one, so many seconds from now."""
        self.armed = True
        signal.setitimer(signal.ITIMER_REAL, self._chance.uniform(least, most))
