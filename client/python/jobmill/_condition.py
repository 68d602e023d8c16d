# SPDX-License-Identifier: MIT
"""A condition that is made in a third of the time, since there is one for each future, and whose
``wait`` may be interrupted anywhere."""

from __future__ import annotations

import threading
from collections import deque
from itertools import starmap
from operator import attrgetter
from typing import Any, List, Optional

__all__ = ["Condition"]

_USUAL = {
    "_lock",
    "acquire",
    "release",
    "_release_save",
    "_acquire_restore",
    "_is_owned",
    "_waiters",
}


def _of_lock(name: str) -> Any:
    """What each ``threading.Condition`` keeps of its lock's methods, looked up when it is called.
    Nothing here is a function in Python, in whose midst an interrupt may come and leave the lock as
    it should not be."""
    return property(attrgetter("_lock." + name))


# threading.RLock() is a function in Python that calls it.
_RLock = getattr(threading, "_CRLock", None) or threading.RLock


class _Light(threading.Condition):
    def __init__(self) -> None:
        self._lock = _RLock()
        self._waiters: Any = deque()

    acquire = _of_lock("acquire")
    release = _of_lock("release")
    __enter__ = _of_lock("__enter__")
    __exit__ = _of_lock("__exit__")
    _release_save = _of_lock("_release_save")
    _acquire_restore = _of_lock("_acquire_restore")
    _is_owned = _of_lock("_is_owned")

    def wait(self, timeout: Optional[float] = None) -> bool:
        """As the base's, which an interrupt may leave in possession of no lock: between the release and
        the note of it."""
        if not self._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        released: List[Any] = []
        was_told = False
        try:
            released.extend(starmap(self._release_save, ((),)))  # both in one step
            was_told = waiter.acquire(timeout=-1 if timeout is None else max(0.0, timeout))
        finally:
            for state in released:
                self._acquire_restore(state)
            if not was_told and waiter in self._waiters:
                self._waiters.remove(waiter)
        return was_told


# A later Python's may have more to prepare.
Condition = _Light if set(vars(threading.Condition())) == _USUAL else threading.Condition
