# SPDX-License-Identifier: MIT
"""What can be submitted to an ``Executor``."""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Iterable, Iterator, List, Mapping, Optional, Union

from ._call import encode_call, with_parent
from ._future import Future, Progress
from ._in_order import InOrder, run_chunk
from ._link import Link
from ._load import load_bytes, load_python
from ._parcel import HANDLER, TELL_PID, Parcel
from ._settings import Settings
from ._stream import Item, Streams, stream
from .handle import Handle
from .options import encode

__all__ = ["Calls", "OptionsView"]

Payload = Union[bytes, bytearray, memoryview, str]


class Calls:
    """What can be submitted, with options of its own: an executor, and what its ``options()``
    answers."""

    _settings: Settings
    _options: Mapping[str, Any]
    _progress: Optional[Callable[[Progress], None]] = None
    _meta = b""
    _flags = 0

    _link: Optional[Link]
    _shut_down: bool
    _streams: Streams

    def _connected(self) -> Link:
        raise NotImplementedError

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Runs ``fn(*args, **kwargs)`` in a worker. Raises ``NotPossible`` when they cannot be sent
        there."""
        link = self._link or self._connected()
        payload, meta = encode_call(self, fn, args, kwargs, link.tag_of)
        future = self._new_future(link, _load_call)
        link.submit(future, payload, (self._settings.pool, HANDLER), meta)
        return future

    def call(
        self, handler: str, /, payload: Union[Payload, Handle] = b"", **arguments: Any
    ) -> Future:
        """Runs a native handler of the pool, without pickle. The future's result is bytes, or for a
        large one a read-only memoryview."""
        link = self._link or self._connected()
        options = with_parent(self._settings, dict(self._options, progress=True))
        if arguments:
            options["args"] = arguments
        if isinstance(payload, Handle):
            options["blob"] = link.tag_of(payload)
            payload = b""
        view = memoryview(payload.encode() if isinstance(payload, str) else payload).cast("B")
        future = self._new_future(link, _load_native)
        link.submit(
            future, Parcel((view,), view.nbytes), (self._settings.pool, handler), encode(options)
        )
        return future

    def map(
        self,
        fn: Callable[..., Any],
        /,
        *iterables: Iterable[Any],
        timeout: Optional[float] = None,
        chunksize: int = 1,
        buffersize: Optional[int] = None,
    ) -> InOrder:
        """The results in the order of the items, as ``Executor.map``; with ``buffersize`` so many
        jobs at most are ahead of the reader, and the iterables are read as they are needed. An
        iterator that is closed, that raises, or that is given up after the first result cancels
        what is left, running jobs included."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        end = None if timeout is None else timeout + time.monotonic()
        items = zip(*iterables)
        if chunksize == 1:
            submissions = (self.submit(fn, *arguments) for arguments in items)
        else:
            chunks = iter(lambda: list(itertools.islice(items, chunksize)), [])
            submissions = (self.submit(run_chunk, fn, chunk) for chunk in chunks)
        futures: "List[Future]" = list(
            submissions if buffersize is None else itertools.islice(submissions, buffersize)
        )
        futures.reverse()
        more = submissions if buffersize is not None else iter(())
        return InOrder(futures, more, end, chunksize != 1)

    def imap_unordered(
        self, fn: Callable[..., Any], iterable: Iterable[Any], *, buffersize: Optional[int] = None
    ) -> Iterator[Item]:
        """An ``Item`` for each element, in the order in which they are done: ``index``, and
        ``value`` or ``error``. A failure ends nothing. ``buffersize`` jobs at most are under way;
        leaving the loop cancels them."""
        return stream(self, fn, iterable, buffersize)

    def _new_future(self, link: Link, load: Callable[[Any, Future], Any]) -> Future:
        future = Future()
        future._load = load
        future._link = link
        if self._settings.echo:
            future._echoes = True
        if self._progress is not None:
            future._on_progress = self._progress
        return future

    def _make_meta(self) -> bytes:
        self._meta = encode(dict(self._options, progress=True))
        return self._meta


class OptionsView(Calls):
    """An executor's ``options(...)``: submits with them."""

    def __init__(
        self,
        executor: Calls,
        options: Mapping[str, Any],
        progress: Optional[Callable[[Progress], None]],
    ) -> None:
        self._of = executor
        self._settings = executor._settings
        self._options = options
        self._progress = progress
        self._flags = TELL_PID if options.get("started") else 0

    @property
    def _link(self) -> Optional[Link]:  # type: ignore[override] # as it is at the moment
        return self._of._link

    @property
    def _shut_down(self) -> bool:  # type: ignore[override]
        return self._of._shut_down

    @property
    def _streams(self) -> Streams:  # type: ignore[override]
        return self._of._streams

    def _connected(self) -> Link:
        return self._of._connected()


def _load_call(result: Any, future: Future) -> Any:
    value, future.worker_pid = load_python(result, future._link)  # type: ignore[arg-type] # it has one
    return value


def _load_native(result: Any, future: Future) -> Any:
    return load_bytes(result, future._link)  # type: ignore[arg-type]
