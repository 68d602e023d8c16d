# SPDX-License-Identifier: MIT
"""Results as they come, on a session of their own and on the thread of whoever reads them."""

from __future__ import annotations

import os
import select
from typing import Any, Callable, Iterable, Iterator, List, NamedTuple, Optional

from . import _frames as f
from ._call import encode_call
from ._desk import Desk, Sink, deliver
from ._load import load_python
from ._outcome import error_of
from ._output import echo
from ._parcel import HANDLER
from ._session import Result
from ._wire import connect, greet, receive, send
from .errors import DaemonGone, JobMillError

__all__ = ["Item", "stream"]

_DEFAULT_WINDOW = 256
_GATHERED = 32_768


class Item(NamedTuple):
    """One result of ``imap_unordered``: the position of its element, and its value or its error."""

    index: int  # type: ignore[assignment] # a tuple has a method of that name
    value: Any
    error: Optional[BaseException]

    @property
    def ok(self) -> bool:
        return self.error is None

    def result(self) -> Any:
        """The value; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.value


class Element(Sink):
    """One element's job. Its item is appended to ``items`` when it has ended."""

    __slots__ = ("tag", "_index", "_items", "_echo", "_return_soon", "_chunk")

    def __init__(
        self, index: int, items: List[Item], echoes: bool, return_soon: Callable[[int], None]
    ) -> None:
        self.tag = 0
        self._index = index
        self._items = items
        self._echo = echoes
        self._return_soon = return_soon
        self._chunk: Optional[bytes] = None

    def on_result(self, result: Result) -> None:
        value, error = None, None
        if result.state == f.SUCCEEDED:
            try:
                value = load_python(result, self._return_soon)[0]
            except KeyboardInterrupt:
                raise
            except BaseException as raised:  # by unpickling
                error = raised
        else:
            error = error_of(result.state, result.meta, self._chunk)
        self._items.append(Item(self._index, value, error))

    def on_error(self, error: BaseException) -> None:
        self._items.append(Item(self._index, None, error))

    def on_event(self, event: Any) -> None:
        if event.kind == f.RETRYING:
            self._chunk = None
        elif event.kind == f.CHUNK:
            if event.fields[2] == f.STREAM_NONE:
                self._chunk = event.payload
            elif self._echo:
                echo(event.fields[2], event.payload)


def _send(connection: Any, session: Any) -> bool:
    try:
        return send(connection, session)
    except ConnectionError:
        return True  # what had come before that is still to be read, and then what happened


class _Put(Sink):
    def __init__(self, errors: List[BaseException]) -> None:
        self._errors = errors

    def on_error(self, error: BaseException) -> None:
        self._errors.append(error)

    def on_event(self, event: Any) -> None:
        pass  # it is stored


def stream(
    calls: Any, fn: Callable[..., Any], iterable: Iterable[Any], window: Optional[int]
) -> Iterator[Item]:
    if window is not None and window < 1:
        raise ValueError("buffersize must be None or > 0")
    link = calls._executor._connected()
    return _Stream(calls, fn, iter(iterable), window or _DEFAULT_WINDOW).items(link)


class _Stream:
    def __init__(
        self, calls: Any, fn: Callable[..., Any], elements: Iterator[Any], window: int
    ) -> None:
        self._calls = calls
        self._fn = fn
        self._elements = elements
        self._window = window
        self._handler = (calls._settings.pool, HANDLER)
        self._exhausted = False
        self._next_index = 0
        self._items: List[Item] = []
        self._errors: List[BaseException] = []

    def items(self, link: Any) -> Iterator[Item]:
        try:
            yield from self._items_of(connect(link.path))
        except DaemonGone:
            link.look()
            raise

    def _items_of(self, connection: Any) -> Iterator[Item]:
        desk: Optional[Desk] = None
        try:
            session = greet(connection, f"jobmill-python {os.getpid()}")
            desk = Desk(session)
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            while True:
                self._fill(desk, connection)
                done = _send(connection, session)
                if self._items:
                    items = self._items[:]
                    self._items.clear()
                    yield from items
                    continue  # they have made room
                if not desk.unfinished and self._exhausted:
                    return
                if not done or desk.under_way:
                    poll.modify(
                        connection, select.POLLIN if done else select.POLLIN | select.POLLOUT
                    )
                    poll.poll()
                    self._read(desk, connection)
        finally:
            # The daemon cancels what is left of a session that ends.
            connection.close()
            if desk is not None:
                desk.end(JobMillError("the results are not read any more"))

    def _read(self, desk: Desk, connection: Any) -> None:
        try:
            events = receive(connection, desk.session)
        except BlockingIOError:
            return
        for sink, event in desk.take(events):
            deliver(sink, event)
        if self._errors:
            raise self._errors[0]

    def _fill(self, desk: Desk, connection: Any) -> None:
        for sink, event in desk.settle():
            deliver(sink, event)
        while not self._exhausted and desk.unfinished + len(self._items) < self._window:
            if not desk.has_room(0):
                return
            try:
                element = next(self._elements)
            except StopIteration:
                self._exhausted = True
                return
            sink = Element(
                self._next_index, self._items, self._calls._settings.echo, desk.return_soon
            )
            self._next_index += 1
            try:
                payload, meta = encode_call(
                    self._calls, self._fn, (element,), {}, lambda handle: self._put(desk, handle)
                )
            except JobMillError as error:
                sink.on_error(error)
                continue
            desk.submit(sink, payload, self._handler, meta)
            if desk.session.unsent > _GATHERED:
                _send(connection, desk.session)

    def _put(self, desk: Desk, handle: Any) -> int:
        sink = _Put(self._errors)
        return handle.tag_on(desk, lambda descriptor, size: desk.put(sink, descriptor, size))
