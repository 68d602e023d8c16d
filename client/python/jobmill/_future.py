# SPDX-License-Identifier: MIT
"""The future of one job."""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import InvalidStateError
from concurrent.futures._base import (
    CANCELLED,
    CANCELLED_AND_NOTIFIED,
    FINISHED,
    LOGGER,
    PENDING,
    RUNNING,
)
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional

from . import _frames as f
from ._condition import Condition
from ._desk import CancelledHere, Sink
from ._link import Link
from ._outcome import error_of
from ._output import MOST_OUTPUT, Echo, last_text
from ._session import Result
from ._signals import is_handlers

__all__ = ["Future", "Progress", "Stats"]

_FIELDS = {"_condition", "_state", "_result", "_exception", "_waiters", "_done_callbacks"}


class Progress(NamedTuple):
    """How far a job says it is. ``total`` 0: unknown."""

    done: int
    total: int
    note: str


def progress_of(event: Any) -> Progress:
    done, total = event.fields[1:]
    return Progress(done, total, event.payload.decode("utf-8", "replace"))


def tell_progress(listener: Callable[[Progress], None], progress: Progress, job: Any) -> None:
    try:
        listener(progress)
    except Exception:
        # As of a done-callback: it is no reason to end all that this thread reads.
        LOGGER.exception("exception calling progress callback for %r", job)


class Stats(NamedTuple):
    """What the last attempt of a job took; None is not known."""

    queue_seconds: float
    run_seconds: float
    cpu_seconds: Optional[float]
    peak_rss: Optional[int]
    approximate: bool
    worker: int
    attempt: int
    job: int


def stats_of(fields: tuple) -> Stats:
    """From the fixed fields of a result."""
    job, _, queue_ns, run_ns, worker, _, flags, attempt, cpu_ns, peak_rss = fields
    known = bool(flags & 1)
    return Stats(
        queue_ns / 1e9,
        run_ns / 1e9,
        cpu_ns / 1e9 if known else None,
        peak_rss if known and peak_rss else None,
        bool(flags & 2),
        worker,
        attempt,
        job,
    )


class Future(concurrent.futures.Future, Sink):
    """A ``concurrent.futures.Future`` whose ``cancel()`` stops the job even while it runs."""

    #: The newest ``Progress`` that the job told with ``jobmill.report``, or None.
    progress: Optional[Progress] = None
    #: The process that runs or ran it; None while nobody knows (see ``options(started=True)``).
    worker_pid: Optional[int] = None
    _link: Optional[Link] = None
    _load: Optional[Callable[[Result, "Future"], Any]] = None
    _echoes = False
    _echo: Optional[Echo] = None
    _output: Optional[Dict[int, List[bytes]]] = None
    _error_chunk: Optional[bytes] = None
    _on_progress: Optional[Callable[[Progress], None]] = None
    _fields: Optional[tuple] = None
    if TYPE_CHECKING:  # what the base has, but for its type
        _condition: threading.Condition
        _state: str

        def _invoke_callbacks(self) -> None:
            ...

    if set(vars(concurrent.futures.Future())) == _FIELDS:

        def __init__(self) -> None:  # what the base does, but for a condition that costs less
            self._condition = Condition()
            self._state = PENDING
            self._result = None
            self._exception = None
            self._waiters: List[Any] = []
            self._done_callbacks: List[Any] = []

    @property
    def stats(self) -> Optional[Stats]:
        """What its last attempt took, once it has ended."""
        return None if self._fields is None else stats_of(self._fields)

    @property
    def stdout(self) -> str:
        """What the job printed, the last 64 KiB."""
        return self._text(f.STREAM_OUT)

    @property
    def stderr(self) -> str:
        """What the job wrote to standard error, the last 64 KiB."""
        return self._text(f.STREAM_ERR)

    def result(self, timeout: Optional[float] = None) -> Any:
        link = self._link
        if link is not None and not self._done_callbacks:
            timeout = link.read_for(self, timeout)
        if self._state == FINISHED and self._exception is None:
            return self._result  # as it stays: no need to ask the condition
        return super().result(timeout)

    def exception(self, timeout: Optional[float] = None) -> Optional[BaseException]:
        link = self._link
        if link is not None and not self._done_callbacks:
            timeout = link.read_for(self, timeout)
        return super().exception(timeout)

    def add_done_callback(self, fn: Callable[[Any], Any]) -> None:
        super().add_done_callback(fn)
        link = self._link
        if link is not None:
            link.expect_callback()

    def cancel(self) -> bool:
        """Stops the job, wherever it is. False only if it has ended already."""
        with self._condition:
            if self._state == FINISHED:
                return False
            if self._state in (PENDING, RUNNING):
                self._state = CANCELLED
        # Each time: who was here before may have been interrupted.
        try:
            link = self._link
            if link is not None and link.cancel(self):
                self._link = None  # else it is needed for the result that is on its way here
        finally:
            self._tell_cancelled()
        return True

    def _tell_cancelled(self) -> None:
        """So that wait() and as_completed() see it, and once callbacks do."""
        with self._condition:
            if self._state != CANCELLED:
                return
            self._condition.notify_all()
            for waiter in self._waiters:
                waiter.add_cancelled(self)
            self._state = CANCELLED_AND_NOTIFIED
        self._invoke_callbacks()

    # What the link says.

    def is_wanted(self) -> bool:
        return self._state == PENDING

    def on_sent(self) -> None:
        with self._condition:
            if self._state == PENDING:
                self._state = RUNNING

    def on_sent_at_once(self) -> None:
        self._state = RUNNING

    def on_result(self, result: Result) -> None:
        fields = result.fields
        self._fields = fields
        self._end_echo()
        try:
            if fields[5] == f.SUCCEEDED:
                self.set_result(self._load(result, self))  # type: ignore[misc]
            elif fields[5] == f.STATE_CANCELLED and result.meta.get("kind") == "cancel":
                self._cancelled_by_others()
            else:
                self._fail(error_of(fields[5], result.meta, self._error_chunk))
        except InvalidStateError:
            pass  # it was cancelled meanwhile, or has been told
        except BaseException as error:  # of unpickling
            self._fail(error)
        self._link = None  # whoever keeps a future does not keep a connection

    def on_value(self, result: Result) -> bool:
        if self._echo is not None:
            return False
        try:
            value = self._load(result, self)  # type: ignore[misc]
        except Exception as error:
            if is_handlers(error):
                raise
            return False
        with self._condition:
            # Whoever else waits is told on the other thread: this one may be interrupted meanwhile.
            others = self._done_callbacks or self._waiters or self._condition._waiters  # type: ignore[attr-defined]
            if others or self._state not in (PENDING, RUNNING):
                return False
            self._fields = result.fields
            self._result = value
            self._state = FINISHED
        self._link = None
        return True

    def on_error(self, error: BaseException) -> None:
        self._end_echo()
        if isinstance(error, CancelledHere):
            self._cancelled_by_others()
        else:
            self._fail(error)

    def on_event(self, event: Any) -> None:
        if event.kind == f.PROGRESS:
            self.progress = progress_of(event)
            if self._on_progress is not None:
                tell_progress(self._on_progress, self.progress, self)
        elif event.kind == f.CHUNK:
            self._on_chunk(event.fields[2], event.payload)
        elif event.kind == f.RETRYING:
            self._end_echo()
            self._output = None
            self._error_chunk = None

    def _on_chunk(self, stream: int, data: bytes) -> None:
        if stream == f.STREAM_NONE:
            if data[:1] == b"P":
                self.worker_pid = int.from_bytes(data[1:5], "little")
            else:
                self._error_chunk = data
            return
        if self._output is None:
            self._output = {f.STREAM_OUT: [], f.STREAM_ERR: []}
        kept = self._output[stream]
        kept.append(data)
        while sum(map(len, kept)) - len(kept[0]) > MOST_OUTPUT:
            kept.pop(0)
        if self._echoes:
            if self._echo is None:
                self._echo = Echo()
            self._echo.write(stream, data)

    def _end_echo(self) -> None:
        echo, self._echo = self._echo, None
        if echo is not None:
            echo.end()

    def _text(self, stream: int) -> str:
        if self._output is None:
            return ""
        return last_text(b"".join(self._output[stream]))

    def _fail(self, error: BaseException) -> None:
        try:
            self.set_exception(error)
        except InvalidStateError:
            pass  # it was cancelled meanwhile, or has been told
        self._link = None

    def _cancelled_by_others(self) -> None:
        self._link = None
        with self._condition:
            if self._state in (CANCELLED, CANCELLED_AND_NOTIFIED, FINISHED):
                return
            self._state = CANCELLED
        self._tell_cancelled()
