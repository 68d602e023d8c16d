# SPDX-License-Identifier: MIT
"""jobmill: functions in warm worker processes that may die, be cancelled and time out.

>>> from jobmill import Executor
>>> with Executor() as executor:
...     print(executor.submit(pow, 2, 10).result())
1024

``Executor`` is a ``concurrent.futures.Executor``; ``jobmill.aio.Pool`` is its counterpart for
asyncio, without a thread.
"""

from __future__ import annotations

from typing import Any

from ._future import Future, Progress, Stats
from ._inside import JobStopped, cancelled, handler, job_number, report
from ._stream import Item
from .errors import (
    Busy,
    Cancelled,
    DaemonGone,
    Expired,
    InitializerFailed,
    JobError,
    JobMillError,
    JobTimeout,
    NotPossible,
    ProtocolError,
    Refused,
    RemoteTraceback,
    WorkerDied,
)
from .executor import Executor
from .handle import Handle
from .options import UNLIMITED

__version__ = "0.1.0"

#: For programs of which only the import line is to change.
ProcessPoolExecutor = Executor

__all__ = [
    "UNLIMITED",
    "Busy",
    "Cancelled",
    "DaemonGone",
    "Executor",
    "Expired",
    "Future",
    "Handle",
    "InitializerFailed",
    "Item",
    "JobError",
    "JobMillError",
    "JobStopped",
    "JobTimeout",
    "NotPossible",
    "ProcessPoolExecutor",
    "Progress",
    "ProtocolError",
    "Refused",
    "RemoteTraceback",
    "Stats",
    "WorkerDied",
    "cancelled",
    "handler",
    "job_number",
    "report",
]


def __getattr__(name: str) -> Any:
    if name == "aio":
        import importlib

        return importlib.import_module(".aio", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
