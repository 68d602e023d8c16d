# SPDX-License-Identifier: MIT
"""What can go wrong, by name.

Every error of a job costs that job alone: the executor, its workers and all other jobs go on. So
none of these is a ``BrokenExecutor``.
"""

from __future__ import annotations

import concurrent.futures
import pickle
from typing import Any, Mapping, Optional

__all__ = [
    "Busy",
    "Cancelled",
    "DaemonGone",
    "Expired",
    "InitializerFailed",
    "JobError",
    "JobMillError",
    "JobTimeout",
    "NotPossible",
    "ProtocolError",
    "RemoteTraceback",
    "Refused",
    "WorkerDied",
]


class JobMillError(Exception):
    """The base of all of them."""


class JobError(JobMillError):
    """A job failed, and its own exception could not be brought here as it was.

    ``type_name`` is the type of the remote exception, or None of a handler that is not Python's.
    The remote traceback, where there is one, is the ``__cause__``.
    """

    def __init__(
        self,
        text: str,
        *,
        type_name: Optional[str] = None,
        cause: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(text)
        self.type_name = type_name
        self.cause: Mapping[str, Any] = cause or {}

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.args, self.__dict__)


class WorkerDied(JobError):
    """The worker died while it ran this job: of a signal, by leaving, or since it was killed.

    ``signal`` is a name such as ``SIGSEGV`` or None, ``exit_code`` a number or None, ``oom``
    whether the kernel killed it for want of memory, ``stderr`` the end of what it wrote to standard
    error, ``last_words`` what it could still say of where it was.
    """

    @property
    def signal(self) -> Optional[str]:
        return self.cause.get("signal")

    @property
    def exit_code(self) -> Optional[int]:
        return self.cause.get("exit_code")

    @property
    def oom(self) -> bool:
        return bool(self.cause.get("oom"))

    @property
    def stderr(self) -> str:
        return self.cause.get("stderr", "")

    @property
    def last_words(self) -> str:
        return self.cause.get("last_words", "")


class JobTimeout(JobError, TimeoutError):
    """The job ran longer than it may, or showed no sign of life; it was stopped, really."""


class Expired(JobTimeout):
    """The job had not begun in time, and never ran."""


class Cancelled(JobMillError, concurrent.futures.CancelledError):
    """The job was cancelled: by somebody else, by its batch, or since the daemon stopped."""


class Busy(JobMillError):
    """There is no room for it; try again after ``retry_after`` seconds."""

    def __init__(self, text: str, retry_after: Optional[float] = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after

    def __reduce__(self) -> Any:
        return type(self), (self.args[0], self.retry_after)


class Refused(JobMillError):
    """The daemon does not take this request. ``code`` is of PROTOCOL.md, section 6."""

    def __init__(self, text: str, code: str = "", field: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.field = field

    def __reduce__(self) -> Any:
        return type(self), (self.args[0], self.code, self.field)


class DaemonGone(JobMillError):
    """There is no daemon (any more). What was under way is lost, and may have run."""


class ProtocolError(DaemonGone):
    """The other side says what cannot be; the connection is closed."""


class NotPossible(JobMillError, TypeError, pickle.PicklingError):
    """This function or argument cannot be sent to a worker; the text says what to do. It is
    whatever the standard library's executors raise then, too."""


class InitializerFailed(JobMillError, concurrent.futures.BrokenExecutor):
    """The initializer raised in the worker or ended it, so that no job of it can run, or the pool has no
    worker that can start."""


class RemoteTraceback(Exception):
    """The traceback of the worker, as text; the ``__cause__`` of what a job raised."""

    def __init__(self, traceback: str) -> None:
        super().__init__(traceback)
        self.traceback = traceback
        #: The same, by the name that it has in the standard library's executors.
        self.tb = traceback

    def __str__(self) -> str:
        return self.traceback


def _rebuild(kind: type, args: tuple, state: dict) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
