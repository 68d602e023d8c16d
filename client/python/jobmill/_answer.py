# SPDX-License-Identifier: MIT
"""A request's answer, for the thread that waits for it."""

from __future__ import annotations

import threading
from typing import Any, Optional

from ._desk import Sink
from .errors import DaemonGone

__all__ = ["Answer"]


class Answer(Sink):
    def __init__(self) -> None:
        self._there = threading.Event()
        self._answer: Any = None

    def on_event(self, event: Any) -> None:
        self._answer = event
        self._there.set()

    def on_error(self, error: BaseException) -> None:
        self.on_event(error)

    def get(self, patience: Optional[float] = None) -> Any:
        if not self._there.wait(patience):
            raise DaemonGone("the daemon does not answer")
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer
