# SPDX-License-Identifier: MIT
"""One job of an ``aio.Pool``, and what it tells while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional

from . import _frames as f
from ._desk import CancelledHere, Sink
from ._future import Progress, Stats, progress_of, stats_of
from ._outcome import error_of
from ._output import MOST_OUTPUT, Echo, last_text
from ._session import Result

if TYPE_CHECKING:
    from .aio import Pool

__all__ = ["Job", "Output", "Retrying"]

_NAMES = {f.STREAM_OUT: "stdout", f.STREAM_ERR: "stderr"}


class Output(NamedTuple):
    """What a job has printed. ``stream`` is ``"stdout"`` or ``"stderr"``."""

    stream: str
    text: str


class Retrying(NamedTuple):
    """An attempt ended in ``state``, and another begins after ``delay`` seconds."""

    state: str
    attempt: int
    delay: float


class Job(asyncio.Future, Sink):
    """One job: an ``asyncio.Future`` whose ``cancel()`` stops it even while it runs, so that
    ``wait_for`` and ``timeout`` do."""

    #: The newest ``Progress`` that it told, or None.
    progress: Optional[Progress] = None
    #: The process that runs or ran it; None while nobody knows.
    worker_pid: Optional[int] = None

    def __init__(self, pool: "Pool", load: Callable[[Result, "Job"], Any]) -> None:
        super().__init__(loop=pool._loop)
        self._pool = pool
        self._load = load
        self._fields: Optional[tuple] = None
        self._chunk: Optional[bytes] = None
        self._output: Dict[int, bytearray] = {}
        self._echo: Optional[Echo] = None
        self._listeners: List["asyncio.Queue[Any]"] = []

    @property
    def stats(self) -> Optional[Stats]:
        """What its last attempt took, once it has ended."""
        return None if self._fields is None else stats_of(self._fields)

    @property
    def stdout(self) -> str:
        """What it printed, the last 64 KiB."""
        return last_text(self._output.get(f.STREAM_OUT, b""))

    @property
    def stderr(self) -> str:
        return last_text(self._output.get(f.STREAM_ERR, b""))

    def cancel(self, msg: Any = None) -> bool:
        """Stops the job, wherever it is. False only if it has ended already."""
        if not super().cancel() if msg is None else not super().cancel(msg):
            return False
        self._pool._cancel(self)
        self._tell(None)
        return True

    # What the desk says.

    def is_wanted(self) -> bool:
        return not self.done()

    def on_result(self, result: Result) -> None:
        if self.done():
            return
        self._fields = result.fields
        self._end_output()
        try:
            if result.state == f.SUCCEEDED:
                self.set_result(self._load(result, self))
            elif result.state == f.STATE_CANCELLED and result.meta.get("kind") == "cancel":
                super().cancel()
            else:
                error = error_of(result.state, result.meta, self._chunk)
                self.set_exception(_storable(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of unpickling
            self.set_exception(_storable(error))
        self._tell(None)

    def on_error(self, error: BaseException) -> None:
        self._end_output()
        if not self.done():
            if isinstance(error, CancelledHere):
                super().cancel()
            else:
                self.set_exception(_storable(error))
        self._tell(None)

    def on_event(self, event: Any) -> None:
        if event.kind == f.PROGRESS:
            self.progress = progress_of(event)
            self._tell(self.progress)
        elif event.kind == f.RETRYING:
            self._end_output()
            self._chunk = None
            self._output.clear()
            _, attempt, _, delay_ns = event.fields
            self._tell(Retrying(event.meta.get("state", ""), attempt, delay_ns / 1e9))
        elif event.kind == f.CHUNK:
            self._on_chunk(event.fields[2], event.payload)

    def _on_chunk(self, stream: int, data: bytes) -> None:
        if stream == f.STREAM_NONE:
            if data[:1] == b"P":
                self.worker_pid = int.from_bytes(data[1:5], "little")
            else:
                self._chunk = data
            return
        kept = self._output.setdefault(stream, bytearray())
        kept += data
        del kept[: -MOST_OUTPUT - 1]  # one more says that something was cut off
        if self._echo is None:
            self._echo = Echo(self._pool._settings.echo)
        text = self._echo.write(stream, data)
        if text:
            self._tell(Output(_NAMES[stream], text))

    def _end_output(self) -> None:
        echo, self._echo = self._echo, None
        if echo is not None:
            for stream, text in echo.end():
                self._tell(Output(_NAMES[stream], text))

    def _tell(self, event: Any) -> None:
        for listener in self._listeners:
            listener.put_nowait(event)


def _storable(error: BaseException) -> BaseException:
    """A future refuses StopIteration."""
    if isinstance(error, StopIteration):
        wrapped = RuntimeError(f"the job raised StopIteration: {error}")
        wrapped.__cause__ = error
        return wrapped
    return error
