# SPDX-License-Identifier: MIT
"""A condition that is made in a third of the time: there is one for each future."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

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


class _Light(threading.Condition):
    """What each ``threading.Condition`` keeps of its lock's methods is looked up here when it is
    called."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiters: Any = deque()

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        return self._lock.acquire(*args, **kwargs)

    def release(self) -> None:
        self._lock.release()

    def _release_save(self) -> Any:
        return self._lock._release_save()  # type: ignore[attr-defined]

    def _acquire_restore(self, state: Any) -> None:
        self._lock._acquire_restore(state)  # type: ignore[attr-defined]

    def _is_owned(self) -> bool:
        return self._lock._is_owned()  # type: ignore[attr-defined]


# A later Python's may have more to prepare.
Condition = _Light if set(vars(threading.Condition())) == _USUAL else threading.Condition
